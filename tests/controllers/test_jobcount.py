"""Counting a Job's pods, each once."""

from hypothesis import given
from hypothesis import strategies as st

from netemu.controllers.jobcount import MOST_NOTED, count, next_failures
from netemu.controllers.jobpods import FAILURES
from tests.controllers.jobs import job, job_pod


def test_the_three_places_are_added_up() -> None:
    obj = job({"succeeded": 2, "uncountedTerminatedPods": {"succeeded": ["gone"]}}, completions=9)
    found = count(obj, [job_pod(1, "Succeeded"), job_pod(2)])
    assert found.succeeded == 4
    assert found.noted_succeeded == ("gone", "p1")
    assert len(found.active) == 1


def test_no_more_are_noted_at_once_than_a_status_holds() -> None:
    pods = [job_pod(number, "Succeeded") for number in range(MOST_NOTED + 7)]
    found = count(job(completions=9999), pods)
    assert len(found.noted_succeeded) == len(found.strip) == MOST_NOTED
    assert found.succeeded == MOST_NOTED + 7


@given(st.lists(st.sampled_from(["Running", "Succeeded", "Failed"]), max_size=12))
def test_every_pod_is_exactly_one_thing(phases: list[str]) -> None:
    found = count(job(completions=99), [job_pod(n, phase) for n, phase in enumerate(phases)])
    assert len(found.active) + found.succeeded + found.failed == len(phases)


def test_what_the_next_pod_of_an_index_inherits() -> None:
    obj = job(backoffLimitPerIndex=3)
    assert next_failures(job(), None) is None
    assert next_failures(obj, None) == (0, 0)
    assert next_failures(obj, job_pod(1, "Failed", annotations={FAILURES: "2"})) == (3, 0)

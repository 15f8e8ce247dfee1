"""What a Job's plan says of its pods."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netemu.controllers.jobplan import Observed, Plan, plan
from netemu.controllers.jobpods import FAILURES, INDEX, index_of, untracked
from netemu.model.conditions import condition
from netemu.model.meta import Object, annotations_of, name_of, uid_of
from tests.controllers.jobs import job, job_pod
from tests.support.samples import NOW


def planned(obj: Object, pods: Sequence[Object], now: float = NOW) -> Plan:
    return plan(Observed(job=obj, pods=pods, now=now))


def condition_of(what: Plan, kind: str) -> Object:
    assert what.status is not None
    found = condition({"status": what.status}, kind)
    assert found is not None, f"no {kind} in {what.status}"
    return found


def test_as_many_pods_as_may_run_side_by_side() -> None:
    what = planned(job(parallelism=3, completions=5), [])
    assert len(what.create) == 3
    assert what.status is not None
    assert what.status["active"] == 3
    assert what.status["uncountedTerminatedPods"] == {}


def test_no_more_than_are_missing() -> None:
    what = planned(job({"succeeded": 4}, parallelism=3, completions=5), [])
    assert len(what.create) == 1


def test_an_ended_pod_is_noted_before_it_is_let_go() -> None:
    what = planned(job(completions=2), [job_pod(1, "Succeeded")])
    assert what.note is not None
    assert what.note["uncountedTerminatedPods"] == {"succeeded": ["p1"]}
    assert "succeeded" not in what.note
    assert [name_of(pod) for pod in what.strip] == ["pi-1"]
    assert what.status is not None
    assert what.status["succeeded"] == 1


def test_a_noted_pod_that_is_gone_is_counted_once() -> None:
    noted = {"succeeded": 1, "uncountedTerminatedPods": {"succeeded": ["p7"]}}
    what = planned(job(noted, completions=5), [])
    assert what.status is not None
    assert what.status["succeeded"] == 2
    assert what.strip == []


def test_a_counted_pod_is_not_counted_again() -> None:
    what = planned(job({"succeeded": 1}, completions=2), [job_pod(1, "Succeeded", tracked=False)])
    assert what.status is not None
    assert what.status["succeeded"] == 1


def test_without_completions_one_success_ends_it_when_all_have_ended() -> None:
    work = job(completions=None, parallelism=2)
    what = planned(work, [job_pod(1, "Succeeded"), job_pod(2)])
    assert not what.create
    assert what.status is not None
    assert "conditions" not in what.status
    what = planned(work, [job_pod(1, "Succeeded"), job_pod(2, "Succeeded")])
    assert condition_of(what, "Complete")["reason"] == "CompletionsReached"


def test_failed_pods_are_replaced_later_and_later() -> None:
    """12.3 of the upstream catalogue: 10 s, then twice as long after each failure."""
    for failures, wait in ((1, 10.0), (2, 20.0), (3, 40.0)):
        pods = [job_pod(number, "Failed") for number in range(failures)]
        assert planned(job(), pods).again == wait
        assert not planned(job(), pods).create
        assert len(planned(job(), pods, NOW + wait).create) == 1


def test_a_success_forgets_the_failures_before_it() -> None:
    pods = [job_pod(1, "Failed"), job_pod(2, "Succeeded", since=NOW + 5)]
    assert len(planned(job(completions=2), pods, NOW + 5).create) == 1


def test_too_many_failures_end_it() -> None:
    """12.7: one pod more than backoffLimit."""
    pods = [job_pod(number, "Failed") for number in range(3)]
    what = planned(job(backoffLimit=2), pods)
    assert condition_of(what, "FailureTarget")["reason"] == "BackoffLimitExceeded"
    assert condition_of(what, "Failed")["message"] == "Job has reached the specified backoff limit"
    assert what.status is not None
    assert what.status["failed"] == 3
    assert ("Warning", "BackoffLimitExceeded") in [event[:2] for event in what.events]


def test_restarts_in_place_are_failures_too() -> None:
    pod = job_pod(1)
    pod["status"]["containerStatuses"] = [{"name": "main", "restartCount": 3, "state": {}}]
    work = job(backoffLimit=3)
    work["spec"]["template"]["spec"]["restartPolicy"] = "OnFailure"
    what = planned(work, [pod])
    assert condition_of(what, "FailureTarget")["reason"] == "BackoffLimitExceeded"
    assert what.delete == [pod]


def test_it_has_failed_only_when_its_pods_have_gone() -> None:
    work = job({"startTime": "2023-11-14T22:13:20Z"}, activeDeadlineSeconds=5)
    what = planned(work, [job_pod(1)], NOW + 5)
    assert condition_of(what, "FailureTarget")["reason"] == "DeadlineExceeded"
    assert condition({"status": what.status or {}}, "Failed") is None
    assert [name_of(pod) for pod in what.delete] == ["pi-1"]
    what = planned({**work, "status": what.status}, [], NOW + 6)
    assert condition_of(what, "Failed")["reason"] == "DeadlineExceeded"


def test_the_deadline_is_looked_at_again() -> None:
    work = job({"startTime": "2023-11-14T22:13:20Z"}, activeDeadlineSeconds=30)
    assert planned(work, [job_pod(1)], NOW + 10).again == 20.0


def test_suspended_it_has_no_pods_and_no_start() -> None:
    """12.10."""
    what = planned(job(suspend=True), [])
    assert condition_of(what, "Suspended")["reason"] == "JobSuspended"
    assert what.status is not None
    assert "startTime" not in what.status
    resumed = planned({**job(), "status": what.status}, [])
    assert condition_of(resumed, "Suspended")["status"] == "False"
    assert len(resumed.create) == 1
    assert resumed.status is not None
    assert resumed.status["startTime"] == "2023-11-14T22:13:20Z"


def test_suspending_deletes_what_runs() -> None:
    assert planned(job(suspend=True), [job_pod(1)]).delete == [job_pod(1)]


INDEXED: Object = {"completionMode": "Indexed", "completions": 4, "parallelism": 2}


def test_each_index_has_its_pod() -> None:
    """12.4."""
    made = planned(job(**INDEXED), []).create
    assert [index_of(pod) for pod in made] == [0, 1]
    first = made[0]
    assert first["metadata"]["labels"][INDEX] == "0"
    assert first["metadata"]["generateName"] == "pi-0-"
    assert first["spec"]["hostname"] == "pi-0"
    (variable,) = first["spec"]["containers"][0]["env"]
    assert variable["name"] == "JOB_COMPLETION_INDEX"


def test_done_indexes_are_written_short() -> None:
    pods = [job_pod(number, "Succeeded", index=number) for number in (0, 1, 2)]
    what = planned(job(**INDEXED), pods)
    assert what.status is not None
    assert what.status["completedIndexes"] == "0-2"
    assert what.status["succeeded"] == 3
    assert [index_of(pod) for pod in what.create] == [3]


def test_two_pods_of_one_index_are_one_too_many() -> None:
    pods = [job_pod(1, index=0), job_pod(2, index=0), job_pod(3, index=9)]
    assert {name_of(pod) for pod in planned(job(**INDEXED), pods).delete} == {"pi-2", "pi-3"}


def test_an_index_that_fails_too_often_is_given_up() -> None:
    """12.13: backoffLimitPerIndex."""
    work = job(**INDEXED, backoffLimitPerIndex=1, backoffLimit=2**31 - 1)
    once = job_pod(1, "Failed", index=0, annotations={FAILURES: "0"})
    what = planned(work, [once, job_pod(2, index=1)], NOW + 10)
    (again,) = what.create
    assert annotations_of(again)[FAILURES] == "1"
    assert what.strip == []  # its successor inherits the count, so it stays until then
    twice = job_pod(3, "Failed", index=0, annotations={FAILURES: "1"})
    what = planned(work, [once, twice, job_pod(2, index=1)], NOW + 20)
    assert what.status is not None
    assert what.status["failedIndexes"] == "0"
    assert [index_of(pod) for pod in what.create] == [2]


def test_with_failed_indexes_it_fails_when_all_are_through() -> None:
    work = job(
        {"completedIndexes": "1-3", "succeeded": 3, "failed": 1, "failedIndexes": "0"},
        **INDEXED,
        backoffLimitPerIndex=0,
        backoffLimit=2**31 - 1,
    )
    assert condition_of(planned(work, []), "Failed")["reason"] == "FailedIndexes"


def test_too_many_failed_indexes_end_it_at_once() -> None:
    work = job(**INDEXED, backoffLimitPerIndex=0, maxFailedIndexes=1, backoffLimit=2**31 - 1)
    pods = [job_pod(number, "Failed", index=number) for number in (0, 1)]
    what = planned(work, pods)
    assert condition_of(what, "FailureTarget")["reason"] == "MaxFailedIndexesExceeded"


def policy(**rule: object) -> Object:
    return {"podFailurePolicy": {"rules": [rule]}, "podReplacementPolicy": "Failed"}


EXITS_42 = {"operator": "In", "values": [42]}


def test_a_rule_ends_the_job() -> None:
    work = job(**policy(action="FailJob", onExitCodes=EXITS_42))
    what = planned(work, [job_pod(1, "Failed", exit_code=42)])
    said = condition_of(what, "Failed")
    assert said["reason"] == "PodFailurePolicy"
    assert said["message"] == (
        "Container main for pod default/pi-1 failed with exit code 42 matching FailJob rule "
        "at index 0"
    )


def test_a_rule_ignores_disruptions() -> None:
    work = job(backoffLimit=0, **policy(
        action="Ignore", onPodConditions=[{"type": "DisruptionTarget", "status": "True"}]
    ))  # fmt: skip
    gone = job_pod(
        1, "Failed", conditions=[{"type": "DisruptionTarget", "status": "True", "reason": "x"}]
    )
    what = planned(work, [gone])
    assert len(what.create) == 1
    assert [name_of(pod) for pod in what.strip] == ["pi-1"]
    assert what.status is not None
    assert "failed" not in what.status


def test_a_rule_gives_up_an_index() -> None:
    work = job(
        **INDEXED,
        backoffLimitPerIndex=5,
        backoffLimit=2**31 - 1,
        **policy(action="FailIndex", onExitCodes=EXITS_42),
    )
    what = planned(work, [job_pod(1, "Failed", index=0, exit_code=42)])
    assert what.status is not None
    assert what.status["failedIndexes"] == "0"


def test_with_replacement_policy_failed_a_terminating_pod_still_has_its_place() -> None:
    leaving = job_pod(1, deleting=True)
    assert len(planned(job(), [leaving], NOW + 10).create) == 1
    assert not planned(job(podReplacementPolicy="Failed"), [leaving], NOW + 10).create


@pytest.mark.parametrize(
    ("rule", "met"),
    [
        ({"succeededIndexes": "0,2"}, True),
        ({"succeededCount": 2}, True),
        ({"succeededIndexes": "0-1", "succeededCount": 1}, True),
        ({"succeededIndexes": "1"}, False),
        ({"succeededCount": 3}, False),
    ],
)
def test_a_success_policy_ends_it_early(rule: Object, met: bool) -> None:
    work = job(**INDEXED, successPolicy={"rules": [rule]})
    pods = [job_pod(1, "Succeeded", index=0), job_pod(2, "Succeeded", index=2),
            job_pod(3, index=1)]  # fmt: skip
    what = planned(work, pods)
    found = condition({"status": what.status or {}}, "SuccessCriteriaMet")
    assert (found is not None) is met
    if found:
        assert (found["reason"], found["message"]) == ("SuccessPolicy", "Matched rules at index 0")
        assert [name_of(pod) for pod in what.delete] == ["pi-3"]


def test_a_finished_job_lets_go_of_its_pods_and_of_nothing_else() -> None:
    done = job({"conditions": [{"type": "Complete", "status": "True"}]})
    what = planned(done, [job_pod(1, "Succeeded"), job_pod(2, "Succeeded", tracked=False)])
    assert what == Plan(strip=what.strip)
    assert [name_of(pod) for pod in what.strip] == ["pi-1"]


def carried_out(obj: Object, pods: Sequence[Object], what: Plan) -> tuple[Object, list[Object]]:
    """What there is when the plan has been done; deleted pods end at once."""
    gone, counted = {uid_of(p) for p in what.delete}, {uid_of(p) for p in what.strip}
    left = [
        untracked(pod) if uid_of(pod) in counted else pod for pod in pods if uid_of(pod) not in gone
    ]
    for number, new in enumerate(what.create):
        meta = {**new["metadata"], "name": f"new-{number}", "uid": f"new-{number}"}
        left.append({**new, "metadata": meta, "status": {"phase": "Pending"}})
    return ({**obj, "status": what.status} if what.status is not None else obj), left


PODS = st.lists(
    st.tuples(
        st.sampled_from(["Running", "Succeeded", "Failed"]), st.integers(0, 4), st.booleans()
    ),
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(
    found=PODS,
    indexed=st.booleans(),
    completions=st.integers(1, 5),
    parallelism=st.integers(0, 6),
    limit=st.integers(0, 3),
    suspend=st.booleans(),
)
def test_planning_on_its_own_result_gives_nothing(
    found: list[tuple[str, int, bool]],
    indexed: bool,
    completions: int,
    parallelism: int,
    limit: int,
    suspend: bool,
) -> None:
    obj = job(
        completions=completions,
        parallelism=parallelism,
        backoffLimit=limit,
        suspend=suspend,
        completionMode="Indexed" if indexed else "NonIndexed",
    )
    pods: Sequence[Object] = [
        job_pod(number, phase, index=index if indexed else None, tracked=tracked)
        for number, (phase, index, tracked) in enumerate(found)
    ]
    total = 0
    for _ in range(6):
        what = planned(obj, pods, NOW + 1000)
        total += len(what.create)
        obj, pods = carried_out(obj, pods, what)
        active = [p for p in pods if p["status"]["phase"] in ("Pending", "Running")]
        assert len(active) <= max(parallelism, 0)
    last = planned(obj, pods, NOW + 1000)
    assert (last.create, last.delete, last.note, last.status) == ([], (), None, None) or (
        not last.create and not last.delete and last.status is None
    )
    assert total <= completions

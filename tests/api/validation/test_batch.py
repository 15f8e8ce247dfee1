"""Jobs and CronJobs that are refused, in upstream's words."""

from typing import Any

import pytest

from netemu.api.defaults import with_defaults
from netemu.api.strategies import prepare_create
from netemu.api.validation import validate
from netemu.model.meta import Object, copied
from netemu.model.resources import BY_KEY, CRON_JOBS, JOBS
from tests.controllers.jobs import CONTAINER, manifest


def made(key: str, obj: Object) -> Object:
    kind = BY_KEY[key]
    obj = copied(obj)
    obj["metadata"]["uid"] = "u1"
    return prepare_create(kind, with_defaults(kind, obj))


def refusals(key: str, new: Object, old: Object | None = None) -> list[str]:
    causes = validate(BY_KEY[key], new, old)
    return [f"{cause.field}: {cause.message}" for cause in causes]


def job(**spec: Any) -> list[str]:
    return refusals(JOBS, made(JOBS, manifest(**spec)))


def test_the_usual_is_fine() -> None:
    assert job() == []
    assert job(completionMode="Indexed", completions=3, backoffLimitPerIndex=1) == []


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            {"managedBy": "mine"},
            'spec.managedBy: Invalid value: "mine": must be a domain-prefixed path',
        ),
        ({"completions": -1}, "spec.completions: Invalid value: -1: must be greater than or equal"),
        ({"restart": "Always"}, "spec.template.spec.restartPolicy: Required value: valid values"),
        (
            {"completionMode": "Indexed", "parallelism": 1},
            "spec.completions: Required value: when completion mode is Indexed",
        ),
        (
            {"backoffLimitPerIndex": 1},
            "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode",
        ),
        (
            {"podReplacementPolicy": "Never"},
            'spec.podReplacementPolicy: Unsupported value: "Never": supported values: "Failed", ',
        ),
        (
            {"completionMode": "Odd"},
            'spec.completionMode: Unsupported value: "Odd": supported values: "Indexed", ',
        ),
    ],
)
def test_a_job_that_cannot_be(spec: Any, said: str) -> None:
    (found,) = job(**spec)
    assert found.startswith(said)


def test_what_its_pods_are_made_of_stays() -> None:
    old = made(JOBS, manifest())
    new = copied(old)
    new["spec"]["template"]["spec"]["containers"][0]["image"] = "other"
    new["spec"]["completions"] = 5
    found = refusals(JOBS, new, old)
    assert [text.partition(":")[0] for text in found] == ["spec.completions", "spec.template"]
    assert all(text.endswith("field is immutable") for text in found)


def test_an_indexed_job_grows_with_its_parallelism() -> None:
    old = made(JOBS, manifest(completionMode="Indexed", completions=2, parallelism=2))
    new = copied(old)
    new["spec"] |= {"completions": 4, "parallelism": 4}
    assert refusals(JOBS, new, old) == []
    new["spec"]["parallelism"] = 3
    assert refusals(JOBS, new, old) == [
        "spec.completions: Invalid value: 4: can only be modified in tandem with spec.parallelism"
    ]


def test_where_pods_go_may_change_before_it_begins() -> None:
    old = made(JOBS, manifest(suspend=True))
    new = copied(old)
    new["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "fast"}
    assert refusals(JOBS, new, old) == []
    begun = {**old, "status": {"startTime": "2024-01-01T00:00:00Z"}}
    assert refusals(JOBS, new, begun) != []


def cron(name: str = "tick", **spec: Any) -> list[str]:
    template = {"spec": {"restartPolicy": "Never", "containers": [CONTAINER]}}
    spec = {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}, **spec}
    metadata = {"namespace": "default", "name": name}
    return refusals(CRON_JOBS, made(CRON_JOBS, {"metadata": metadata, "spec": spec}))


def test_a_cron_job_that_can_be() -> None:
    assert cron() == []
    assert cron(schedule="@every 5m", timeZone="Europe/Berlin") == []


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"schedule": ""}, "spec.schedule: Required value"),
        ({"schedule": "* * *"}, 'spec.schedule: Invalid value: "* * *": expected exactly 5 fields'),
        (
            {"schedule": "TZ=UTC * * * * *"},
            'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot',
        ),
        ({"timeZone": "Moon/Sea"}, 'spec.timeZone: Invalid value: "Moon/Sea": unknown time zone'),
        ({"concurrencyPolicy": "Some"}, 'spec.concurrencyPolicy: Unsupported value: "Some"'),
        ({"failedJobsHistoryLimit": -1}, "spec.failedJobsHistoryLimit: Invalid value: -1"),
        ({"name": "x" * 53}, "metadata.name: Invalid value"),
    ],
)
def test_a_cron_job_that_cannot_be(spec: Any, said: str) -> None:
    """12.25 of the upstream catalogue among them."""
    (found,) = cron(**spec)
    assert found.startswith(said)

from typing import Any

from netemu.api.defaults import with_defaults
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY, CRON_JOBS, JOBS
from tests.controllers.jobs import manifest


def job(**spec: object) -> Any:
    return with_defaults(BY_KEY[JOBS], manifest(**spec))["spec"]  # type: ignore[arg-type]


def test_a_job_runs_one_pod_to_its_end() -> None:
    spec = job()
    spec.pop("template")
    assert spec == {
        "completions": 1,
        "parallelism": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
        "podReplacementPolicy": "TerminatingOrFailed",
    }


def test_with_parallelism_alone_it_is_a_work_queue() -> None:
    assert "completions" not in job(parallelism=3)


def test_limits_by_index_leave_no_other() -> None:
    assert job(backoffLimitPerIndex=1)["backoffLimit"] == 2**31 - 1


def test_a_failure_policy_waits_for_pods_to_end() -> None:
    rule = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}
    spec = job(podFailurePolicy={"rules": [rule]})
    assert spec["podReplacementPolicy"] == "Failed"
    (pattern,) = spec["podFailurePolicy"]["rules"][0]["onPodConditions"]
    assert pattern["status"] == "True"


def test_a_job_is_labelled_like_its_pods() -> None:
    obj = manifest()
    obj["spec"]["template"]["metadata"] = {"labels": {"app": "x"}}
    assert with_defaults(BY_KEY[JOBS], obj)["metadata"]["labels"] == {"app": "x"}


def test_a_cron_job_keeps_three_that_went_well_and_one_that_did_not() -> None:
    template: Object = {"spec": {"template": {"spec": {"containers": []}}}}
    obj: Object = {
        "metadata": {"name": "c"},
        "spec": {"schedule": "@daily", "jobTemplate": template},
    }
    spec = with_defaults(BY_KEY[CRON_JOBS], obj)["spec"]
    spec.pop("jobTemplate")
    assert spec == {
        "schedule": "@daily",
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    }

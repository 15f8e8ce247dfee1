"""How a Job judges its pods."""

from netemu.controllers.jobpolicy import judge, succeeded_by
from netemu.model.meta import Object
from tests.controllers.jobs import job, job_pod


def ruled(*rules: Object) -> Object:
    return job(podFailurePolicy={"rules": list(rules)})


def exits(action: str, operator: str, *values: int, **more: str) -> Object:
    return {"action": action, "onExitCodes": {"operator": operator, "values": [*values], **more}}


def test_the_first_rule_that_matches_decides() -> None:
    obj = ruled(exits("Ignore", "In", 3), exits("FailJob", "NotIn", 1))
    assert judge(obj, job_pod(1, "Failed", exit_code=3)).action == "Ignore"
    assert judge(obj, job_pod(1, "Failed", exit_code=4)).action == "FailJob"
    assert judge(obj, job_pod(1, "Failed", exit_code=1)).action == "Count"


def test_a_container_that_went_well_matches_nothing() -> None:
    assert judge(ruled(exits("FailJob", "NotIn", 1)), job_pod(1, "Failed", exit_code=0)).counts


def test_only_the_named_container_counts() -> None:
    obj = ruled(exits("FailJob", "In", 3, containerName="other"))
    assert judge(obj, job_pod(1, "Failed", exit_code=3)).action == "Count"


def test_what_has_not_failed_yet_is_not_judged() -> None:
    assert judge(ruled(exits("FailJob", "In", 3)), job_pod(1, deleting=True)).action == "Count"


def test_without_a_policy_nothing_is_met() -> None:
    assert succeeded_by(job(), {0, 1}) == ""

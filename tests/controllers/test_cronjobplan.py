"""What a CronJob's plan starts, and what it forgets."""

import pytest

from netemu.clock import parse_rfc3339, rfc3339
from netemu.controllers.actions import Delete, Tell
from netemu.controllers.cronjobplan import SCHEDULED_AT, Observed, Plan, plan, status_of
from netemu.model.meta import Object, annotations_of, name_of

NOON = parse_rfc3339("2024-05-01T12:00:00Z")


def cron(status: Object | None = None, *, created: float = NOON, **spec: object) -> Object:
    defaults: Object = {
        "schedule": "*/5 * * * *",
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
        "jobTemplate": {"metadata": {"labels": {"app": "x"}}, "spec": {"template": {}}},
    }
    metadata = {
        "namespace": "default", "name": "tick", "uid": "c1",
        "creationTimestamp": rfc3339(created),
    }  # fmt: skip
    return {"metadata": metadata, "spec": {**defaults, **spec}, "status": status or {}}


def job(name: str, ended: str = "", *, at: float = NOON) -> Object:
    status: Object = {"startTime": rfc3339(at)}
    if ended:
        status["conditions"] = [{"type": ended, "status": "True"}]
    if ended == "Complete":
        status["completionTime"] = rfc3339(at + 1)
    return {"metadata": {"namespace": "default", "name": name, "uid": name}, "status": status}


def planned(obj: Object, now: float, *jobs: Object) -> Plan:
    return plan(Observed(cron=obj, jobs=jobs, now=now))


def reasons(what: Plan) -> list[str]:
    return [action.reason for action in what.actions if isinstance(action, Tell)]


def deleted(what: Plan) -> list[str]:
    return [name_of(action.obj) for action in what.actions if isinstance(action, Delete)]


def test_nothing_is_due_before_its_time() -> None:
    what = planned(cron(), NOON + 100)
    assert what.create is None
    assert what.again == pytest.approx(200.1)


def test_a_job_for_a_start_time() -> None:
    what = planned(cron(), NOON + 301)
    assert what.create is not None
    assert name_of(what.create) == f"tick-{int(NOON + 300) // 60}"
    assert what.create["metadata"]["labels"] == {"app": "x"}
    assert annotations_of(what.create)[SCHEDULED_AT] == "2024-05-01T12:05:00Z"
    assert status_of(what, what.create)["lastScheduleTime"] == "2024-05-01T12:05:00Z"


def test_none_is_started_twice() -> None:
    what = planned(cron({"lastScheduleTime": "2024-05-01T12:05:00Z"}), NOON + 301)
    assert what.create is None


def test_of_many_missed_times_only_the_last_counts() -> None:
    """12.21 of the upstream catalogue."""
    what = planned(cron(created=NOON - 86400 * 30), NOON + 10)
    assert what.create is not None
    assert annotations_of(what.create)[SCHEDULED_AT] == "2024-05-01T12:00:00Z"
    assert reasons(what) == ["TooManyMissedTimes"]


def test_a_start_that_is_too_late_is_missed() -> None:
    what = planned(cron(startingDeadlineSeconds=30, created=NOON - 400), NOON + 29)
    assert what.create is not None
    late = cron(startingDeadlineSeconds=30, created=NOON - 400)
    assert planned(late, NOON + 31).create is None


def test_suspended_it_starts_nothing() -> None:
    """12.17."""
    assert planned(cron(suspend=True), NOON + 301) == Plan(actions=[], active=[])


def running(*names: str) -> Object:
    return {"active": [{"name": name, "uid": name} for name in names]}


def test_forbid_waits_for_the_one_that_runs() -> None:
    """12.18."""
    work = cron(running("tick-1"), concurrencyPolicy="Forbid")
    what = planned(work, NOON + 301, job("tick-1"))
    assert what.create is None
    assert reasons(what) == ["JobAlreadyActive"]


def test_replace_deletes_the_one_that_runs() -> None:
    """12.19."""
    work = cron(running("tick-1"), concurrencyPolicy="Replace")
    what = planned(work, NOON + 301, job("tick-1"))
    assert what.create is not None
    assert deleted(what) == ["tick-1"]
    assert what.active == []


def test_allow_runs_side_by_side() -> None:
    """12.16."""
    what = planned(cron(running("tick-1")), NOON + 301, job("tick-1"))
    assert what.create is not None
    assert [item["name"] for item in what.active] == ["tick-1"]


def test_what_ended_or_vanished_is_no_longer_active() -> None:
    """12.23."""
    what = planned(cron(running("done", "gone")), NOON + 1, job("done", "Complete"))
    assert what.active == []
    assert reasons(what) == ["SawCompletedJob", "MissingJob"]
    assert status_of(what, None)["lastSuccessfulTime"] == "2024-05-01T12:00:01Z"


def test_a_job_that_nobody_knows_is_told() -> None:
    assert reasons(planned(cron(), NOON + 1, job("strange"))) == ["UnexpectedJob"]


@pytest.mark.parametrize(
    ("ended", "limit"), [("Complete", "successfulJobsHistoryLimit"),
                         ("Failed", "failedJobsHistoryLimit")],
)  # fmt: skip
def test_the_history_has_an_end(ended: str, limit: str) -> None:
    """12.24."""
    jobs = [job(f"tick-{number}", ended, at=NOON + number) for number in range(3)]
    limited = cron()
    limited["spec"][limit] = 1
    assert deleted(planned(limited, NOON + 5, *jobs)) == ["tick-0", "tick-1"]


def test_in_a_time_zone() -> None:
    work = cron(schedule="0 14 * * *", timeZone="Europe/Berlin", created=NOON - 60)
    made = planned(work, NOON + 1).create
    assert made is not None
    assert annotations_of(made)[SCHEDULED_AT] == "2024-05-01T14:00:00+02:00"


def test_planning_on_its_own_result_gives_nothing() -> None:
    work = cron()
    first = planned(work, NOON + 301)
    assert first.create is not None
    made = job(name_of(first.create))
    after = {**work, "status": status_of(first, made)}
    again = planned(after, NOON + 301, made)
    assert again.create is None
    assert again.actions == []
    assert status_of(again, None) == after["status"]

"""sig-apps: CronJob, row by row of the catalogue; the cluster's clock is moved."""

from typing import Any

import pytest

from tests.support.rows import RefusedError, Space, sh, template

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CRONS, JOBS = "cronjobs", "jobs"
STAYS, DONE = sh("exec sleep 1000"), sh("exit 0")


def cron(*containers: Any, backoff: int = 6, **spec: Any) -> Any:
    pod = template(*containers, app="c", restartPolicy="Never")
    return {
        "metadata": {"name": "c"},
        "spec": {
            "schedule": "*/1 * * * *",
            "concurrencyPolicy": "Allow",
            "jobTemplate": {"spec": {"template": pod, "backoffLimit": backoff}},
            **spec,
        },
    }


def active(space: Space) -> list[str]:
    return [ref["name"] for ref in space.get(CRONS, "c")["status"].get("active") or ()]


def jobs(space: Space) -> list[str]:
    return [j["metadata"]["name"] for j in space.all(JOBS)]


def test_12_16_several_at_once(space: Space) -> None:
    space.create(CRONS, cron(STAYS))
    space.pass_time("2m")
    space.wait(lambda: len(active(space)) >= 2, "two active")


def test_12_17_not_while_suspended(space: Space) -> None:
    space.create(CRONS, cron(STAYS, suspend=True))
    space.pass_time("5m")
    space.stays(lambda: active(space) == [] and jobs(space) == [], 0.5)


def test_12_18_forbid_concurrent(space: Space) -> None:
    space.create(CRONS, cron(STAYS, concurrencyPolicy="Forbid"))
    space.pass_time("2m")
    space.wait(lambda: len(active(space)) == 1, "one active")
    space.pass_time("2m")
    assert len(jobs(space)) == 1
    assert any("Not starting job" in text for text in space.events("c", "JobAlreadyActive"))


def test_12_19_replace_concurrent(space: Space) -> None:
    space.create(CRONS, cron(STAYS, concurrencyPolicy="Replace"))
    space.pass_time("2m")
    space.wait(lambda: len(active(space)) == 1, "one active")
    [first] = active(space)
    space.pass_time("1m")
    space.wait(lambda: active(space) not in ([], [first]), "another")
    space.wait(lambda: first not in jobs(space), "the first one's end")


def test_12_20_every_verb(space: Space) -> None:
    start = space.version(CRONS)
    made = cron(STAYS, suspend=True)
    made["metadata"]["labels"] = {"special": "yes"}
    space.create(CRONS, made)
    found = space.all(CRONS, "special=yes", everywhere=True)
    assert [c["metadata"]["name"] for c in found] == ["c"]
    space.patch(CRONS, "c", {"metadata": {"annotations": {"patched": "true"}}})
    space.update(CRONS, "c", lambda c: c["metadata"]["annotations"].update(updated="true"))
    now = "2030-01-01T00:00:00Z"
    space.patch(CRONS, "c", {"status": {"lastScheduleTime": now}}, "status")
    assert space.get(CRONS, "c", "status")["status"]["lastScheduleTime"] == now
    obj = space.get(CRONS, "c", "status")
    obj["status"]["lastSuccessfulTime"] = now
    assert space.put(CRONS, obj, "status")["status"]["lastSuccessfulTime"] == now
    space.delete_all(CRONS, "special=yes")
    assert space.all(CRONS) == []
    kinds = [kind for kind, _ in space.watched(CRONS, start)]
    assert (kinds[0], kinds[-1]) == ("ADDED", "DELETED")


def test_12_21_after_more_than_100_missed(space: Space) -> None:
    space.create(CRONS, cron(DONE, suspend=True))
    space.pass_time("3h")
    space.patch(CRONS, "c", {"spec": {"suspend": False}})
    space.pass_time("1m")
    space.wait(lambda: len(jobs(space)) >= 1, "a Job")
    [told] = space.events("c", "TooManyMissedTimes")
    assert told == (
        "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check "
        "clock skew"
    )


def test_12_22_no_unexpected_warnings(space: Space) -> None:
    space.create(CRONS, cron(DONE))
    space.pass_time("3m")
    space.wait(lambda: len(jobs(space)) >= 2, "two Jobs")
    assert space.events("c", "MissingJob") == []
    assert space.events("c", "UnexpectedJob") == []


def test_12_23_deleted_jobs_leave_the_list(space: Space) -> None:
    space.create(CRONS, cron(STAYS, concurrencyPolicy="Forbid"))
    space.pass_time("1m")
    space.wait(lambda: len(active(space)) == 1, "one active")
    [first] = active(space)
    space.delete(JOBS, first, propagationPolicy="Background")
    space.wait(lambda: first not in active(space), "it to leave")
    space.wait(
        lambda: space.events("c", "MissingJob") == [f"Active job went missing: {first}"],
        "the event",
    )


@pytest.mark.parametrize(
    ("container", "limit"),
    [
        pytest.param(DONE, "successfulJobsHistoryLimit", id="successful"),
        pytest.param(sh("exit 1"), "failedJobsHistoryLimit", id="failed"),
    ],
)
def test_12_24_history(space: Space, container: Any, limit: str) -> None:
    space.create(CRONS, cron(container, backoff=0, **{limit: 1}))
    space.pass_time("1m")
    space.wait(lambda: len(jobs(space)) == 1, "a Job")
    [first] = jobs(space)

    def finished() -> bool:
        conditions = space.get(JOBS, first)["status"].get("conditions") or ()
        return any(c["type"] in ("Complete", "Failed") for c in conditions)

    space.wait(finished, "its end")
    space.pass_time("1m")
    space.wait(lambda: first not in jobs(space) and len(jobs(space)) == 1, "only the next")


def test_12_25_an_unknown_time_zone_is_refused(space: Space) -> None:
    space.create(CRONS, cron(DONE, timeZone="Asia/Tokyo"))
    with pytest.raises(RefusedError) as refused:
        space.create(CRONS, cron(DONE, timeZone="bad/time/zone"))
    assert refused.value.code == 422
    assert 'spec.timeZone: Invalid value: "bad/time/zone": unknown time zone' in (
        refused.value.message
    )

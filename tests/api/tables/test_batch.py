from netemu.api.tables.batch import cron_job, job
from netemu.clock import rfc3339
from netemu.model.meta import Object

NOW = 1_000_000.0
TEMPLATE = {"spec": {"containers": [{"name": "a", "image": "x:1"}]}}


def a_job(status: Object, **spec: object) -> Object:
    metadata = {"name": "pi", "creationTimestamp": rfc3339(NOW - 90)}
    selector = {"matchLabels": {"u": "1"}}
    return {
        "metadata": metadata,
        "spec": {"completions": 4, "selector": selector, "template": TEMPLATE, **spec},
        "status": status,
    }


def test_a_job_that_runs() -> None:
    status = {"startTime": rfc3339(NOW - 60), "succeeded": 2}
    row = ["pi", "Running", "2/4", "60s", "90s", "a", "x:1", "u=1"]
    assert job(a_job(status), NOW) == row


def test_a_job_that_is_done() -> None:
    status: Object = {
        "startTime": rfc3339(NOW - 60),
        "completionTime": rfc3339(NOW - 50),
        "succeeded": 4,
        "conditions": [
            {"type": "SuccessCriteriaMet", "status": "True"},
            {"type": "Complete", "status": "True"},
        ],
    }
    assert job(a_job(status), NOW)[1:4] == ["Complete", "4/4", "10s"]


def test_in_other_states() -> None:
    for kind in ("Failed", "Suspended", "FailureTarget"):
        status = {"conditions": [{"type": kind, "status": "True"}]}
        assert job(a_job(status), NOW)[1] == kind
    assert job(a_job({}, completions=None, parallelism=3), NOW)[2] == "0/1 of 3"


def test_a_cron_job() -> None:
    obj: Object = {
        "metadata": {"name": "tick", "creationTimestamp": rfc3339(NOW - 300)},
        "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": TEMPLATE}}},
        "status": {"lastScheduleTime": rfc3339(NOW - 20), "active": [{}]},
    }
    row = ["tick", "* * * * *", "<none>", "False", 1, "20s", "5m", "a", "x:1", "<none>"]
    assert cron_job(obj, NOW) == row

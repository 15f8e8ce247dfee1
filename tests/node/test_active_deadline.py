"""activeDeadlineSeconds."""

from netemu.node.active_deadline import expired, expires
from netemu.node.pod import pod_from
from tests.support.node import pod


def test_only_a_pod_that_runs_and_has_a_deadline_expires() -> None:
    limited = pod(activeDeadlineSeconds=5)
    assert expires(pod_from(limited), 100.0) == 105.0
    assert expires(pod_from(limited), None) is None
    assert expires(pod_from(pod()), 100.0) is None
    assert expires(pod_from({**limited, "status": {"phase": "Succeeded"}}), 100.0) is None


def test_it_fails_and_says_why() -> None:
    status = expired({"phase": "Running", "podIP": "10.0.0.1"})
    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")
    assert status["podIP"] == "10.0.0.1"

import pytest

from netemu.api.tables.pods import pod
from netemu.clock import rfc3339
from netemu.model.meta import Object

NOW = 1_000_000.0


def running(*, ready: bool = True, **more: object) -> Object:
    return {"name": "c", "ready": ready, "restartCount": 0, "state": {"running": {}}, **more}


def waiting(reason: str, **more: object) -> Object:
    return {"name": "c", "ready": False, "state": {"waiting": {"reason": reason}}, **more}


def ended(**terminated: object) -> Object:
    return {"name": "c", "ready": False, "state": {"terminated": terminated}}


def a_pod(
    *statuses: Object,
    phase: str = "Running",
    containers: int = 1,
    init: tuple[Object, ...] = (),
    init_specs: tuple[Object, ...] = (),
    conditions: tuple[Object, ...] = (),
    reason: str = "",
    deleting: bool = False,
) -> Object:
    metadata: Object = {"name": "p", "creationTimestamp": rfc3339(NOW - 90)}
    if deleting:
        metadata["deletionTimestamp"] = rfc3339(NOW)
    status: Object = {
        "phase": phase,
        "conditions": list(conditions),
        "containerStatuses": list(statuses),
        "initContainerStatuses": list(init),
    }
    if reason:
        status["reason"] = reason
    return {
        "metadata": metadata,
        "spec": {
            "containers": [{"name": f"c{number}"} for number in range(containers)],
            "initContainers": list(init_specs),
        },
        "status": status,
    }


CASES = [
    pytest.param(a_pod(running()), "1/1", "Running", id="running"),
    pytest.param(a_pod(running(ready=False)), "0/1", "Running", id="not ready"),
    pytest.param(a_pod(phase="Pending"), "0/1", "Pending", id="pending"),
    pytest.param(
        a_pod(waiting("ContainerCreating"), phase="Pending"), "0/1", "ContainerCreating", id="new"
    ),
    pytest.param(a_pod(waiting("CrashLoopBackOff")), "0/1", "CrashLoopBackOff", id="crash loop"),
    pytest.param(a_pod(waiting("ImagePullBackOff")), "0/1", "ImagePullBackOff", id="no image"),
    pytest.param(
        a_pod(ended(exitCode=0, reason="Completed"), phase="Succeeded"),
        "0/1",
        "Completed",
        id="completed",
    ),
    pytest.param(
        a_pod(ended(exitCode=1, reason="Error"), phase="Failed"), "0/1", "Error", id="failed"
    ),
    pytest.param(a_pod(ended(exitCode=3)), "0/1", "ExitCode:3", id="exit code"),
    pytest.param(a_pod(ended(exitCode=137, signal=9)), "0/1", "Signal:9", id="signal"),
    pytest.param(a_pod(running(), deleting=True), "1/1", "Terminating", id="terminating"),
    pytest.param(
        a_pod(phase="Succeeded", deleting=True), "0/1", "Succeeded", id="done and deleted"
    ),
    pytest.param(
        a_pod(running(), deleting=True, reason="NodeLost"), "1/1", "Unknown", id="its node is lost"
    ),
    pytest.param(a_pod(phase="Failed", reason="Evicted"), "0/1", "Evicted", id="evicted"),
    pytest.param(
        a_pod(
            phase="Pending",
            conditions=({"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"},),
        ),
        "0/1",
        "SchedulingGated",
        id="gated",
    ),
    pytest.param(
        a_pod(
            ended(exitCode=0, reason="Completed"),
            running(),
            containers=2,
            conditions=({"type": "Ready", "status": "True"},),
        ),
        "1/2",
        "Running",
        id="one is done, the pod is ready",
    ),
    pytest.param(
        a_pod(ended(exitCode=0, reason="Completed"), running(), containers=2),
        "1/2",
        "NotReady",
        id="one is done, the pod isn't ready",
    ),
    pytest.param(
        a_pod(init=(running(),), init_specs=({"name": "c"},), phase="Pending"),
        "0/1",
        "Init:0/1",
        id="initializing",
    ),
    pytest.param(
        a_pod(
            init=(ended(exitCode=0), waiting("PodInitializing")),
            init_specs=({"name": "c"}, {"name": "d"}),
            phase="Pending",
        ),
        "0/1",
        "Init:1/2",
        id="half initialized",
    ),
    pytest.param(
        a_pod(init=(waiting("CrashLoopBackOff"),), init_specs=({"name": "c"},), phase="Pending"),
        "0/1",
        "Init:CrashLoopBackOff",
        id="an init container crashes",
    ),
    pytest.param(
        a_pod(init=(ended(exitCode=2),), init_specs=({"name": "c"},), phase="Pending"),
        "0/1",
        "Init:ExitCode:2",
        id="an init container failed",
    ),
    pytest.param(
        a_pod(
            running(),
            init=(running(started=True),),
            init_specs=({"name": "c", "restartPolicy": "Always"},),
        ),
        "2/2",
        "Running",
        id="a sidecar counts",
    ),
]


@pytest.mark.parametrize(("obj", "ready", "status"), CASES)
def test_a_pod_is_summed_up_in_a_word(obj: Object, ready: str, status: str) -> None:
    assert pod(obj, NOW)[:3] == ["p", ready, status]


def test_restarts_say_when_the_last_one_was() -> None:
    crashed = {"terminated": {"finishedAt": rfc3339(NOW - 5)}}
    assert pod(a_pod(running()), NOW)[3] == "0"
    assert pod(a_pod(running(restartCount=2)), NOW)[3] == "2"
    assert pod(a_pod(running(restartCount=2, lastState=crashed)), NOW)[3] == "2 (5s ago)"


def test_the_wide_columns_say_where_it_is() -> None:
    obj = a_pod(running(), conditions=({"type": "g/a", "status": "True"},))
    assert pod(obj, NOW)[4:] == ["90s", "<none>", "<none>", "<none>", "<none>"]
    obj["spec"] |= {"nodeName": "n1", "readinessGates": [{"conditionType": "g/a"}]}
    obj["status"] |= {"podIPs": [{"ip": "10.0.0.1"}], "nominatedNodeName": "n2"}
    assert pod(obj, NOW)[5:] == ["10.0.0.1", "n1", "n2", "1/1"]

from typing import Any

import pytest
from msgspec.structs import replace

from netemu.model.meta import Object
from netemu.node.pod import pod_from
from netemu.node.state import Container, Life, PodState, Waiting
from netemu.node.status import phase, pod_status
from tests.support.node import container, pod

NOW = 1_700_000_000.0
LIFE = Life(id="ab" * 32, started=NOW - 60)
RUNNING = Container(life=LIFE, started=True, serving=True)
UNREADY = replace(RUNNING, serving=False)


def ended(code: int = 0, **fields: Any) -> Container:
    reason = "Error" if code else "Completed"
    return Container(life=replace(LIFE, finished=NOW, code=code, reason=reason), **fields)


CRASHED = ended(1, waiting=Waiting("CrashLoopBackOff", "back-off 10s"), restarts=2)


def state(*containers: Container, sandbox: bool = True, **fields: Any) -> PodState:
    names = ("main", "second")
    found = dict(zip(names, containers, strict=False))
    return PodState(containers=found, sandbox=sandbox, **fields)


def status_of(obj: Object, now_is: PodState, now: float = NOW, also: str = "") -> Object:
    return pod_status(pod_from(obj), now_is, ["172.30.0.11", *filter(None, (also,))], now)


def conditions(status: Object) -> dict[str, tuple[str, str, str]]:
    return {
        item["type"]: (item["status"], item.get("reason", ""), item.get("message", ""))
        for item in status["conditions"]
    }


TWO = pod(container(), container("second"))
ONCE = pod(restartPolicy="Never")
ON_FAILURE = pod(restartPolicy="OnFailure")
WITH_INIT = pod(container("second"), initContainers=[container()])
INIT_ONCE = pod(container("second"), initContainers=[container()], restartPolicy="Never")
DELETED = pod()
DELETED["metadata"]["deletionTimestamp"] = "2023-11-14T22:13:20Z"
WAS_RUNNING = pod()
WAS_RUNNING["status"] = {"phase": "Running"}

PHASES = [
    ("nothing has run yet", pod(), state(Container()), "Pending"),
    ("one of two runs", TWO, state(RUNNING, Container()), "Pending"),
    ("both run", TWO, state(RUNNING, UNREADY), "Running"),
    ("one crashes", TWO, state(RUNNING, CRASHED), "Running"),
    ("all crash", pod(), state(CRASHED), "Running"),
    ("ended, to be started again", pod(), state(ended(0)), "Running"),
    ("succeeded", ONCE, state(ended(0)), "Succeeded"),
    ("failed", ONCE, state(ended(1)), "Failed"),
    ("failed, to be started again", ON_FAILURE, state(ended(1)), "Running"),
    ("succeeded after failures", ON_FAILURE, state(ended(0)), "Succeeded"),
    ("initialising", WITH_INIT, state(RUNNING, Container()), "Pending"),
    ("initialising fails and is tried again", WITH_INIT, state(CRASHED, Container()), "Pending"),
    ("initialising failed", INIT_ONCE, state(ended(1), Container()), "Failed"),
    ("the node came back", WAS_RUNNING, state(Container(previous=LIFE)), "Running"),
    (
        "a deleted pod whose processes are gone",
        DELETED,
        state(ended(0), sandbox=False),
        "Succeeded",
    ),
    ("or were killed", DELETED, state(ended(137), sandbox=False), "Failed"),
    ("a deleted pod that still runs", DELETED, state(RUNNING), "Running"),
    ("a deleted pod that never ran", DELETED, state(Container(), sandbox=False), "Pending"),
]


@pytest.mark.parametrize(
    ("name", "obj", "now_is", "expected"), PHASES, ids=[case[0] for case in PHASES]
)
def test_phase(name: str, obj: Object, now_is: PodState, expected: str) -> None:
    assert phase(pod_from(obj), now_is) == expected


def test_a_new_pod() -> None:
    status = status_of(TWO, state(Container(), Container(), sandbox=False))
    unready = "containers with unready status: [main second]"
    assert conditions(status) == {
        "PodReadyToStartContainers": ("False", "", ""),
        "Initialized": ("True", "", ""),
        "Ready": ("False", "ContainersNotReady", unready),
        "ContainersReady": ("False", "ContainersNotReady", unready),
        "PodScheduled": ("True", "", ""),
    }
    assert status["containerStatuses"][0] == {
        "name": "main",
        "state": {"waiting": {"reason": "ContainerCreating"}},
        "lastState": {},
        "ready": False,
        "restartCount": 0,
        "image": "busybox",
        "imageID": "",
        "started": False,
    }
    assert "podIP" not in status


def test_with_dual_stack_both_addresses_are_listed_the_primary_one_first() -> None:
    has = state(RUNNING, address="10.244.0.7", secondary="fd00:10:244::7")
    status = status_of(pod(), has, also="fd00:172:30::b")
    assert (status["podIP"], status["hostIP"]) == ("10.244.0.7", "172.30.0.11")
    assert status["podIPs"] == [{"ip": "10.244.0.7"}, {"ip": "fd00:10:244::7"}]
    assert status["hostIPs"] == [{"ip": "172.30.0.11"}, {"ip": "fd00:172:30::b"}]


def test_a_running_pod() -> None:
    status = status_of(pod(), state(RUNNING, address="10.244.0.7", start_time=NOW - 60))
    assert {
        field: status[field] for field in ("hostIP", "hostIPs", "podIP", "podIPs", "startTime")
    } == {
        "hostIP": "172.30.0.11",
        "hostIPs": [{"ip": "172.30.0.11"}],
        "podIP": "10.244.0.7",
        "podIPs": [{"ip": "10.244.0.7"}],
        "startTime": "2023-11-14T22:12:20Z",
    }
    assert conditions(status)["Ready"] == ("True", "", "")
    found = status["containerStatuses"][0]
    assert found["state"] == {"running": {"startedAt": "2023-11-14T22:12:20Z"}}
    assert found["ready"] is found["started"] is True
    assert found["image"] == "docker.io/library/busybox:latest"
    assert found["imageID"].startswith("docker.io/library/busybox@sha256:")
    assert found["containerID"] == "netemu://" + "ab" * 32


def test_a_crash_loop_shows_both_states() -> None:
    found = status_of(pod(), state(CRASHED))["containerStatuses"][0]
    assert found["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    assert found["lastState"]["terminated"] == {
        "exitCode": 1,
        "reason": "Error",
        "startedAt": "2023-11-14T22:12:20Z",
        "finishedAt": "2023-11-14T22:13:20Z",
        "containerID": "netemu://" + "ab" * 32,
    }
    assert found["restartCount"] == 2


def test_a_start_that_failed_for_good_is_no_longer_waiting() -> None:
    failed = ended(128, waiting=Waiting("RunContainerError", "no such file"))
    assert "terminated" in status_of(ONCE, state(failed))["containerStatuses"][0]["state"]


def test_init_containers() -> None:
    status = status_of(WITH_INIT, state(RUNNING, Container()))
    said = "containers with incomplete status: [main]"
    assert conditions(status)["Initialized"] == ("False", "ContainersNotInitialized", said)
    waiting = status["containerStatuses"][0]["state"]
    assert waiting == {"waiting": {"reason": "PodInitializing"}}
    after = status_of(WITH_INIT, state(ended(0), RUNNING))
    assert conditions(after)["Initialized"] == ("True", "", "")
    assert after["initContainerStatuses"][0]["ready"] is True
    assert conditions(after)["Ready"][0] == "True"


def test_a_pod_that_has_ended_says_why_it_is_not_ready() -> None:
    done = conditions(status_of(ONCE, state(ended(0))))
    assert done["Ready"] == done["ContainersReady"] == ("False", "PodCompleted", "")
    assert done["Initialized"] == ("True", "PodCompleted", "")
    assert conditions(status_of(ONCE, state(ended(1))))["Ready"] == ("False", "PodFailed", "")


@pytest.mark.parametrize(
    ("gates", "message"),
    [
        ([], 'corresponding condition of pod readiness gate "a.b/c" does not exist.'),
        (
            [{"type": "a.b/c", "status": "False"}],
            'the status of pod readiness gate "a.b/c" is not "True", but False',
        ),
    ],
)
def test_a_readiness_gate_keeps_the_pod_unready(gates: list[Object], message: str) -> None:
    gated = pod(readinessGates=[{"conditionType": "a.b/c"}])
    gated["status"] = {"conditions": gates}
    found = conditions(status_of(gated, state(RUNNING)))
    assert found["Ready"] == ("False", "ReadinessGatesNotReady", message)
    assert found["ContainersReady"][0] == "True"


def test_what_others_wrote_is_kept() -> None:
    obj = pod(readinessGates=[{"conditionType": "a.b/c"}])
    gate = {"type": "a.b/c", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"}
    obj["status"] = {"qosClass": "BestEffort", "conditions": [gate]}
    status = status_of(obj, state(RUNNING))
    assert status["qosClass"] == "BestEffort"
    assert gate in status["conditions"]
    assert conditions(status)["Ready"][0] == "True"


def test_times_move_only_with_the_status_they_belong_to() -> None:
    obj = pod()
    obj["status"] = status_of(obj, state(UNREADY))
    later = status_of(obj, state(RUNNING), NOW + 60)
    since = {item["type"]: item["lastTransitionTime"] for item in later["conditions"]}
    assert since["Ready"] == "2023-11-14T22:14:20Z"
    assert since["Initialized"] == "2023-11-14T22:13:20Z"
    assert "reason" not in {i["type"]: i for i in later["conditions"]}["Ready"]


def test_a_status_that_says_it_all_already_stays_equal() -> None:
    obj = pod()
    obj["status"] = status_of(obj, state(CRASHED))
    assert status_of(obj, state(CRASHED), NOW + 60) == obj["status"]

from typing import Any

from netemu.model.meta import Object
from netemu.node.adoption import state_from
from netemu.node.state import Container, Life
from tests.support.node import container, pod

NOW = 1_700_000_000.0
STARTED = "2023-11-14T22:12:20Z"
RUNNING = {"running": {"startedAt": STARTED}}
LOST = Life(id="a1", started=NOW - 60, finished=NOW, code=255, reason="Unknown")


def terminated(code: int) -> Object:
    ended = {"exitCode": code, "reason": "Completed", "startedAt": STARTED}
    return {"terminated": {**ended, "finishedAt": STARTED, "containerID": "netemu://a1"}}


def found(current: Object, *, count: int = 0, last: Object | None = None, **spec: Any) -> Object:
    obj = pod(**spec)
    status = {"name": "main", "state": current, "lastState": last or {}, "restartCount": count}
    status["containerID"] = "netemu://a1"
    obj["status"] = {"phase": "Running", "podIP": "10.244.0.7", "containerStatuses": [status]}
    return obj


def main_of(obj: Object) -> Container:
    return state_from(obj, NOW).containers["main"]


def test_a_new_pod_has_no_past() -> None:
    state = state_from(pod(container(), container("second")), NOW)
    assert state.containers == {"main": Container(), "second": Container()}
    assert not state.has_run
    assert not state.sandbox


def test_what_ran_was_lost_and_will_run_again() -> None:
    assert main_of(found(RUNNING, count=3)) == Container(previous=LOST, restarts=4)


def test_the_pod_wants_its_address_back() -> None:
    assert state_from(found(RUNNING), NOW).address == "10.244.0.7"


def test_what_never_restarts_has_failed() -> None:
    obj = found(RUNNING, restartPolicy="Never")
    assert main_of(obj) == Container(life=LOST, restarts=0)


def test_a_success_is_not_repeated_on_failure() -> None:
    life = main_of(found(terminated(0), restartPolicy="OnFailure")).life
    assert life is not None
    assert life.code == 0


def test_a_container_in_a_crash_loop_keeps_its_last_life() -> None:
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    adopted = main_of(found(waiting, count=2, last=terminated(1)))
    assert adopted.restarts == 3
    assert adopted.previous is not None
    assert adopted.previous.code == 1


def test_init_containers_run_again_in_a_new_sandbox() -> None:
    obj = found(RUNNING, initContainers=[container("setup")])
    item = {"name": "setup", "state": terminated(0), "lastState": {}, "restartCount": 0}
    obj["status"]["initContainerStatuses"] = [item]
    setup = state_from(obj, NOW).containers["setup"]
    assert setup.life is None
    assert setup.restarts == 1


def test_a_pod_that_had_ended_is_over() -> None:
    obj = found(terminated(1))
    obj["status"]["phase"] = "Failed"
    assert state_from(obj, NOW).over

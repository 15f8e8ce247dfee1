"""A pod's status as the kubelet writes it: a pure function of the pod and of what is so.

Whatever the kubelet doesn't own (conditions set by others, qosClass) is carried over.
"""

from collections.abc import Sequence
from typing import Any

from netemu.clock import rfc3339
from netemu.config.imagereference import parse_reference
from netemu.model.meta import Object
from netemu.node.plan import passed
from netemu.node.pod import ContainerSpec, Pod, RestartPolicy, Role
from netemu.node.state import Container, Life, PodState, Waiting, done, failed_init

RUNTIME = "netemu"
"""What container ids begin with."""

_READY = (Role.SIDECAR, Role.MAIN)
"""Roles that count for the pod's readiness."""
_OWN_CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")


def pod_status(pod: Pod, state: PodState, node: Sequence[str], now: float) -> Object:
    """The whole status; equal to the old one where nothing changed. `node`: its addresses."""
    old: Object = pod.obj.get("status") or {}
    now_phase = phase(pod, state)
    status = {
        **old,
        "phase": now_phase,
        "conditions": _conditions(pod, state, now_phase, now),
        "hostIP": node[0],
        "hostIPs": _listed(node),
    }
    if state.address:
        status |= {"podIP": state.address, "podIPs": _listed(state.addresses)}
    if state.start_time is not None:
        status["startTime"] = rfc3339(state.start_time)
    for name, roles in (
        ("initContainerStatuses", (Role.INIT, Role.SIDECAR)),
        ("containerStatuses", (Role.MAIN,)),
        ("ephemeralContainerStatuses", (Role.EPHEMERAL,)),
    ):
        specs = [spec for spec in pod.containers if spec.role in roles]
        if specs:
            status[name] = [_container(pod, state, spec) for spec in specs]
    return status


def _listed(addresses: Sequence[str]) -> list[Object]:
    return [{"ip": address} for address in addresses]


def phase(pod: Pod, state: PodState) -> str:
    """The kubelet's getPhase."""
    if pod.terminal:
        return str(pod.obj["status"]["phase"])
    if failed_init(pod, state):
        return "Failed"
    had = (pod.obj.get("status") or {}).get("phase", "Pending")
    mains = [state.containers[spec.name] for spec in pod.containers if spec.role is Role.MAIN]
    if any(container.life or container.previous for container in mains):
        found = _phase_of(pod, mains, pod.deleting and _ended(state))
    else:
        found = "Failed" if pod.deleting and _ended(state) and had == "Running" else "Pending"
    # A pod that has run never goes back to Pending, not even when its node starts again.
    return "Running" if (had, found) == ("Running", "Pending") else found


def _ended(state: PodState) -> bool:
    return not state.sandbox and not state.running


def _phase_of(pod: Pod, mains: list[Container], over: bool) -> str:
    lives = [container.life or container.previous for container in mains]
    if any(life is not None and life.running for life in lives):
        return "Running" if all(lives) else "Pending"
    if not all(lives) and not over:
        return "Pending"
    again = any(container.life is None for container in mains)
    good = all(life is not None and life.code == 0 for life in lives)
    if over:
        return "Succeeded" if good else "Failed"
    if pod.policy is RestartPolicy.ALWAYS or again:
        return "Running"
    if good:
        return "Succeeded"
    return "Failed" if pod.policy is RestartPolicy.NEVER else "Running"


def _conditions(pod: Pod, state: PodState, now_phase: str, now: float) -> list[Object]:
    old: list[Object] = (pod.obj.get("status") or {}).get("conditions") or []
    before = {item["type"]: item for item in old}
    new = [
        _condition("PodReadyToStartContainers", state.sandbox),
        _initialized(pod, state, now_phase),
        *_readiness(pod, state, now_phase, before),
    ]
    others = [item for item in old if item["type"] not in _OWN_CONDITIONS]
    if "PodScheduled" not in before:
        others.append(_stamped(_condition("PodScheduled", True), None, now))
    return [*(_stamped(item, before.get(item["type"]), now) for item in new), *others]


def _condition(kind: str, holds: bool, reason: str = "", message: str = "") -> Object:
    condition: Object = {
        "type": kind,
        "status": "True" if holds else "False",
        "lastProbeTime": None,
    }
    if reason:
        condition["reason"] = reason
    if message:
        condition["message"] = message
    return condition


def _stamped(condition: Object, old: Object | None, now: float) -> Object:
    """With the time of its last change of status."""
    since = rfc3339(now)
    if old is not None and old.get("status") == condition["status"]:
        since = old.get("lastTransitionTime", since)
    return {**condition, "lastTransitionTime": since}


def _initialized(pod: Pod, state: PodState, now_phase: str) -> Object:
    if now_phase == "Succeeded":
        return _condition("Initialized", True, "PodCompleted")
    containers = state.containers
    if any(containers[s.name].life is not None for s in pod.containers if s.role is Role.MAIN):
        return _condition("Initialized", True)
    missing = [s.name for s in pod.containers if not passed(s, containers[s.name])]
    if not missing:
        return _condition("Initialized", True)
    message = f"containers with incomplete status: [{' '.join(missing)}]"
    return _condition("Initialized", False, "ContainersNotInitialized", message)


def _readiness(
    pod: Pod, state: PodState, now_phase: str, before: dict[str, Object]
) -> tuple[Object, Object]:
    """Ready and ContainersReady."""
    reason, message = _unready(pod, state, now_phase)
    containers = _condition("ContainersReady", not reason, reason, message)
    if not reason:
        gates = pod.obj["spec"].get("readinessGates") or ()
        words = [text for gate in gates if (text := _gate(gate["conditionType"], before))]
        if words:
            reason, message = "ReadinessGatesNotReady", ", ".join(words)
    return _condition("Ready", not reason, reason, message), containers


def _unready(pod: Pod, state: PodState, now_phase: str) -> tuple[str, str]:
    if now_phase == "Succeeded":
        return "PodCompleted", ""
    if now_phase == "Failed":
        return "PodFailed", ""
    unready = [
        spec.name
        for spec in pod.containers
        if spec.role in _READY and not state.containers[spec.name].ready
    ]
    if not unready:
        return "", ""
    return "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"


def _gate(kind: str, before: dict[str, Object]) -> str:
    found = before.get(kind)
    if found is None:
        return f'corresponding condition of pod readiness gate "{kind}" does not exist.'
    if found["status"] == "True":
        return ""
    return f'the status of pod readiness gate "{kind}" is not "True", but {found["status"]}'


def _container(pod: Pod, state: PodState, spec: ContainerSpec) -> Object:
    container = state.containers[spec.name]
    life = container.life or container.previous
    current, last = _states(pod, spec, container)
    good_init = spec.role is Role.INIT and passed(spec, container)
    status: Object = {
        "name": spec.name,
        "state": current,
        "lastState": last,
        "ready": good_init or (spec.role in _READY and container.ready),
        "restartCount": container.restarts,
        "image": spec.image,
        "imageID": "",
        "started": container.running and container.started,
    }
    if life is not None:
        reference = parse_reference(spec.image)
        status |= {"image": reference.full, "imageID": reference.id}
        status["containerID"] = container_id(life)
    return status


def container_id(life: Life) -> str:
    """A container's id as statuses have it."""
    return f"{RUNTIME}://{life.id}"


def _states(pod: Pod, spec: ContainerSpec, container: Container) -> tuple[Object, Object]:
    """The current state and the one before."""
    life, previous = container.life, container.previous
    if life is None:
        return _waiting(container.waiting or _not_yet(pod)), _terminated(previous)
    if life.finished is None:
        return {"running": {"startedAt": rfc3339(life.started)}}, _terminated(previous)
    if container.waiting is not None and not done(pod, spec, container):
        return _waiting(container.waiting), _terminated(life)
    return _terminated(life), _terminated(previous)


def _not_yet(pod: Pod) -> Waiting:
    initialising = any(spec.role.initialises for spec in pod.containers)
    return Waiting("PodInitializing" if initialising else "ContainerCreating")


def _waiting(waiting: Waiting) -> Object:
    words = {"reason": waiting.reason}
    if waiting.message:
        words["message"] = waiting.message
    return {"waiting": words}


def _terminated(life: Life | None) -> Object:
    if life is None or life.finished is None:
        return {}
    ended: dict[str, Any] = {"exitCode": life.code}
    ended["reason"] = life.reason
    if life.message:
        ended["message"] = life.message
    return {
        "terminated": {
            **ended,
            "startedAt": rfc3339(life.started),
            "finishedAt": rfc3339(life.finished),
            "containerID": container_id(life),
        }
    }

"""Pods found in the store: what their status says of lives before this agent. Pure.

Nothing of those lives runs any more. What ran then has ended for a reason nobody saw: exit code
255, reason Unknown, as containerd reports containers after a reboot.
"""

from netemu.clock import parse_rfc3339
from netemu.model.meta import Object
from netemu.node.pod import ContainerSpec, Pod, RestartPolicy, Role, pod_from
from netemu.node.state import Container, Life, PodState, done

LOST = 255
STATUSES = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")


def state_from(obj: Object, now: float) -> PodState:
    """The state to begin with, for a new pod and for one that was here before."""
    pod = pod_from(obj)
    status = obj.get("status") or {}
    items = {item["name"]: item for field in STATUSES for item in status.get(field) or ()}
    return PodState(
        containers={
            spec.name: _container(pod, spec, items.get(spec.name), now) for spec in pod.containers
        },
        address=status.get("podIP", ""),
        secondary=_secondary(status),
        start_time=_time(status, "startTime"),
        over=status.get("phase") in ("Succeeded", "Failed"),
    )


def _secondary(status: Object) -> str:
    _, *others = status.get("podIPs") or ({},)
    return str(others[0]["ip"]) if others else ""


def _container(pod: Pod, spec: ContainerSpec, item: Object | None, now: float) -> Container:
    if item is None:
        return Container()
    count = item.get("restartCount", 0)
    previous = _ended_life(item.get("lastState") or {})
    life = _ended_life(item.get("state") or {}) or _lost_life(item, now)
    if life is None:
        return Container(previous=previous, restarts=count + 1 if previous else count)
    kept = Container(life=life, previous=previous, restarts=count)
    if _keeps(pod, spec, kept):
        return kept
    return Container(previous=life, restarts=count + 1)


def _keeps(pod: Pod, spec: ContainerSpec, container: Container) -> bool:
    """Whether that life was the last: a new sandbox runs init containers again, except in pods
    whose containers are never restarted.
    """
    if spec.role is Role.INIT and pod.policy is not RestartPolicy.NEVER:
        return False
    return done(pod, spec, container)


def _ended_life(state: Object) -> Life | None:
    ended = state.get("terminated")
    if not ended:
        return None
    return Life(
        id=_id(ended),
        started=_time(ended, "startedAt") or 0.0,
        finished=_time(ended, "finishedAt") or 0.0,
        code=ended.get("exitCode", LOST),
        reason=ended.get("reason", ""),
        message=ended.get("message", ""),
    )


def _lost_life(item: Object, now: float) -> Life | None:
    running = (item.get("state") or {}).get("running")
    if running is None:
        return None
    started = _time(running, "startedAt") or 0.0
    return Life(id=_id(item), started=started, finished=now, code=LOST, reason="Unknown")


def _id(item: Object) -> str:
    return str(item.get("containerID", "")).partition("://")[2]


def _time(item: Object, field: str) -> float | None:
    text = item.get(field)
    return parse_rfc3339(text) if text else None

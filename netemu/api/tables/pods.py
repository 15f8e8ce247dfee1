"""The Pod row; its STATUS sums up a pod in one word, by upstream's order of precedence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from netemu.api.tables.wording import age, human_duration, or_none
from netemu.clock import parse_rfc3339
from netemu.model.conditions import condition, holds
from netemu.model.meta import Object, is_deleting, name_of

_FINISHED = ("Succeeded", "Failed")


@dataclass(slots=True)
class _Summary:
    """What the containers of a pod add up to."""

    reason: str
    total: int
    ready: int = 0
    restarts: int = 0
    last_restart: float | None = None
    sidecar_restarts: int = 0
    last_sidecar_restart: float | None = None
    sidecars: frozenset[str] = field(default_factory=frozenset)


def pod(obj: Object, now: float) -> list[Any]:
    """Name, Ready, Status, Restarts, Age, IP, Node, Nominated Node, Readiness Gates."""
    summary = _summary(obj)
    status, spec = obj.get("status") or {}, obj.get("spec") or {}
    restarts = str(summary.restarts)
    if summary.restarts and summary.last_restart is not None:
        restarts += f" ({human_duration(now - summary.last_restart)} ago)"
    first_ip: Object = next(iter(status.get("podIPs") or ()), {})
    return [
        name_of(obj),
        f"{summary.ready}/{summary.total}",
        summary.reason,
        restarts,
        age(obj, now),
        or_none(first_ip.get("ip")),
        or_none(spec.get("nodeName")),
        or_none(status.get("nominatedNodeName")),
        _readiness_gates(obj),
    ]


def _readiness_gates(obj: Object) -> str:
    gates = (obj.get("spec") or {}).get("readinessGates") or ()
    if not gates:
        return "<none>"
    met = sum(holds(obj, gate["conditionType"]) for gate in gates)
    return f"{met}/{len(gates)}"


def _summary(obj: Object) -> _Summary:
    status, spec = obj.get("status") or {}, obj.get("spec") or {}
    init = spec.get("initContainers") or ()
    sidecars = frozenset(item["name"] for item in init if item.get("restartPolicy") == "Always")
    summary = _Summary(
        reason=status.get("reason") or status.get("phase") or "",
        total=len(spec.get("containers") or ()) + len(sidecars),
        sidecars=sidecars,
    )
    scheduled = condition(obj, "PodScheduled") or {}
    if scheduled.get("reason") == "SchedulingGated":
        summary.reason = "SchedulingGated"
    initializing = _count_init(summary, status.get("initContainerStatuses") or (), len(init))
    if not initializing or holds(obj, "Initialized"):
        _count_containers(summary, obj, status.get("containerStatuses") or ())
    if is_deleting(obj):
        if status.get("reason") == "NodeLost":
            summary.reason = "Unknown"
        elif status.get("phase") not in _FINISHED:
            summary.reason = "Terminating"
    return summary


def _count_init(summary: _Summary, statuses: Any, total: int) -> bool:
    """Count the init containers; True when one of them is still to finish."""
    for number, status in enumerate(statuses):
        restarts, ended = status.get("restartCount", 0), _last_end(status)
        summary.restarts += restarts
        summary.last_restart = _later(summary.last_restart, ended)
        sidecar = status["name"] in summary.sidecars
        if sidecar:
            summary.sidecar_restarts += restarts
            summary.last_sidecar_restart = _later(summary.last_sidecar_restart, ended)
        if sidecar and status.get("started"):
            summary.ready += bool(status.get("ready"))
            continue
        state = status.get("state") or {}
        if (state.get("terminated") or {}).get("exitCode", 1) == 0:
            continue
        summary.reason = "Init:" + _init_reason(state, f"{number}/{total}")
        return True
    return False


def _init_reason(state: Mapping[str, Any], progress: str) -> str:
    if "terminated" in state:
        return _end_reason(state["terminated"])
    waiting = (state.get("waiting") or {}).get("reason")
    return waiting if waiting and waiting != "PodInitializing" else progress


def _count_containers(summary: _Summary, obj: Object, statuses: Any) -> None:
    summary.restarts = summary.sidecar_restarts
    summary.last_restart = summary.last_sidecar_restart
    running = False
    for status in reversed(statuses):
        summary.restarts += status.get("restartCount", 0)
        summary.last_restart = _later(summary.last_restart, _last_end(status))
        state = status.get("state") or {}
        waiting = (state.get("waiting") or {}).get("reason")
        if waiting:
            summary.reason = waiting
        elif "terminated" in state:
            summary.reason = _end_reason(state["terminated"])
        elif status.get("ready") and "running" in state:
            running = True
            summary.ready += 1
    if summary.reason == "Completed" and running:
        # One container is done, another still runs.
        summary.reason = "Running" if holds(obj, "Ready") else "NotReady"


def _end_reason(terminated: Mapping[str, Any]) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _last_end(status: Mapping[str, Any]) -> float | None:
    ended = ((status.get("lastState") or {}).get("terminated") or {}).get("finishedAt")
    return parse_rfc3339(ended) if ended else None


def _later(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)

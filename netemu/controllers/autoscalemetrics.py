"""How many replicas a metric asks for; pure (upstream: pkg/controller/podautoscaler,
replica_calculator.go).

Pods that don't show what they use, or not yet what they will use, are left out at first and then
put in so that they hold the change back: never so that they turn it round.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from netemu.clock import parse_rfc3339
from netemu.controllers.pods import phase_of
from netemu.model.conditions import condition
from netemu.model.meta import Object, is_deleting, name_of, uid_of
from netemu.model.quantity import canonical, parse_quantity
from netemu.model.usage import PodUsage

_DIGITS = 6
"""Decimal places beyond which a number is no measurement, but the error of adding floats."""
TOLERANCE = 0.1
"""How far a ratio may be from 1 without anything being done."""
STARTUP_SECONDS = 300.0
"""How long a pod's processor time may be that of its start (cpu-initialization-period)."""
FIRST_READY_SECONDS = 30.0
"""How long a pod that was never ready may be starting (initial-readiness-delay)."""


class NoMetric(Exception):
    """A metric can't be had; `reason` is that of the condition."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Pods(Struct, frozen=True, kw_only=True):
    """The pods of a target and what they use."""

    pods: Sequence[Object]
    usage: Mapping[str, PodUsage]
    """By uid."""
    replicas: int
    """How many are asked for now."""
    now: float


class Proposal(Struct, frozen=True, kw_only=True):
    """What one metric asks for."""

    replicas: int
    status: Object
    """For status.currentMetrics."""
    name: str
    """How events call it."""


class _Groups(Struct, frozen=True):
    ready: dict[str, float]
    unready: set[str]
    missing: set[str]


def proposed(metric: Object, seen: Pods) -> Proposal:
    """What a metric of the spec asks for. Raises NoMetric."""
    kind = metric.get("type", "")
    if kind not in ("Resource", "ContainerResource"):
        raise NoMetric(
            f"FailedGet{kind}Metric",
            f"unable to get metric: no {kind} metrics are served in this cluster",
        )
    key = kind[:1].lower() + kind[1:]
    source = metric[key]
    container = source.get("container", "")
    target, resource = source["target"], source["name"]
    groups = _grouped(seen, resource, container)
    about = {"name": resource, **({"container": container} if container else {})}
    if not groups.ready and not groups.unready:
        raise NoMetric(
            f"FailedGet{kind}Metric",
            f"failed to get {resource} utilization: unable to get metrics for resource "
            f"{resource}: no metrics returned from resource metrics API",
        )
    if target.get("averageUtilization") is not None:
        requests = _requests(seen, resource, container)
        name = f"{resource} resource utilization (percentage of request)"
        count, share = _by_share(seen, groups, requests, int(target["averageUtilization"]))
        current: Object = {"averageUtilization": share}
    else:
        amount = float(parse_quantity(target["averageValue"]))
        count, _ = _by_amount(seen, groups, amount)
        name, current = f"{resource} resource", {}
    mean = sum(groups.ready.values()) / max(1, len(groups.ready))
    current["averageValue"] = _shown(resource, mean)
    return Proposal(
        replicas=count,
        status={"type": kind, key: {**about, "current": current}},
        name=name,
    )


def _shown(resource: str, value: float) -> str:
    if resource == "cpu":
        return canonical(f"{math.ceil(round(value * 1000, _DIGITS))}m")
    return canonical(math.ceil(value))


def _grouped(seen: Pods, resource: str, container: str) -> _Groups:
    groups = _Groups({}, set(), set())
    for pod in seen.pods:
        if is_deleting(pod) or phase_of(pod) in ("Failed", "Succeeded"):
            continue
        uid = uid_of(pod)
        used = seen.usage.get(uid)
        if phase_of(pod) == "Pending":
            groups.unready.add(uid)
        elif used is None:
            groups.missing.add(uid)
        elif resource == "cpu" and _starting(pod, used, seen.now):
            groups.unready.add(uid)
        else:
            groups.ready[uid] = _used(used, resource, container)
    return groups


def _used(used: PodUsage, resource: str, container: str) -> float:
    amounts = [a for name, a in used.containers.items() if container in ("", name)]
    return float(sum(a.cpu if resource == "cpu" else a.memory for a in amounts))


def _starting(pod: Object, used: PodUsage, now: float) -> bool:
    """Whether its processor time tells of its start and not of its load."""
    ready, start = condition(pod, "Ready"), (pod.get("status") or {}).get("startTime")
    if ready is None or not start:
        return True
    since = parse_rfc3339(ready["lastTransitionTime"]) if ready.get("lastTransitionTime") else now
    began = parse_rfc3339(start)
    if began + STARTUP_SECONDS > now:
        return bool(ready["status"] == "False" or used.at < since + used.window)
    return bool(ready["status"] == "False" and began + FIRST_READY_SECONDS > since)


def _requests(seen: Pods, resource: str, container: str) -> dict[str, float]:
    """What each pod requested. Raises NoMetric when one requested nothing."""
    found = {}
    for pod in seen.pods:
        total = 0.0
        for item in pod["spec"]["containers"]:
            if container not in ("", item["name"]):
                continue
            wish = ((item.get("resources") or {}).get("requests") or {}).get(resource)
            if wish is None:
                raise NoMetric(
                    "FailedGetResourceMetric",
                    f"failed to get {resource} utilization: missing request for {resource} in "
                    f"container {item['name']} of Pod {name_of(pod)}",
                )
            total += float(parse_quantity(wish))
        found[uid_of(pod)] = total
    return found


def _by_share(
    seen: Pods, groups: _Groups, requests: Mapping[str, float], target: int
) -> tuple[int, int]:
    """Replicas, and the percentage of the requests that is used."""

    def share(values: Mapping[str, float]) -> float:
        wanted = sum(requests[uid] for uid in values)
        return int(round(sum(values.values()) * 100 / wanted, _DIGITS)) if wanted else 0.0

    now = share(groups.ready)
    fill = max(100, target) / 100
    full = {uid: requests[uid] * fill for uid in groups.missing}
    count = _replicas(seen, groups, lambda values: share(values) / target, full)
    return count, int(now)


def _by_amount(seen: Pods, groups: _Groups, target: float) -> tuple[int, float]:
    """Replicas, and what a pod uses on average."""

    def mean(values: Mapping[str, float]) -> float:
        return sum(values.values()) / len(values) if values else 0.0

    full = dict.fromkeys(groups.missing, target)
    count = _replicas(seen, groups, lambda values: mean(values) / target, full)
    return count, mean(groups.ready)


_Ratio: TypeAlias = Callable[[Mapping[str, float]], float]


def _replicas(seen: Pods, groups: _Groups, ratio_of: _Ratio, full: Mapping[str, float]) -> int:
    ratio = ratio_of(groups.ready)
    rebalance = bool(groups.unready) and ratio > 1
    if not groups.missing and not rebalance:
        if _close(ratio):
            return seen.replicas
        return math.ceil(ratio * len(groups.ready))
    values = dict(groups.ready)
    if groups.missing:
        # What isn't known is taken to be as much (or as little) as would speak against a change.
        values |= full if ratio < 1 else dict.fromkeys(groups.missing, 0.0)
    if rebalance:
        values |= dict.fromkeys(groups.unready, 0.0)
    again = ratio_of(values)
    if _close(again) or (ratio < 1 < again) or (again < 1 < ratio):
        return seen.replicas
    count = math.ceil(again * len(values))
    if (again < 1 and count > seen.replicas) or (again > 1 and count < seen.replicas):
        return seen.replicas
    return count


def _close(ratio: float) -> bool:
    return abs(1.0 - ratio) <= TOLERANCE

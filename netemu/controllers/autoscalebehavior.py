"""How fast a target may grow and shrink; pure (KEP-853, upstream's horizontal.go).

First the recommendations of a window are taken together (the lowest for growing, the highest for
shrinking), then the policies bound what may happen within their periods.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from netemu.model.meta import Object

UP: Object = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
DOWN: Object = {
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}
"""What holds where an autoscaler says nothing."""
DOWN_WINDOW = 300.0
"""Seconds over which shrinking looks back when nothing is said."""
LONGEST_MEMORY = 3600.0
"""Seconds that anything is remembered: no window and no period is longer."""


@dataclass(slots=True)
class Memory:
    """What happened to one target, each with its time."""

    recommended: list[tuple[float, int]] = field(default_factory=list)
    added: list[tuple[float, int]] = field(default_factory=list)
    removed: list[tuple[float, int]] = field(default_factory=list)

    def forget(self, now: float) -> None:
        """Drop what nobody will ask for any more."""
        for events in (self.recommended, self.added, self.removed):
            events[:] = [event for event in events if event[0] > now - LONGEST_MEMORY]

    def scaled(self, now: float, old: int, new: int) -> None:
        """Note a change."""
        if new > old:
            self.added.append((now, new - old))
        elif new < old:
            self.removed.append((now, old - new))


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many replicas there shall be, and what kept them from being as many as proposed."""

    replicas: int
    stable: tuple[str, str] = ("ReadyForNewScale", "recommended size matches current size")
    """Reason and message of the condition AbleToScale."""
    limited: tuple[str, str] = ("", "")
    """Reason and message of the condition ScalingLimited; empty: it isn't."""


def decided(spec: Object, memory: Memory, current: int, proposed: int, now: float) -> Verdict:
    """What becomes of a proposal. The proposal is remembered."""
    behavior = spec.get("behavior") or {}
    up, down = behavior.get("scaleUp") or UP, behavior.get("scaleDown") or DOWN
    memory.forget(now)
    memory.recommended.append((now, proposed))
    stable, verdict = _stabilized(memory, up, down, current, proposed, now)
    replicas, limited = _limited(spec, memory, up, down, current, stable, now)
    return Verdict(replicas, verdict, limited)


def _stabilized(
    memory: Memory, up: Object, down: Object, current: int, proposed: int, now: float
) -> tuple[int, tuple[str, str]]:
    growing = float(up.get("stabilizationWindowSeconds") or 0)
    shrinking = down.get("stabilizationWindowSeconds")
    window = DOWN_WINDOW if shrinking is None else float(shrinking)
    lowest = min((n for at, n in memory.recommended if at > now - growing), default=proposed)
    highest = max((n for at, n in memory.recommended if at > now - window), default=proposed)
    lowest, highest = min(lowest, proposed), max(highest, proposed)
    result = current
    if result < lowest:
        result = lowest
    if result > highest:
        result = highest
    if result == proposed:
        return result, ("ReadyForNewScale", "recommended size matches current size")
    if proposed > result:
        said = "recent recommendations were lower than current one, applying the lowest recent"
        return result, ("ScaleUpStabilized", f"{said} recommendation")
    said = "recent recommendations were higher than current one, applying the highest recent"
    return result, ("ScaleDownStabilized", f"{said} recommendation")


def _limited(
    spec: Object,
    memory: Memory,
    up: Object,
    down: Object,
    current: int,
    wanted: int,
    now: float,
) -> tuple[int, tuple[str, str]]:
    least, most = int(spec.get("minReplicas") or 1), int(spec["maxReplicas"])
    if wanted > current:
        bound = max(current, _most(up, memory, current, now))
        if min(bound, most) < wanted:
            if bound < most:
                said = "the desired replica count is increasing faster than the maximum scale rate"
                return bound, ("ScaleUpLimit", said)
            said = "the desired replica count is more than the maximum replica count"
            return most, ("TooManyReplicas", said)
    elif wanted < current:
        bound = min(current, _fewest(down, memory, current, now))
        if max(bound, least) > wanted:
            if bound > least:
                said = "the desired replica count is decreasing faster than the maximum scale rate"
                return bound, ("ScaleDownLimit", said)
            said = "the desired replica count is less than the minimum replica count"
            return least, ("TooFewReplicas", said)
    if wanted > most:
        said = "the desired replica count is more than the maximum replica count"
        return most, ("TooManyReplicas", said)
    if wanted < least:
        said = "the desired replica count is less than the minimum replica count"
        return least, ("TooFewReplicas", said)
    return wanted, ("", "")


def _within(events: Sequence[tuple[float, int]], seconds: float, now: float) -> int:
    return sum(number for at, number in events if at > now - seconds)


def _starts(rules: Object, memory: Memory, current: int, now: float) -> list[tuple[Object, int]]:
    """Each policy, and how many replicas there were when its period began."""
    found = []
    for policy in rules.get("policies") or ():
        period = float(policy["periodSeconds"])
        added = _within(memory.added, period, now)
        removed = _within(memory.removed, period, now)
        found.append((policy, current - added + removed))
    return found


def _most(rules: Object, memory: Memory, current: int, now: float) -> int:
    """The bound of growing."""
    if rules.get("selectPolicy") == "Disabled":
        return current
    bounds: list[int] = [
        begun + policy["value"]
        if policy["type"] == "Pods"
        else math.ceil(begun * (1 + policy["value"] / 100))
        for policy, begun in _starts(rules, memory, current, now)
    ]
    return min(bounds) if rules.get("selectPolicy") == "Min" else max(bounds)


def _fewest(rules: Object, memory: Memory, current: int, now: float) -> int:
    """The bound of shrinking; "Max" means the greatest change, so the lowest bound."""
    if rules.get("selectPolicy") == "Disabled":
        return current
    bounds: list[int] = [
        begun - policy["value"]
        if policy["type"] == "Pods"
        else int(begun * (1 - policy["value"] / 100))
        for policy, begun in _starts(rules, memory, current, now)
    ]
    return max(bounds) if rules.get("selectPolicy") == "Min" else min(bounds)

"""Conditions: the list in a status that says what holds, since when and why."""

from typing import Any

from netemu.clock import rfc3339
from netemu.model.meta import Object


def condition(obj: Object, kind: str) -> Object | None:
    """The condition of that type in ``status.conditions``."""
    for item in (obj.get("status") or {}).get("conditions") or ():
        if item["type"] == kind:
            return dict(item)
    return None


def holds(obj: Object, kind: str) -> bool:
    """Whether the condition is there and True."""
    found = condition(obj, kind)
    return found is not None and found["status"] == "True"


def with_condition(conditions: list[Any] | None, new: Object, now: float) -> list[Any]:
    """Set one condition by type; its lastTransitionTime moves only when its status changes."""
    result = []
    placed = False
    stamped = {**new, "lastTransitionTime": rfc3339(now)}
    for item in conditions or ():
        if item["type"] != new["type"]:
            result.append(item)
            continue
        placed = True
        if item["status"] == new["status"] and "lastTransitionTime" in item:
            stamped["lastTransitionTime"] = item["lastTransitionTime"]
        result.append({**item, **stamped})
    return result if placed else [*result, stamped]

"""How table cells are worded: ages, lists that are cut, selectors, containers."""

from collections.abc import Iterable, Sequence

from netemu.clock import parse_rfc3339
from netemu.model.meta import Object
from netemu.model.selector import Operator, Requirement, Selector, from_object

MOST_LISTED = 3
"""Endpoints and ports that a cell names before it only counts."""

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400


def human_duration(seconds: float) -> str:
    """A duration as kubectl's users know it: two units at most, coarser the longer it is."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"  # clocks that differ by a second are forgiven, more is not
    if whole < 0:
        return "0s"
    if whole < 2 * _MINUTE:
        return f"{whole}s"
    for below, unit, name, small, small_name in _TWO_UNITS:
        if whole < below:
            rest = whole % unit // small if small else 0
            return f"{whole // unit}{name}" + (f"{rest}{small_name}" if rest else "")
    return f"{whole // _YEAR}y"


_TWO_UNITS = (
    (10 * _MINUTE, _MINUTE, "m", 1, "s"),
    (3 * _HOUR, _MINUTE, "m", 0, ""),
    (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
    (48 * _HOUR, _HOUR, "h", 0, ""),
    (8 * _DAY, _DAY, "d", _HOUR, "h"),
    (2 * _YEAR, _DAY, "d", 0, ""),
    (8 * _YEAR, _YEAR, "y", _DAY, "d"),
)
"""(below this, unit, its letter, smaller unit or 0, its letter); apimachinery, util/duration."""


def since(timestamp: str | None, now: float) -> str:
    """How long ago a ``Time`` was."""
    if not timestamp:
        return "<unknown>"
    try:
        return human_duration(now - parse_rfc3339(timestamp))
    except ValueError:
        return "<unknown>"


def age(obj: Object, now: float) -> str:
    """How long ago the object was created."""
    return since(obj["metadata"].get("creationTimestamp"), now)


def or_none(text: str | None) -> str:
    """``<none>`` for nothing."""
    return text or "<none>"


def cut(items: Sequence[str]) -> str:
    """The first few of many, and how many more there are."""
    shown = ",".join(items[:MOST_LISTED])
    more = len(items) - MOST_LISTED
    return f"{shown} + {more} more..." if more > 0 else shown


def containers(pod_spec: Object) -> tuple[str, str]:
    """Names and images of a pod's containers."""
    items = pod_spec.get("containers") or ()
    return (
        ",".join(item.get("name", "") for item in items),
        ",".join(item.get("image", "") for item in items),
    )


def selector_object(selector: Object | None) -> str:
    """A LabelSelector as text."""
    try:
        parsed = from_object(selector)
    except (KeyError, ValueError):
        return "<error>"
    return or_none(selector_text(parsed or ()))


def selector_text(selector: Selector) -> str:
    """A selector as ``-l`` would take it."""
    return ",".join(_requirement(item) for item in sorted(selector, key=lambda item: item.key))


def _requirement(item: Requirement) -> str:
    values = ",".join(sorted(item.values))
    match item.operator:
        case Operator.IN:
            return f"{item.key} in ({values})" if len(item.values) > 1 else f"{item.key}={values}"
        case Operator.NOT_IN:
            return f"{item.key} notin ({values})"
        case Operator.EXISTS:
            return item.key
        case Operator.DOES_NOT_EXIST:
            return f"!{item.key}"
        case Operator.GT:
            return f"{item.key}>{values}"
        case Operator.LT:
            return f"{item.key}<{values}"


def labels_text(labels: dict[str, str] | None) -> str:
    """Labels as ``a=b,c=d``."""
    return or_none(joined(f"{key}={value}" for key, value in sorted((labels or {}).items())))


def joined(items: Iterable[str]) -> str:
    """Comma-separated."""
    return ",".join(items)

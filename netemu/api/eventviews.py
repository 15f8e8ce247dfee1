"""Events under events.k8s.io/v1: the same objects as the core group's, with other names. Pure."""

from typing import Final

from netemu.model.meta import Object

_NAMES: Final = {
    "message": "note",
    "involvedObject": "regarding",
    "reportingComponent": "reportingController",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
}
"""What the core group calls it, and what events.k8s.io does."""
_BACK: Final = {new: old for old, new in _NAMES.items()}


def shown(obj: Object) -> Object:
    """A stored Event as events.k8s.io has it."""
    named = {_NAMES.get(name, name): value for name, value in obj.items()}
    return {**named, "apiVersion": "events.k8s.io/v1"}


def stored(obj: Object) -> Object:
    """An Event of events.k8s.io as it is stored."""
    named = {_BACK.get(name, name): value for name, value in obj.items()}
    named.setdefault("involvedObject", {})
    return {**named, "apiVersion": "v1"}

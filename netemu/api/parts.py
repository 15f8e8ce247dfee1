"""The parts of an object that are written apart, each through its own subresource.

A write to one part leaves the others as they are stored, whatever the body says of them.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeAlias

from netemu.api import strategies
from netemu.api.defaults import with_defaults
from netemu.model.meta import Object
from netemu.model.resources import DEPLOYMENTS, SERVICES, Resource


class Part(StrEnum):
    """What a write is about; the value names the subresource in managedFields."""

    MAIN = ""
    STATUS = "status"
    SCALE = "scale"
    BINDING = "binding"
    FINALIZE = "finalize"
    APPROVAL = "approval"
    EPHEMERAL = "ephemeralcontainers"


_USUAL = ("labels", "annotations", "finalizers")
_TAKEN_ALONG: Mapping[str, tuple[str, ...]] = {DEPLOYMENTS: ("annotations", "finalizers")}
"""Metadata that upstream's status strategies let through; the deployment controller's revision
annotation comes that way. Custom kinds' let none through."""


def _main(resource: Resource, given: Object, old: Object) -> Object:
    return strategies.prepare_update(resource, with_defaults(resource, given), old)


def _status(resource: Resource, given: Object, old: Object) -> Object:
    kept = {key: value for key, value in old.items() if key != "status"}
    taken = () if resource.custom else _TAKEN_ALONG.get(resource.key, _USUAL)
    metadata = {key: value for key, value in old["metadata"].items() if key not in taken}
    metadata |= {key: given["metadata"][key] for key in taken if given["metadata"].get(key)}
    kept["metadata"] = metadata
    status = given.get("status")
    if status and resource.key == SERVICES:  # the one kind whose status has defaults
        status = with_defaults(resource, {**kept, "status": status})["status"]
    return {**kept, "status": status} if status else kept


def _finalize(resource: Resource, given: Object, old: Object) -> Object:
    kept = {key: value for key, value in (old.get("spec") or {}).items() if key != "finalizers"}
    finalizers = (given.get("spec") or {}).get("finalizers")
    return {**old, "spec": {**kept, "finalizers": finalizers} if finalizers else kept}


def _approval(resource: Resource, given: Object, old: Object) -> Object:
    status = {key: value for key, value in (old.get("status") or {}).items() if key != "conditions"}
    if conditions := (given.get("status") or {}).get("conditions"):
        status["conditions"] = conditions
    return {**old, "status": status}


def _as_given(resource: Resource, given: Object, old: Object) -> Object:
    # The server itself made these from the stored object.
    return given


Merge: TypeAlias = Callable[[Resource, Object, Object], Object]

MERGES: Mapping[Part, Merge] = {
    Part.MAIN: _main,
    Part.STATUS: _status,
    Part.SCALE: _as_given,
    Part.BINDING: _as_given,
    Part.FINALIZE: _finalize,
    Part.APPROVAL: _approval,
    Part.EPHEMERAL: _as_given,
}
"""(resource, the body, the stored object) -> the object to be stored."""

JUDGED = frozenset({Part.MAIN, Part.STATUS, Part.SCALE, Part.APPROVAL})
"""Parts whose writes are validated; the others are made by the server, against the usual rules."""

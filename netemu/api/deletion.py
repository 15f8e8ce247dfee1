"""What a DELETE does to an object: whether it goes, waits, or only starts to go.

Pure rules. A pod on a node gets a deletion time and stays until the node deletes it with grace 0;
finalizers hold any object; a namespace stays until its contents are gone.
"""

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from netemu.api.gonumbers import parse_int
from netemu.api.request import is_true, unknown_dry_run
from netemu.clock import parse_rfc3339, rfc3339
from netemu.model.client import DeleteOptions
from netemu.model.errors import Cause, Conflict, Forbidden, Invalid
from netemu.model.meta import Object, is_deleting, name_of, uid_of
from netemu.model.resources import NAMESPACES, PODS, Resource

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
"""Finalizers by which the garbage collector knows what to do with dependents."""

_PROPAGATION = {"Orphan": (ORPHAN,), "Foreground": (FOREGROUND,), "Background": ()}
_IMMORTAL = frozenset({"default", "kube-system", "kube-public"})
_STILL_BEING_PURGED = (
    "The system is ensuring all content is removed from this namespace.  Upon completion, this "
    "namespace will automatically be purged by the system."
)


class Removal(Struct, frozen=True):
    """The object goes now."""


class Held(Struct, frozen=True):
    """The object stays for a while; `obj` is its new state (perhaps the same as before)."""

    obj: Object


Plan: TypeAlias = Removal | Held


def plan(resource: Resource, obj: Object, options: DeleteOptions, now: float) -> Plan:
    """What a DELETE means for `obj`. Raises Conflict, Forbidden."""
    _check_preconditions(resource, obj, options)
    if resource.key == NAMESPACES:
        return _plan_namespace(obj, now)
    if resource.key == PODS:
        return _plan_pod(obj, options, now)
    return _plan_finalizers(obj, options, now)


def _check_preconditions(resource: Resource, obj: Object, options: DeleteOptions) -> None:
    version = obj["metadata"].get("resourceVersion", "")
    if options.uid is not None and options.uid != uid_of(obj):
        raise Conflict(
            resource.kind,
            name_of(obj),
            f"the UID in the precondition ({options.uid}) does not match the UID in record "
            f"({uid_of(obj)}). The object might have been deleted and then recreated",
        )
    if options.resource_version is not None and options.resource_version != version:
        raise Conflict(
            resource.kind,
            name_of(obj),
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match "
            f"the ResourceVersion in record ({version}). The object might have been modified",
        )


def _plan_namespace(obj: Object, now: float) -> Plan:
    name = name_of(obj)
    if name in _IMMORTAL:
        raise Forbidden(
            f'namespaces "{name}" is forbidden: this namespace may not be deleted',
            name=name,
            kind="namespaces",
        )
    kept = bool((obj.get("spec") or {}).get("finalizers"))
    if is_deleting(obj) and kept:
        raise Conflict(NAMESPACES, name, _STILL_BEING_PURGED)
    if not kept and not obj["metadata"].get("finalizers"):
        return Removal()
    if is_deleting(obj):
        return Held(obj)
    metadata = {**obj["metadata"], "deletionTimestamp": rfc3339(now)}
    return Held(
        {
            **obj,
            "metadata": metadata,
            "status": {**(obj.get("status") or {}), "phase": "Terminating"},
        }
    )


def _plan_pod(obj: Object, options: DeleteOptions, now: float) -> Plan:
    grace = _pod_grace(obj, options)
    metadata = obj["metadata"]
    finalizers = _finalizers(obj, options)
    if is_deleting(obj):
        before = metadata.get("deletionGracePeriodSeconds", 0)
        if options.grace_seconds is None or grace >= before > 0:
            return Held(obj)  # a grace period may only be shortened
        since = parse_rfc3339(metadata["deletionTimestamp"]) - before
    else:
        since = now
    if grace == 0 and not finalizers:
        return Removal()
    marked = {
        **metadata,
        "deletionTimestamp": rfc3339(since + grace),
        "deletionGracePeriodSeconds": grace,
    }
    return Held(_with_finalizers({**obj, "metadata": marked}, finalizers))


def _pod_grace(obj: Object, options: DeleteOptions) -> int:
    """Seconds a pod may take to end (upstream's pod strategy)."""
    spec = obj.get("spec") or {}
    phase = (obj.get("status") or {}).get("phase")
    if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
        return 0
    grace = options.grace_seconds
    if grace is None:
        grace = spec.get("terminationGracePeriodSeconds", 30)
    return 1 if grace < 0 else int(grace)


def _plan_finalizers(obj: Object, options: DeleteOptions, now: float) -> Plan:
    finalizers = _finalizers(obj, options)
    if not finalizers:
        return Removal()
    metadata = dict(obj["metadata"])
    if not is_deleting(obj):
        metadata["deletionTimestamp"] = rfc3339(now)
        metadata["deletionGracePeriodSeconds"] = 0
        if metadata.get("generation"):
            metadata["generation"] += 1
    return Held(_with_finalizers({**obj, "metadata": metadata}, finalizers))


def _finalizers(obj: Object, options: DeleteOptions) -> list[str]:
    """The object's finalizers, with those the propagation policy asks for and no other of these."""
    present: list[str] = obj["metadata"].get("finalizers") or []
    if options.propagation is None:
        return present
    others = [item for item in present if item not in (ORPHAN, FOREGROUND)]
    return [*others, *_PROPAGATION[options.propagation]]


def _with_finalizers(obj: Object, finalizers: list[str]) -> Object:
    if finalizers == (obj["metadata"].get("finalizers") or []):
        return obj
    return {**obj, "metadata": {**obj["metadata"], "finalizers": finalizers}}


def finished(resource: Resource, obj: Object) -> bool:
    """Whether a deleting object, as just updated, has nothing left that holds it."""
    metadata = obj["metadata"]
    if not is_deleting(obj) or metadata.get("finalizers"):
        return False
    if resource.key == NAMESPACES and (obj.get("spec") or {}).get("finalizers"):
        return False
    return not metadata.get("deletionGracePeriodSeconds")


class DeleteRequest(Struct, frozen=True):
    """DeleteOptions as a client sent them."""

    options: DeleteOptions
    explicit_background: bool = False
    """``orphanDependents=false`` was said: an unfinished deletion answers 202."""


def read_request(query: Mapping[str, str], body: Object) -> DeleteRequest:
    """DeleteOptions from the body, then the query. Raises BadRequest, Invalid."""
    orphan = _orphan(body.get("orphanDependents"), query.get("orphanDependents"))
    propagation = body.get("propagationPolicy", query.get("propagationPolicy"))
    if propagation is not None and orphan is not None:
        raise _invalid(
            "FieldValueInvalid",
            "propagationPolicy",
            f'Invalid value: "{propagation}": orphanDependents and deletionPropagation cannot be '
            "both set",
        )
    if propagation is not None and propagation not in _PROPAGATION:
        raise _invalid(
            "FieldValueNotSupported",
            "propagationPolicy",
            f'Unsupported value: "{propagation}": supported values: "Foreground", "Background", '
            '"Orphan", "nil"',
        )
    if orphan is not None:
        propagation = "Orphan" if orphan else "Background"
    preconditions = body.get("preconditions") or {}
    options = DeleteOptions(
        grace_seconds=_grace(body.get("gracePeriodSeconds"), query.get("gracePeriodSeconds")),
        propagation=propagation,
        uid=preconditions.get("uid"),
        resource_version=preconditions.get("resourceVersion"),
        dry_run=_dry_run(body, query),
    )
    return DeleteRequest(options, orphan is False)


def _grace(said: int | None, asked: str | None) -> int | None:
    return said if said is not None or asked is None else parse_int(asked)


def _dry_run(body: Object, query: Mapping[str, str]) -> bool:
    # kubectl says it in the body, most other clients in the query.
    wishes = body.get("dryRun") or ([query["dryRun"]] if query.get("dryRun") else [])
    if wishes not in ([], ["All"]):
        raise _invalid("FieldValueNotSupported", "dryRun", unknown_dry_run(wishes))
    return bool(wishes)


def _orphan(said: bool | None, asked: str | None) -> bool | None:
    return said if said is not None or asked is None else is_true(asked)


def _invalid(reason: str, field: str, message: str) -> Invalid:
    return Invalid("meta.k8s.io", "DeleteOptions", "", [Cause(reason, message, field)])

"""Handlers that write: create, replace, patch, delete, and the subresources that do."""

import json
from collections.abc import Callable
from typing import Final

import msgspec

from netemu.api import (
    apply,
    applying,
    body,
    deletion,
    discovery,
    escalation,
    listing,
    metadata,
    negotiation,
    patch,
    replacing,
    representation,
    strict,
)
from netemu.api.access import attributes_of
from netemu.api.context import COLLECTION, OBJECT, Context, Handlers
from netemu.api.decoding import PATCHED, body_of, judged, typed, with_single_owners
from netemu.api.parts import Part
from netemu.api.paths import Target
from netemu.api.request import (
    Answer,
    Request,
    json_answer,
    raw_answer,
    warning_headers,
)
from netemu.api.writeoptions import WriteOptions
from netemu.model.errors import BadRequest, Cause, Invalid, MethodNotAllowed
from netemu.model.meta import Object, name_of, uid_of
from netemu.model.resources import (
    CSI_DRIVERS,
    CSI_NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    POD_TEMPLATES,
    PODS,
    RESOURCE_QUOTAS,
    SERVICE_ACCOUNTS,
    SERVICES,
    SIGNING_REQUESTS,
    STORAGE_CLASSES,
    VOLUME_ATTACHMENTS,
    Resource,
)
from netemu.store.base import Record

_OPTIONS: Final = Resource("", "v1", "DeleteOptions", "deleteoptions")
_RETURNED: Final = frozenset(
    {
        CSI_DRIVERS,
        CSI_NODES,
        PERSISTENT_VOLUMES,
        PERSISTENT_VOLUME_CLAIMS,
        PODS,
        POD_TEMPLATES,
        RESOURCE_QUOTAS,
        SERVICES,
        SERVICE_ACCOUNTS,
        STORAGE_CLASSES,
        VOLUME_ATTACHMENTS,
    }
)
"""Kinds whose DELETE answers with the object even when it is gone (upstream's swagger)."""
_NAMELESS: Final = (
    "the name of the object ({} based on URL) was undeterminable: name must be provided"
)


async def create(context: Context, target: Target, request: Request) -> Answer:
    """POST to a collection."""
    shape = negotiation.shape(request.accept)
    obj, warnings = body_of(target.resource, request)
    obj = _guarded(context, target, request)(obj, None)
    record = await context.registry.create(
        target.resource, target.namespace or "", obj, options_of(request, warnings)
    )
    if not target.resource.controlled:
        plural = target.resource.plural
        warnings.append(f"netemu stores {plural} and shows them, but nothing acts on them yet")
    return written(context, target, record, shape, warnings, 201)


async def replace(context: Context, target: Target, request: Request) -> Answer:
    """PUT to an object or its status."""
    return await replaced(context, target, request, _part(target))


async def replaced(context: Context, target: Target, request: Request, part: Part) -> Answer:
    """The answer to a PUT of an object of which only `part` counts."""
    shape = negotiation.shape(request.accept)
    obj, warnings = body_of(target.resource, request)
    if not (obj.get("metadata") or {}).get("name"):
        raise BadRequest(_NAMELESS.format(target.name))
    guard, key, resource = _guarded(context, target, request), target.key, target.resource
    if context.registry.lookup(resource.key, *key) is None:
        replacing.check_identity(resource, key, obj, None)

    def change(current: Object | None) -> Object:
        if current is not None:
            return guard(obj, current)
        _check_create(context, target, request)
        return guard(metadata.unversioned(obj), None)

    options = options_of(request, warnings)
    if part is Part.MAIN and resource.key in replacing.CREATED:
        record, new = await context.registry.apply(resource, key, change, options)
        return written(context, target, record, shape, warnings, 201 if new else 200)
    record = await context.registry.update(resource, key, change, options, part)
    return written(context, target, record, shape, warnings)


def _check_create(context: Context, target: Target, request: Request) -> None:
    """Changing is one right, creating what isn't there another. Raises Forbidden."""
    if request.user is not None:
        context.access.check(request.user, attributes_of(target, request, "create"))


async def patched(context: Context, target: Target, request: Request) -> Answer:
    """PATCH of an object or its status."""
    if patch.media_type(request.content_type) in apply.TYPES:
        return await _apply(context, target, request)
    if request.query.get("force"):
        raise applying.forced()
    shape = negotiation.shape(request.accept)
    warnings: list[str] = []
    guard = _guarded(context, target, request)
    record = await context.registry.update(
        target.resource,
        target.key,
        lambda current: guard(patched_object(target.resource, request, current, warnings), current),
        options_of(request, warnings),
        _part(target),
    )
    return written(context, target, record, shape, warnings)


def _guarded(
    context: Context, target: Target, request: Request
) -> Callable[[Object, Object | None], Object]:
    """Lets an object pass unless its author gives away what he doesn't have."""

    def passed(obj: Object, old: Object | None) -> Object:
        lookup, namespace = context.registry.lookup, target.namespace or ""
        escalation.check(context.access, lookup, request.user, target.resource, namespace, obj)
        if target.resource.key != SIGNING_REQUESTS:
            return obj
        from netemu.api import signingrequests  # late: few clients ask for a certificate

        if old is None:
            return signingrequests.asked_by(obj, request.user)
        part, now = _part(target), context.registry.clock.now()
        signingrequests.require_right(part, obj, old, request.user, context.access.check)
        return signingrequests.changed(part, obj, old, now)

    return passed


async def _apply(context: Context, target: Target, request: Request) -> Answer:
    """Server-side apply."""
    shape = negotiation.shape(request.accept)
    wanted = applying.read(target.resource, target.subresource or "", request)
    options = WriteOptions(
        manager=wanted.applier.manager,
        dry_run=request.dry_run,
        tracked=True,
        user=request.user,
        warnings=wanted.warnings,
    )
    now, guard = context.registry.clock.now(), _guarded(context, target, request)

    def change(live: Object | None) -> Object:
        if live is None:
            _check_create(context, target, request)
        applied = apply.applied(target.resource, live, wanted.config, wanted.applier, now=now)
        return guard(applied, live)

    record, new = await context.registry.apply(
        target.resource, target.key, change, options, _part(target)
    )
    return written(context, target, record, shape, wanted.warnings, 201 if new else 200)


def patched_object(
    resource: Resource, request: Request, current: Object, warnings: list[str]
) -> Object:
    """The object that a patch makes of `current`; `warnings` become those of this patch.

    Raises BadRequest, Inapplicable, Invalid, TooLarge, UnsupportedMediaType.
    """
    given = patch.apply(resource, request.content_type, current, request.body)
    try:
        checked, problems = strict.check(resource, typed(resource, given))
    except strict.Mismatch as mismatch:
        # Of a strategic patch upstream shows what was sent, of the others what came of it.
        strategic = patch.media_type(request.content_type) == patch.STRATEGIC
        shown = request.body if strategic else msgspec.json.encode(given)
        raise _bad_patch(shown, mismatch.message) from None
    warnings[:] = judged(request, problems, lambda why: _bad_patch(request.body, why))
    return with_single_owners(checked, warnings, PATCHED)


def _bad_patch(patched: bytes, why: str) -> Invalid:
    # Upstream shows the whole patch, under no kind and no name.
    shown = json.dumps(patched.decode("utf-8", "replace"), ensure_ascii=False)
    cause = Cause("FieldValueInvalid", f"Invalid value: {shown}: {why}", "patch")
    return Invalid("", "", "", [cause])


def _part(target: Target) -> Part:
    return Part(target.subresource or "")


def options_of(request: Request, warnings: list[str] | None = None) -> WriteOptions:
    """Who writes, and whether in earnest; `warnings` get what the writer is told besides."""
    return WriteOptions(
        manager=request.manager,
        dry_run=request.dry_run,
        user=request.user,
        warnings=[] if warnings is None else warnings,
    )


def written(
    context: Context,
    target: Target,
    record: Record,
    shape: negotiation.Shape,
    warnings: list[str],
    status: int = 200,
) -> Answer:
    """The answer to a write: what was stored, in the form the client asked for."""
    now = context.registry.clock.now()
    raw = representation.one(target.resource, record, shape, now)
    return raw_answer(raw, status, warning_headers(warnings))


async def delete(context: Context, target: Target, request: Request) -> Answer:
    """DELETE of an object."""
    shape = negotiation.shape(request.accept)
    wanted = _delete_request(request)
    warnings: list[str] = []
    by = options_of(request, warnings)
    record, gone = await context.registry.delete(target.resource, target.key, wanted.options, by)
    if gone and target.resource.key not in _RETURNED:
        headers = warning_headers(warnings)
        return json_answer(_deleted(target.resource, record.obj), headers=headers)
    status = 202 if wanted.explicit_background and not gone else 200
    return written(context, target, record, shape, warnings, status)


def _delete_request(request: Request) -> deletion.DeleteRequest:
    given: Object = {}
    if request.body.strip():
        given, _ = body.parse(request.body, request.content_type, _OPTIONS.kind)
        given, _ = strict.check(_OPTIONS, given)
    return deletion.read_request(request.query, given)


def _deleted(resource: Resource, obj: Object) -> Object:
    details = {"name": name_of(obj), "group": resource.group, "kind": resource.plural}
    return {
        **success(),
        "details": {**{k: v for k, v in details.items() if v}, "uid": uid_of(obj)},
    }


def success() -> Object:
    """The Status of what went well."""
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}


async def delete_collection(context: Context, target: Target, request: Request) -> Answer:
    """DELETE of what a collection's selectors take; answers with the list."""
    registry, resource = context.registry, target.resource
    if "deletecollection" not in discovery.verbs(resource):
        raise MethodNotAllowed
    shape = negotiation.shape(request.accept)
    wanted = _delete_request(request)
    chosen = listing.page(registry.store, resource, target.namespace, request)
    keys = [record.key for record in chosen.records]
    gone = await registry.delete_all(resource, keys, wanted.options, options_of(request))
    listed = {"resourceVersion": str(registry.store.revision)}
    now = registry.clock.now()
    return raw_answer(representation.many(resource, gone, shape, listed, now))


HANDLERS: Final[Handlers] = {
    (COLLECTION, "POST"): create,
    (COLLECTION, "DELETE"): delete_collection,
    (OBJECT, "PUT"): replace,
    (OBJECT, "PATCH"): patched,
    (OBJECT, "DELETE"): delete,
    ("status", "PUT"): replace,
    ("status", "PATCH"): patched,
    ("approval", "PUT"): replace,
    ("approval", "PATCH"): patched,
}

"""Handlers that write a part of an object through a subresource of its own."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from netemu.api import (
    apply,
    applying,
    binding,
    body,
    deletion,
    ephemeral,
    evicting,
    eviction,
    negotiation,
    patch,
    strict,
)
from netemu.api.context import Context, Handlers
from netemu.api.decoding import body_of, judged, typed
from netemu.api.parts import Part
from netemu.api.paths import Target
from netemu.api.request import Answer, Headers, Request, json_answer, warning_headers
from netemu.api.scale import SCALE, scale_of, scaled
from netemu.api.writeoptions import WriteOptions
from netemu.api.writing import options_of, patched_object, replaced, success, written
from netemu.model.catalog import BUILT_IN
from netemu.model.errors import BadRequest, Cause, Invalid
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY, PODS

_BINDING: Final = BUILT_IN.by_path["", "v1", "bindings"]
_NAMELESS: Final = Cause(
    "FieldValueRequired", "Required value: name or generateName is required", "metadata.name"
)
_PODS: Final = BY_KEY[PODS]


async def put_scale(context: Context, target: Target, request: Request) -> Answer:
    """PUT of a Scale."""
    given, warnings = body_of(SCALE, request)
    return await _scale(context, target, request, lambda _: given, warning_headers(warnings))


async def patch_scale(context: Context, target: Target, request: Request) -> Answer:
    """PATCH of a Scale."""
    if patch.media_type(request.content_type) in apply.TYPES:
        return await _apply_scale(context, target, request)
    warnings: list[str] = []
    return await _scale(
        context, target, request, lambda scale: patched_object(SCALE, request, scale, warnings), ()
    )


async def _scale(
    context: Context,
    target: Target,
    request: Request,
    change: Callable[[Object], Object],
    headers: Headers,
) -> Answer:
    paths = target.resource.scale_paths
    record = await context.registry.update(
        target.resource,
        target.key,
        lambda workload: scaled(workload, change(scale_of(workload, paths)), paths),
        options_of(request),
        Part.SCALE,
    )
    return json_answer(scale_of(record.obj, paths), headers=headers)


async def _apply_scale(context: Context, target: Target, request: Request) -> Answer:
    from netemu.api import scaleapply  # late: few clients apply a Scale

    wanted = applying.read(SCALE, target.subresource or "", request)
    options = WriteOptions(
        manager=wanted.applier.manager, dry_run=request.dry_run, tracked=True, user=request.user
    )
    now = context.registry.clock.now()
    record = await context.registry.update(
        target.resource,
        target.key,
        lambda workload: scaleapply.applied(
            target.resource, workload, wanted.config, wanted.applier, now=now
        ),
        options,
        Part.SCALE,
    )
    return json_answer(scale_of(record.obj, target.resource.scale_paths))


async def bind_any(context: Context, target: Target, request: Request) -> Answer:
    """POST of a Binding that says itself which pod it is about."""
    given, _ = body_of(_BINDING, request)
    name = (given.get("metadata") or {}).get("name")
    if not name:
        raise Invalid("", _BINDING.kind, "", [_NAMELESS])
    pod = replace(target, resource=_PODS, name=name, subresource="binding")
    return await bind(context, pod, request)


async def bind(context: Context, target: Target, request: Request) -> Answer:
    """POST of a Binding."""
    given, warnings = body_of(_BINDING, request)
    now = context.registry.clock.now()
    await context.registry.update(
        target.resource,
        target.key,
        lambda pod: binding.bound(pod, given, now),
        options_of(request),
        Part.BINDING,
    )
    return json_answer(success() | {"code": 201}, 201, warning_headers(warnings))


async def evict(context: Context, target: Target, request: Request) -> Answer:
    """POST of an Eviction."""
    given, doubled = body.parse(request.body, request.content_type, eviction.EVICTION.kind)
    if given.get("apiVersion") == eviction.OLD_VERSION:
        given = {**given, "apiVersion": eviction.EVICTION.api_version}
    checked, unknown = strict.check(eviction.EVICTION, typed(eviction.EVICTION, given))
    warnings = judged(request, [*doubled, *unknown], BadRequest)
    name = (checked.get("metadata") or {}).get("name") or target.name
    if name != target.name:
        raise BadRequest("name in URL does not match name in Eviction object")
    wanted = deletion.read_request({}, checked.get("deleteOptions") or {}).options
    options = WriteOptions(
        manager=request.manager, dry_run=request.dry_run or wanted.dry_run, user=request.user
    )
    await evicting.evict(context.registry, target.key, wanted, options)
    return json_answer(success() | {"code": 201}, 201, warning_headers(warnings))


async def finalize(context: Context, target: Target, request: Request) -> Answer:
    """PUT of a namespace whose finalizers count."""
    return await replaced(context, target, request, Part.FINALIZE)


async def put_ephemeral(context: Context, target: Target, request: Request) -> Answer:
    """PUT of a pod whose ephemeral containers count."""
    given, warnings = body_of(target.resource, request)
    return await _add_ephemeral(context, target, request, lambda _: given, warnings)


async def patch_ephemeral(context: Context, target: Target, request: Request) -> Answer:
    """PATCH of a pod's ephemeral containers."""
    warnings: list[str] = []
    return await _add_ephemeral(
        context,
        target,
        request,
        lambda pod: patched_object(target.resource, request, pod, warnings),
        warnings,
    )


async def _add_ephemeral(
    context: Context,
    target: Target,
    request: Request,
    change: Callable[[Object], Object],
    warnings: list[str],
) -> Answer:
    shape = negotiation.shape(request.accept)
    record = await context.registry.update(
        target.resource,
        target.key,
        lambda pod: ephemeral.with_ephemeral(pod, change(pod)),
        options_of(request),
        Part.EPHEMERAL,
    )
    return written(context, target, record, shape, warnings)


HANDLERS: Final[Handlers] = {
    ("scale", "PUT"): put_scale,
    ("scale", "PATCH"): patch_scale,
    ("binding", "POST"): bind,
    ("eviction", "POST"): evict,
    ("finalize", "PUT"): finalize,
    ("ephemeralcontainers", "PUT"): put_ephemeral,
    ("ephemeralcontainers", "PATCH"): patch_ephemeral,
}

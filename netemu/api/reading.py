"""Handlers that read: one object, a list, a watch, a log."""

from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Final

from msgspec import structs

from netemu.api import conversions, listing, negotiation, representation, watching
from netemu.api.context import COLLECTION, EVERYWHERE, OBJECT, Context, Handlers
from netemu.api.duplex import Duplex
from netemu.api.logs import log_options
from netemu.api.paths import Target
from netemu.api.request import (
    TEXT,
    Answer,
    Request,
    Stream,
    Transport,
    Upgrade,
    json_answer,
    raw_answer,
)
from netemu.api.scale import SCALE, scale_of
from netemu.model.meta import Object
from netemu.model.streams import LogOptions, PodStreams


async def get(context: Context, target: Target, request: Request) -> Answer:
    """One object."""
    shape = negotiation.shape(request.accept, request.query.get("includeObject", ""))
    listing.check_reached(context.registry.store, request)
    record = context.registry.get(target.resource, target.key)
    await context.registry.conversions.prepare(target.resource, [record])
    now = context.registry.clock.now()
    return raw_answer(representation.one(target.resource, record, shape, now))


async def collection(context: Context, target: Target, request: Request) -> Answer | Stream:
    """A list, or a watch when the query says so."""
    shape = negotiation.shape(request.accept, request.query.get("includeObject", ""))
    registry, resource = context.registry, target.resource
    if request.flag("watch"):
        negotiation.streamed(request.accept)
        wanted = watching.watch_request(resource, target.namespace, request, shape, context.rng)
        prepare = None
        if conversions.wanted(resource):
            prepare = partial(registry.conversions.prepare, resource)
        pieces = watching.stream(registry.store, context.frames, wanted, prepare=prepare)
        return Stream(pieces=pieces)
    page = listing.page(registry.store, resource, target.namespace, request)
    await registry.conversions.prepare(resource, page.records)
    now = registry.clock.now()
    return raw_answer(representation.many(resource, page.records, shape, page.metadata, now))


async def get_scale(context: Context, target: Target, request: Request) -> Answer:
    """The Scale of a workload."""
    shape = negotiation.shape(request.accept, request.query.get("includeObject", ""))
    record = context.registry.get(target.resource, target.key)
    scale = scale_of(record.obj, target.resource.scale_paths)
    if shape.form is negotiation.Form.PLAIN:
        return json_answer(scale)
    shown = structs.replace(record, obj=scale)
    return raw_answer(representation.one(SCALE, shown, shape, context.registry.clock.now()))


async def get_log(context: Context, target: Target, request: Request) -> Answer | Stream | Upgrade:
    """A container's log, also as WebSocket messages."""
    pod = context.registry.get(target.resource, target.key).obj
    options = log_options(pod, request, context.registry.clock.now())
    if not pod["spec"].get("nodeName"):
        return Answer(body=b"", content_type=TEXT)  # nobody has run it yet
    pieces = _log(context.streams, pod, options)
    if request.upgrade.lower() == Transport.WEBSOCKET.lower():
        protocol = next((item for item in request.protocols if item in _LOG_PROTOCOLS), "")
        run = partial(_send_log, pieces, base64=protocol.startswith("base64."))
        return Upgrade(transport=Transport.WEBSOCKET, protocol=protocol, run=run)
    return Stream(pieces=pieces, content_type=TEXT, may_refuse=True)


async def _send_log(pieces: AsyncGenerator[bytes, None], duplex: Duplex, *, base64: bool) -> None:
    async with aclosing(pieces):
        async for piece in pieces:
            await duplex.send(b64encode(piece) if base64 else piece, text=base64)


_LOG_PROTOCOLS: Final = frozenset({"binary.k8s.io", "base64.binary.k8s.io"})
"""WebSocket subprotocols for reading (apimachinery's wsstream)."""


async def _log(
    streams: PodStreams, pod: Object, options: LogOptions
) -> AsyncGenerator[bytes, None]:
    async for piece in streams.logs(pod, options):
        yield piece


HANDLERS: Final[Handlers] = {
    (OBJECT, "GET"): get,
    (COLLECTION, "GET"): collection,
    (EVERYWHERE, "GET"): collection,
    ("status", "GET"): get,
    ("approval", "GET"): get,
    ("ephemeralcontainers", "GET"): get,
    ("scale", "GET"): get_scale,
    ("log", "GET"): get_log,
}

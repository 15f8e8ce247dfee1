"""Watches: what one client sees of the store's changes, as lines of JSON.

An object that leaves a client's selection is DELETED for it, one that enters is ADDED. A change
is encoded once per shape, however many clients watch it.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from netemu.api import representation
from netemu.api.listing import Selection, selection
from netemu.api.listoptions import check_watch, read_version
from netemu.api.negotiation import Form, Shape
from netemu.api.request import Request
from netemu.clock import Clock
from netemu.model.client import ChangeType
from netemu.model.errors import ApiError, Expired, InternalError
from netemu.model.meta import Object
from netemu.model.resources import CUSTOM_RESOURCE_DEFINITIONS, Resource
from netemu.store.base import CutOff, Event, Record, Store, Watch

BOOKMARK_SECONDS: Final = 60.0
"""How often a client that allows bookmarks gets one (kube-apiserver's watch cache)."""
SHORTEST_SECONDS: Final = 1800.0
"""A watch without a timeout of its own lasts this long, up to twice (--min-request-timeout)."""
REMEMBERED_FRAMES: Final = 64
"""Encoded changes kept for the watchers that come to them later in the same turn."""
LARGEST_FRAME: Final = 64 * 1024
"""Bytes of an encoded change that is kept; larger ones are rare and would fill the memory."""
INITIAL_END: Final = "k8s.io/initial-events-end"

_encode = msgspec.json.Encoder().encode

Seen: TypeAlias = tuple[ChangeType, Record]
"""A change from one client's point of view."""


class WatchRequest(Struct, frozen=True, kw_only=True):
    """What a client watches and how."""

    resource: Resource
    namespace: str | None
    selection: Selection
    shape: Shape
    since: int | None
    """Changes after this version; None: everything there is, then changes."""
    initial_end: bool = False
    """Say where "everything there is" ends."""
    bookmarks: bool = False
    seconds: float = SHORTEST_SECONDS


def watch_request(
    resource: Resource,
    namespace: str | None,
    request: Request,
    shape: Shape,
    rng: random.Random,
) -> WatchRequest:
    """Read the parameters of a watch. Raises BadRequest, Invalid."""
    initial = request.flag("sendInitialEvents") if "sendInitialEvents" in request.query else None
    check_watch(request.query)
    version = read_version(request.query)
    asked = request.number("timeoutSeconds")
    return WatchRequest(
        resource=resource,
        namespace=namespace,
        selection=selection(resource, request),
        shape=shape,
        since=_since(initial, version),
        initial_end=bool(initial) and request.flag("allowWatchBookmarks"),
        bookmarks=request.flag("allowWatchBookmarks"),
        seconds=float(asked) if asked else SHORTEST_SECONDS * (1 + rng.random()),
    )


def _since(initial: bool | None, version: int) -> int | None:
    if initial:
        return None  # the newest state is never older than the version asked for
    return version or (None if initial is None else -1)


Prepare: TypeAlias = Callable[[Sequence[Record]], Awaitable[None]]
"""Makes objects ready to be shown. Raises InternalError."""


class Frames:
    """Encoded changes, shared by all watchers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._frames: OrderedDict[tuple[int, ChangeType, str, Shape], bytes] = OrderedDict()

    def frame(self, resource: Resource, seen: Seen, shape: Shape) -> bytes:
        """One line: the change as that shape shows it."""
        if shape.form is Form.TABLE:
            return self.encoded(resource, seen, shape)  # its ages are of this moment
        kind, record = seen
        key = record.revision, kind, resource.version, shape
        found = self._frames.get(key)
        if found is not None:
            return found
        found = self.encoded(resource, seen, shape)
        if len(found) <= LARGEST_FRAME:
            self._frames[key] = found
            if len(self._frames) > REMEMBERED_FRAMES:
                self._frames.popitem(last=False)
        return found

    def encoded(self, resource: Resource, seen: Seen, shape: Shape) -> bytes:
        """One line, encoded anew."""
        kind, record = seen
        return line(kind, representation.one(resource, record, shape, self._clock.now()))


def line(kind: str, raw: bytes) -> bytes:
    """One event of a watch."""
    return b'{"type":"%b","object":%b}\n' % (kind.encode(), raw)


async def stream(
    store: Store,
    frames: Frames,
    wanted: WatchRequest,
    *,
    bookmark_seconds: float = BOOKMARK_SECONDS,
    prepare: Prepare | None = None,
) -> AsyncGenerator[bytes, None]:
    """The lines of one watch until its time is up, it can't keep up, or nobody reads it. `prepare`
    makes objects ready to be shown, where that takes time.
    """
    try:
        if prepare is not None and wanted.since is None:
            await _prepared(store, wanted, prepare)
        watch, first = _open(store, frames, wanted)
    except Expired as error:
        yield _error(error)
        return
    try:
        if first:
            yield first
        async for piece in _lines(store, frames, wanted, watch, bookmark_seconds, prepare):
            yield piece
    except InternalError as error:  # its objects can't be shown
        yield _error(error)
    except CutOff:
        yield _error(Expired("The watcher fell too far behind; list again"))
    finally:
        watch.close()


async def _prepared(store: Store, wanted: WatchRequest, prepare: Prepare) -> None:
    """Have all that comes first ready, whatever is written meanwhile."""
    before = -1
    while before != store.revision:
        before = store.revision
        await prepare(store.list(wanted.resource.key, wanted.namespace))


def _open(store: Store, frames: Frames, wanted: WatchRequest) -> tuple[Watch, bytes]:
    """Subscribe and encode what comes first. Nothing is awaited, so nothing can be missed."""
    resource = wanted.resource
    if wanted.since is not None:
        since = store.revision if wanted.since < 0 else wanted.since
        if since > store.revision:
            # From before a restart that forgot everything: only a new list can help.
            raise Expired(f"too old resource version: {since} ({store.revision})")
        return store.watch(_watched(resource), since), b""
    watch = store.watch(_watched(resource))
    records = (r for r in store.list(resource.key, wanted.namespace) if _takes(wanted, r))
    lines = [frames.encoded(resource, (ChangeType.ADDED, r), wanted.shape) for r in records]
    if wanted.initial_end:
        lines.append(_bookmark(wanted, store.revision, initial_end=True))
    return watch, b"".join(lines)


async def _lines(
    store: Store,
    frames: Frames,
    wanted: WatchRequest,
    watch: Watch,
    bookmark_seconds: float,
    prepare: Prepare | None,
) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    end, opened = loop.time() + wanted.seconds, store.revision
    pause = bookmark_seconds if wanted.bookmarks else wanted.seconds
    while (left := end - loop.time()) > 0:
        # One timer for many changes: a busy watch needn't be told the time with each of them.
        timer = loop.call_later(min(left, pause), watch.wake)
        try:
            while events := await watch.batch():
                ended = wanted.resource.custom and _ended(wanted.resource, events, opened)
                if wanted.resource.custom:
                    events = [e for e in events if e.record.resource == wanted.resource.key]
                if prepare is not None:
                    await prepare([event.record for event in events])
                if piece := _seen(frames, wanted, events):
                    yield piece
                if ended or loop.time() >= end:  # there may be no rest at all
                    return
        finally:
            timer.cancel()
        if wanted.bookmarks:
            yield _bookmark(wanted, store.revision)


def _watched(resource: Resource) -> list[str]:
    """What is watched: of a custom kind its definition, too."""
    return [resource.key, CUSTOM_RESOURCE_DEFINITIONS] if resource.custom else [resource.key]


def _ended(resource: Resource, events: Sequence[Event], opened: int) -> bool:
    """Whether the kind is no longer what it was: upstream ends its watches then."""
    return any(
        event.record.resource == CUSTOM_RESOURCE_DEFINITIONS
        and event.record.key[1] == resource.key
        and event.revision > opened
        and _redefined(event)
        for event in events
    )


def _redefined(event: Event) -> bool:
    if event.type is ChangeType.DELETED or event.previous is None:
        return True
    old, new = event.previous.obj, event.record.obj
    return any(
        before != after
        for before, after in (
            (old.get("spec"), new.get("spec")),
            (_names(old), _names(new)),
        )
    )


def _names(definition: Object) -> object:
    return (definition.get("status") or {}).get("acceptedNames")


def _seen(frames: Frames, wanted: WatchRequest, events: Sequence[Event]) -> bytes:
    return b"".join(
        frames.frame(wanted.resource, seen, wanted.shape)
        for event in events
        if (seen := point_of_view(wanted, event)) is not None
    )


def point_of_view(wanted: WatchRequest, event: Event) -> Seen | None:
    """What a change means for this watch; None: nothing."""
    was = event.previous is not None and _takes(wanted, event.previous)
    if event.type is ChangeType.DELETED:
        return (ChangeType.DELETED, event.record) if was else None
    if _takes(wanted, event.record):
        return (ChangeType.MODIFIED if was else ChangeType.ADDED), event.record
    if event.previous is None or not was:
        return None
    return ChangeType.DELETED, _left(event.previous, event.revision)


def _takes(wanted: WatchRequest, record: Record) -> bool:
    if wanted.namespace is not None and record.key[0] != wanted.namespace:
        return False
    return wanted.selection.everything or wanted.selection.takes(record.obj)


def _left(previous: Record, revision: int) -> Record:
    """The last state that was in the selection, under the version of the change that ended it."""
    metadata = {**previous.obj["metadata"], "resourceVersion": str(revision)}
    obj = {**previous.obj, "metadata": metadata}
    return Record(previous.resource, previous.key, revision, obj, _encode(obj))


def _bookmark(wanted: WatchRequest, revision: int, *, initial_end: bool = False) -> bytes:
    metadata: Object = {"resourceVersion": str(revision), "creationTimestamp": None}
    if initial_end:
        metadata["annotations"] = {INITIAL_END: "true"}
    resource, shape = wanted.resource, wanted.shape
    if shape.form is Form.TABLE:
        record = Record(resource.key, ("", ""), revision, {"metadata": metadata}, b"")
        return line("BOOKMARK", _bookmark_table(record, shape))
    if shape.form is Form.PLAIN:
        kind, api_version = resource.kind, resource.api_version
    else:
        kind, api_version = Form.PARTIAL, f"meta.k8s.io/{shape.version}"
    return line(
        "BOOKMARK", _encode({"kind": kind, "apiVersion": api_version, "metadata": metadata})
    )


def _bookmark_table(record: Record, shape: Shape) -> bytes:
    partial = {
        "kind": Form.PARTIAL,
        "apiVersion": f"meta.k8s.io/{shape.version}",
        "metadata": record.obj["metadata"],
    }
    return _encode(
        {
            "kind": "Table",
            "apiVersion": f"meta.k8s.io/{shape.version}",
            "metadata": {"resourceVersion": str(record.revision)},
            "columnDefinitions": None,
            "rows": [{"cells": [], "object": partial}],
        }
    )


def _error(error: ApiError) -> bytes:
    return line("ERROR", _encode(error.status()))

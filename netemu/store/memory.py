"""The store in memory: dicts, a sorted index per resource, and a ring of past events."""

import asyncio
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import msgspec

from netemu.config.settings import StoreSettings
from netemu.model.client import EVERYTHING, ChangeType
from netemu.model.errors import AlreadyExists, Conflict, Expired, NotFound
from netemu.model.meta import Key, Object
from netemu.store.base import CutOff, Event, Record

_encode = msgspec.json.Encoder().encode

Journal = Callable[[Event], None]
"""Makes an event durable before anybody sees it; raises to refuse it."""


class MemoryWatch:
    """One watcher's queue, bounded; the slow are cut off rather than fed from memory for ever."""

    def __init__(self, resources: Sequence[str], limit: int, closed: Callable[[], None]) -> None:
        self.resources = frozenset(resources)
        self._limit = limit
        self._closed = closed
        self._events: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._cut_off = False
        self._woken = False

    def takes(self, resource: str) -> bool:
        """Whether it watches a resource."""
        return resource in self.resources or EVERYTHING in self.resources

    def put(self, event: Event) -> None:
        """Hand over one event (the store does)."""
        if len(self._events) >= self._limit:
            self._cut_off = True
            self._events.clear()
            self.close()
        elif not self._cut_off:
            self._events.append(event)
        self._wake.set()

    def pending(self) -> Sequence[Event]:
        """What is due now."""
        if self._cut_off:
            raise CutOff
        due, self._events = self._events, deque()
        return tuple(due)

    async def batch(self) -> Sequence[Event]:
        """Wait for events."""
        while not self._events and not self._cut_off and not self._woken:
            self._wake.clear()
            await self._wake.wait()
        if not self._events:  # else it is still to be told, after these
            self._woken = False
        return self.pending()

    def wake(self) -> None:
        """Let who waits go on."""
        self._woken = True
        self._wake.set()

    def close(self) -> None:
        """Stop."""
        self._closed()


class MemoryStore:
    """All objects in memory; `journal`, when given, is told of each write first."""

    def __init__(
        self,
        settings: StoreSettings | None = None,
        journal: Journal | None = None,
        revision: int = 0,
    ) -> None:
        self._settings = settings or StoreSettings()
        self._journal = journal
        self._revision = revision
        self._oldest = revision
        self._records: dict[str, dict[Key, Record]] = {}
        self._latest: dict[str, int] = {}
        self._order: dict[str, list[Key]] = {}
        self._history: deque[Event] = deque()
        self._watches: dict[int, MemoryWatch] = {}
        self._next_watch = 0

    @property
    def revision(self) -> int:
        """The revision of the last write."""
        return self._revision

    def latest(self, resource: str) -> int:
        """The revision of the last write to objects of one resource, 0 before the first."""
        return self._latest.get(resource, 0)

    def restore(self, record: Record) -> None:
        """Put an object back as it was; for a journal that is being read, before any watch."""
        self._records.setdefault(record.resource, {})[record.key] = record
        insort(self._order.setdefault(record.resource, []), record.key)

    def get(self, resource: str, key: Key) -> Record | None:
        """One object."""
        return self._records.get(resource, {}).get(key)

    def resources(self) -> Sequence[str]:
        """The resources that have ever had objects."""
        return tuple(self._records)

    def list(self, resource: str, namespace: str | None = None) -> Sequence[Record]:
        """Objects in order of (namespace, name)."""
        records = self._records.get(resource, {})
        return [records[key] for key in self._keys(resource, namespace)]

    def _keys(self, resource: str, namespace: str | None) -> Iterator[Key]:
        order = self._order.get(resource, [])
        if namespace is None:
            yield from order
            return
        for position in range(bisect_left(order, (namespace, "")), len(order)):
            if order[position][0] != namespace:
                return
            yield order[position]

    async def create(self, resource: str, key: Key, obj: Object) -> Record:
        """Add an object."""
        if self.get(resource, key) is not None:
            raise AlreadyExists(resource, key[1])
        return self._write(ChangeType.ADDED, resource, key, obj, None)

    async def update(self, resource: str, key: Key, obj: Object, expected: int) -> Record:
        """Replace the object whose revision is `expected`."""
        previous = self._current(resource, key, expected)
        return self._write(ChangeType.MODIFIED, resource, key, obj, previous)

    async def delete(self, resource: str, key: Key, expected: int | None = None) -> Record:
        """Remove an object."""
        previous = self._current(resource, key, expected)
        return self._write(ChangeType.DELETED, resource, key, previous.obj, previous)

    def _current(self, resource: str, key: Key, expected: int | None) -> Record:
        record = self.get(resource, key)
        if record is None:
            raise NotFound(resource, key[1])
        if expected is not None and expected != record.revision:
            raise Conflict(resource, key[1])
        return record

    def _write(
        self, kind: ChangeType, resource: str, key: Key, obj: Object, previous: Record | None
    ) -> Record:
        revision = self._revision + 1
        stamped = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(revision)}}
        record = Record(resource, key, revision, stamped, _encode(stamped))
        event = Event(kind, record, previous)
        if self._journal is not None:
            self._journal(event)
        self._revision = self._latest[resource] = revision
        self._place(event)
        self._history.append(event)
        while len(self._history) > self._settings.history:
            self._oldest = self._history.popleft().revision
        for watch in tuple(self._watches.values()):
            if watch.takes(resource):
                watch.put(event)
        return record

    def _place(self, event: Event) -> None:
        record = event.record
        records = self._records.setdefault(record.resource, {})
        order = self._order.setdefault(record.resource, [])
        if event.type is ChangeType.DELETED:
            del records[record.key]
            del order[bisect_left(order, record.key)]
            return
        if event.previous is None:
            insort(order, record.key)
        records[record.key] = record

    def watch(self, resources: Sequence[str], since: int | None = None) -> MemoryWatch:
        """Events after revision `since`."""
        number = self._next_watch
        self._next_watch += 1
        watch = MemoryWatch(resources, self._settings.watch_queue, partial(self._forget, number))
        if since is not None:
            for event in self._since(since):
                if watch.takes(event.record.resource):
                    watch.put(event)
        self._watches[number] = watch
        return watch

    def _forget(self, number: int) -> None:
        self._watches.pop(number, None)

    def _since(self, revision: int) -> Iterator[Event]:
        if revision < self._oldest:
            raise Expired(f"too old resource version: {revision} ({self._oldest + 1})")
        # Revisions in the history have no gaps, so the place of the first one wanted is arithmetic.
        start = max(0, revision - self._oldest)
        return (self._history[at] for at in range(start, len(self._history)))

"""Events: what components tell, written by one task, counted when equal, forgotten in time.

Telling never blocks and never fails: a full queue drops (and says so once), a refused write is
logged. No more than `MOST_EVENTS` Event objects are kept, none longer than `LIFETIME`.
"""

import logging
from asyncio import Event as Signal
from collections import OrderedDict, deque
from typing import Final, TypeAlias

from msgspec import Struct

from netemu.clock import Clock, parse_rfc3339, rfc3339, rfc3339_micro
from netemu.model.client import Client
from netemu.model.errors import ApiError, NotFound
from netemu.model.meta import Object, namespace_of, uid_of
from netemu.model.resources import EVENTS

MOST_EVENTS: Final = 2_000
"""Event objects kept; at 2 KiB each they stay a small part of the daemon's memory."""
LIFETIME: Final = 3600.0
"""Seconds an event is kept after it last happened (kube-apiserver's --event-ttl)."""
SWEEP_SECONDS: Final = 60.0
"""How often old events are looked for."""
SWEEP_AFTER: Final = 200
"""Events written since the last sweep after which the next one doesn't wait."""
QUEUE_LIMIT: Final = 1_000
"""Events that may wait to be written (client-go's recorder queues as many)."""
REMEMBERED: Final = 4_096
"""Different events remembered for counting (client-go's correlator cache)."""

IN_SERIES: Final = {
    "default-scheduler": {
        "Scheduled": "Binding",
        "FailedScheduling": "Scheduling",
        "Preempted": "Preempting",
    },
}
"""Components that speak events.k8s.io (KEP-383): by reason the action that they were at. Events of
theirs that repeat have a series, those of the others a count."""
HERE: Final = "control-plane"
"""Where components run that are on no node."""
SERIES_SECONDS: Final = 360.0
"""A series that has been quiet for so long is over (client-go's tools/events)."""

log = logging.getLogger(__name__)

Essence: TypeAlias = tuple[str, ...]
"""What two equal events have in common."""


class _Told(Struct, frozen=True):
    """One thing that happened."""

    component: str
    host: str
    reference: Object
    type: str
    reason: str
    message: str
    at: float

    @property
    def essence(self) -> Essence:
        """What makes two of these equal."""
        about = self.reference
        return (
            self.component,
            self.host,
            *(str(about.get(field, "")) for field in _IDENTITY),
            self.type,
            self.reason,
            self.message,
        )


_IDENTITY = ("kind", "namespace", "name", "uid", "apiVersion", "fieldPath")


class EventWriter:
    """The queue of what was told, and the task that stores it."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._queue: deque[_Told] = deque()
        self._due = Signal()
        self._written: OrderedDict[Essence, tuple[str, str]] = OrderedDict()
        self._number = 0
        self._unswept = 0
        self._dropping = False

    def tell(
        self, component: str, host: str, about: Object, type: str, reason: str, message: str
    ) -> None:
        """Remember to write an event."""
        if len(self._queue) >= QUEUE_LIMIT:
            if not self._dropping:
                log.warning("events come faster than they are written; some are dropped")
            self._dropping = True
            return
        self._dropping = False
        told = _Told(component, host, reference(about), type, reason, message, self._clock.now())
        self._queue.append(told)
        self._due.set()

    async def write(self) -> None:
        """Store events as they are told, for ever."""
        while True:
            await self._due.wait()
            self._due.clear()
            while self._queue:
                told = self._queue.popleft()
                try:
                    await self._store(told)
                except ApiError as error:
                    # Usually its namespace is going away, and the event with it.
                    log.debug("event %s not stored: %s", told.reason, error)

    async def _store(self, told: _Told) -> None:
        earlier = self._written.get(told.essence)
        if earlier is not None and await self._count(earlier, told):
            self._written.move_to_end(told.essence)
            return
        obj = await self._client.create(EVENTS, self._new(told))
        self._written[told.essence] = namespace_of(obj), obj["metadata"]["name"]
        if len(self._written) > REMEMBERED:
            self._written.popitem(last=False)
        self._unswept += 1
        if self._unswept >= SWEEP_AFTER:
            await self.sweep()

    async def _count(self, key: tuple[str, str], told: _Told) -> bool:
        obj = self._client.get(EVENTS, *key)
        if obj is None:
            return False
        counted = _counted(obj, told.at)
        if counted is None:
            return False
        try:
            await self._client.update(EVENTS, counted)
        except NotFound:
            return False
        return True

    def _new(self, told: _Told) -> Object:
        self._number += 1
        name, namespace = told.reference["name"], told.reference.get("namespace") or "default"
        moment = int(told.at * 1e9) + self._number  # unique even within one tick of the clock
        common = {
            "metadata": {"name": f"{name}.{moment:x}", "namespace": namespace},
            "involvedObject": told.reference,
            "reason": told.reason,
            "message": told.message,
            "type": told.type,
            "reportingComponent": told.component,
            "reportingInstance": told.host,
        }
        return {**common, **_form(told)}

    async def forget(self) -> None:
        """Delete events that are too old or too many, for ever."""
        while True:
            await self._clock.sleep(SWEEP_SECONDS)
            await self.sweep()

    async def sweep(self) -> None:
        """Delete events that are too old or too many, once."""
        self._unswept = 0
        for obj in expired(self._client.list(EVENTS), self._clock.now()):
            try:
                await self._client.delete(EVENTS, namespace_of(obj), obj["metadata"]["name"])
            except ApiError as error:
                log.debug("event not deleted: %s", error)


def _form(told: _Told) -> Object:
    """What only one of the two kinds of events has."""
    if told.component in IN_SERIES:
        return {
            "eventTime": rfc3339_micro(told.at),
            "action": IN_SERIES[told.component].get(told.reason, told.reason),
            "reportingInstance": f"{told.component}-{told.host or HERE}",
            "source": {},
            "firstTimestamp": None,
            "lastTimestamp": None,
        }
    return {
        "eventTime": None,
        "source": {"component": told.component, **({"host": told.host} if told.host else {})},
        "firstTimestamp": rfc3339(told.at),
        "lastTimestamp": rfc3339(told.at),
        "count": 1,
    }


def _counted(obj: Object, at: float) -> Object | None:
    """An event that has happened once more; None: that is a new one."""
    if not obj.get("eventTime"):
        return {**obj, "count": obj.get("count", 1) + 1, "lastTimestamp": rfc3339(at)}
    if at - _last_seen(obj) > SERIES_SECONDS:
        return None
    count = (obj.get("series") or {}).get("count", 1) + 1
    return {**obj, "series": {"count": count, "lastObservedTime": rfc3339_micro(at)}}


def expired(events: list[Object], now: float) -> list[Object]:
    """Those past their lifetime, and the oldest of those that are too many."""
    by_age = sorted(events, key=_last_seen)
    surplus = len(by_age) - MOST_EVENTS
    return [
        obj
        for number, obj in enumerate(by_age)
        if number < surplus or _last_seen(obj) < now - LIFETIME
    ]


def _last_seen(obj: Object) -> float:
    series = obj.get("series") or {}
    times = (
        series.get("lastObservedTime"),
        obj.get("lastTimestamp"),
        obj.get("eventTime"),
        obj["metadata"].get("creationTimestamp"),
    )
    return next((parse_rfc3339(time) for time in times if time), 0.0)


def reference(about: Object) -> Object:
    """An ObjectReference to an object; one with a ``fieldPath`` of its own is about that part."""
    metadata = about["metadata"]
    fields = {
        "kind": about.get("kind"),
        "namespace": metadata.get("namespace"),
        "name": metadata["name"],
        "uid": uid_of(about),
        "apiVersion": about.get("apiVersion"),
        "resourceVersion": metadata.get("resourceVersion"),
        "fieldPath": about.get("fieldPath"),
    }
    return {key: value for key, value in fields.items() if value}


class ComponentRecorder(Struct, frozen=True):
    """A `Recorder`: tells in the name of one component."""

    writer: EventWriter
    component: str
    host: str = ""

    def event(self, about: Object, type: str, reason: str, message: str) -> None:
        """Tell what happened to `about`."""
        self.writer.tell(self.component, self.host, about, type, reason, message)

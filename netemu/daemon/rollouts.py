"""Follows every Deployment's rollouts, for ``netemu rollout report``; the newest are kept.

While none is under way this only looks at changes; while one is, at the proxy's sums now and then.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from netemu.clock import Clock, SystemClock
from netemu.daemon.asking import Refused
from netemu.daemon.rolloutrecord import (
    NONE,
    Counts,
    Record,
    Traffic,
    is_complete,
)
from netemu.daemon.rolloutreport import report
from netemu.model.client import Change, Client
from netemu.model.meta import (
    Key,
    Object,
    controller_of,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from netemu.model.resources import DEPLOYMENTS, EVENTS, PODS, REPLICA_SETS, SERVICES
from netemu.proxy.route import Route
from netemu.proxy.site import Backend
from netemu.tasks import task_group

KEPT: Final = 32
"""Rollouts remembered, of all Deployments together; at most some 10 MB."""

Routes = Callable[[], Mapping[Backend, Route]]


class Rollouts:
    """The rollouts since the daemon began."""

    def __init__(
        self, client: Client, clock: Clock, routes: Routes, real: Clock | None = None
    ) -> None:
        """`real` is the machine's own time, in which there is traffic to look at."""
        self._client = client
        self._clock = clock
        self._routes = routes
        self._real = real or SystemClock()
        self._records: deque[Record] = deque(maxlen=KEPT)
        self._begun = asyncio.Event()

    async def run(self) -> None:
        """Follow changes until cancelled."""
        changes = self._client.watch(DEPLOYMENTS, REPLICA_SETS, PODS, EVENTS)
        try:
            async with task_group() as tasks:
                tasks.start(self._look_now_and_then(), name="rollout shares")
                while True:
                    for change in await changes.batch():
                        self.note(change)
        finally:
            changes.close()

    async def _look_now_and_then(self) -> None:
        while True:
            await self._begun.wait()
            open_ones = self._open()
            if not open_ones:
                self._begun.clear()
                continue
            now = self._real.monotonic()
            for each in open_ones:
                if now - each.looked >= each.every:
                    each.looked = now
                    self._sample(each)
            await self._real.sleep(min(each.every for each in open_ones))

    def note(self, change: Change) -> None:
        """Take note of one change."""
        if change.resource == DEPLOYMENTS:
            self._note_deployment(change)
        elif change.resource == REPLICA_SETS:
            for record in self._of(_owner(change.object)):
                gone = change.new is None
                record.follow_version(self._clock.now(), change.object, gone=gone)
        elif change.resource == PODS:
            self._note_pod(change)
        else:
            self._note_event(change)

    def _of(self, uid: str) -> Iterator[Record]:
        return (each for each in self._open() if each.uid == uid)

    def _note_deployment(self, change: Change) -> None:
        old, new, now = change.old, change.new, self._clock.now()
        uid = uid_of(change.object)
        if new is None:
            for record in self._of(uid):
                record.finish(now, "deleted")
            return
        if _begins(old, new):
            for record in self._of(uid):
                record.finish(now, "superseded")
            self._begin(new, now)
        for record in self._of(uid):
            if record.ended is None:
                record.follow(now, new)
                self._sample_last(record)

    def _begin(self, deployment: Object, now: float) -> None:
        record = Record(key_of(deployment), uid_of(deployment), now)
        seen = self._traffic(record)
        mine = [
            each
            for each in self._client.list(REPLICA_SETS, namespace_of(deployment))
            if _owner(each) == record.uid
        ]
        for each in mine:
            record.follow_version(now, each)
        names = {uid_of(each): name_of(each) for each in mine}
        for pod in self._client.list(PODS, namespace_of(deployment)):
            if _owner(pod) in names:
                record.follow_pod(now, names[_owner(pod)], pod, lambda: seen, gone=False)
        record.sample(now, seen)
        record.step(now, "rollout begun")
        self._records.append(record)
        self._begun.set()

    def _note_pod(self, change: Change) -> None:
        pod, owner = change.object, controller_of(change.object)
        if owner is None or owner["kind"] != "ReplicaSet":
            return
        for record in self._open():
            if owner["name"] in record.versions and namespace_of(pod) == record.deployment[0]:
                look, gone = partial(self._traffic, record), change.new is None
                record.follow_pod(self._clock.now(), owner["name"], pod, look, gone=gone)
                self._sample_last(record)

    def _note_event(self, change: Change) -> None:
        event = change.new
        if event is None or not self._begun.is_set():
            return
        about = event["involvedObject"]
        kind, name = str(about.get("kind", "")), str(about.get("name", ""))
        for record in self._open():
            if record.deployment[0] == about.get("namespace") and record.concerns(kind, name):
                said = f"{kind} {name}: {event['reason']}: {event['message']}"
                record.step(self._clock.now(), said)

    def _open(self) -> list[Record]:
        return [each for each in self._records if not each.over]

    def _sample_last(self, record: Record) -> None:
        """Look once more when it has ended, and when nothing will come any more."""
        if record.over or record.ended is not None:
            self._sample(record)

    def _sample(self, record: Record) -> None:
        record.sample(self._clock.now(), self._traffic(record))

    def _traffic(self, record: Record) -> Traffic:
        """What the proxy counted for the Services that select the Deployment's pods."""
        deployment = self._client.get(DEPLOYMENTS, *record.deployment)
        if deployment is None:
            return Traffic({})
        labels, routes = labels_of(deployment["spec"]["template"]), self._routes()
        found: dict[str, Counts] = {}
        unserved = 0
        for service in self._client.list(SERVICES, record.deployment[0]):
            if not _selects(service, labels):
                continue
            for route in _routes_of(service, routes):
                unserved += route.failed
                for (address, _), tally in route.tallies.items():
                    more = Counts(tally.connections, tally.broken, tally.redialed)
                    found[address] = found.get(address, NONE).plus(more)
        return Traffic(found, unserved)

    # Answers

    async def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """The report of a Deployment's newest rollout, or of that to a revision. Raises Refused."""
        key = str(question.get("namespace", "")), str(question.get("name", ""))
        revision = question.get("revision") or None
        if self._client.get(DEPLOYMENTS, *key) is None:
            raise Refused(f'deployments.apps "{key[1]}" not found in namespace "{key[0]}"')
        found = [
            each
            for each in self._records
            if each.deployment == key and revision in (None, each.revision)
        ]
        if not found:
            which = "no rollout" if revision is None else f"no rollout to revision {revision}"
            raise Refused(f"{which} of deployment/{key[1]} since this cluster's last start")
        record = found[-1]
        if not record.over:
            self._sample(record)
        return report(record, self._clock.now())


def _begins(old: Object | None, new: Object) -> bool:
    """Whether a change starts a rollout: another template, or one that isn't done."""
    if old is None:
        return not is_complete(new)
    return bool(old["spec"].get("template") != new["spec"].get("template"))


def _owner(obj: Object) -> str:
    owner = controller_of(obj)
    return str(owner["uid"]) if owner else ""


def _selects(service: Object, labels: Mapping[str, str]) -> bool:
    selector = service["spec"].get("selector") or {}
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def _routes_of(service: Object, routes: Mapping[Backend, Route]) -> Iterator[Route]:
    key: Key = key_of(service)
    for port in service["spec"].get("ports") or ():
        for family in ("IPv4", "IPv6"):
            protocol = port.get("protocol", "TCP")
            route = routes.get(Backend(key, port.get("name", ""), protocol, family))
            if route is not None:
                yield route

"""Readers of the API's changes inside the daemon: the snapshot, and the foreground's story."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import takewhile

from netemu.clock import Clock
from netemu.daemon.reports import Reports
from netemu.model.client import Change, Client
from netemu.model.conditions import holds
from netemu.model.latest import Latest
from netemu.model.meta import Object
from netemu.model.resources import ENDPOINT_SLICES, EVENTS, PODS
from netemu.model.snapshot import FOLLOWED, Snapshot, advance, listed

SETTLE_SECONDS = 2.0
"""How long to wait for slices of an earlier run to be taken back; it takes milliseconds."""
SETTLE_POLL = 0.002


async def settled(client: Client, clock: Clock) -> None:
    """Wait until no stored slice promises a pod that isn't ready (any more, or yet)."""
    end = clock.monotonic() + SETTLE_SECONDS
    while clock.monotonic() < end and any(
        map(partial(_promises, client), client.list(ENDPOINT_SLICES))
    ):
        await clock.sleep(SETTLE_POLL)


def _promises(client: Client, part: Object) -> bool:
    for endpoint in part.get("endpoints") or ():
        target = endpoint.get("targetRef") or {}
        if target.get("kind") == "Pod" and (endpoint.get("conditions") or {}).get("ready", True):
            pod = client.get(PODS, target.get("namespace", ""), target["name"])
            if pod is None or not holds(pod, "Ready"):
                return True
    return False


async def follow(
    client: Client, latest: Latest[Snapshot], now: Callable[[], float] = time.time
) -> None:
    """Keep the snapshot that DNS and proxy read in step; the first batch makes it synced."""
    changes = client.watch(*FOLLOWED)
    try:
        while True:
            batch = await changes.batch()
            snapshot = latest.value
            if not snapshot.synced:
                snapshot, batch = _first(batch, int(now()))
            for change in batch:
                snapshot = advance(snapshot, change.resource, change.old, change.new)
            if snapshot is not latest.value:
                latest.replace(snapshot)
    finally:
        changes.close()


def _first(batch: Sequence[Change], least: int) -> tuple[Snapshot, Sequence[Change]]:
    """The snapshot of what is listed at the start, its revision `least` at least, and what has
    changed since.
    """
    known = list(takewhile(lambda change: change.old is None and change.new is not None, batch))
    objects = ((change.resource, change.new) for change in known if change.new is not None)
    first = listed(objects)
    first = replace(first, synced=True, revision=max(first.revision, least))
    return first, batch[len(known) :]


async def tell(client: Client, reports: Reports) -> None:
    """Report each new Event as a line; those from before are old news."""
    changes = client.watch(EVENTS)
    seen = {event["metadata"]["uid"] for event in client.list(EVENTS)}
    try:
        while True:
            for change in await changes.batch():
                event = change.new
                if event is None or (change.old is None and event["metadata"]["uid"] in seen):
                    continue
                about = event["involvedObject"]
                reports.send(
                    "event",
                    f"{time.strftime('%H:%M:%S')} {event['type']:<7} "
                    f"{about['kind'].lower()}/{about['name']} "
                    f"{event['reason']}: {event['message']}",
                )
    finally:
        changes.close()

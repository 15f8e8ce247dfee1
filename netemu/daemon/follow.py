"""Readers of the API's changes inside the daemon: the snapshot, and the foreground's story."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from netemu.clock import Clock
from netemu.daemon.reports import Reports
from netemu.model.client import Client
from netemu.model.conditions import holds
from netemu.model.latest import Latest
from netemu.model.resources import ENDPOINT_SLICES, EVENTS, PODS
from netemu.model.service import EndpointSlice, slice_from
from netemu.model.snapshot import FOLLOWED, Snapshot, advance

SETTLE_SECONDS = 2.0
"""How long to wait for slices of an earlier run to be taken back; it takes milliseconds."""
SETTLE_POLL = 0.002


async def settled(client: Client, clock: Clock) -> None:
    """Wait until no stored slice promises a pod that isn't ready (any more, or yet)."""
    end = clock.monotonic() + SETTLE_SECONDS
    while clock.monotonic() < end and any(map(partial(_promises, client), _slices(client))):
        await clock.sleep(SETTLE_POLL)


def _slices(client: Client) -> list[EndpointSlice]:
    return [slice_from(obj) for obj in client.list(ENDPOINT_SLICES)]


def _promises(client: Client, part: EndpointSlice) -> bool:
    for endpoint in part.endpoints:
        if endpoint.ready and endpoint.target is not None:
            pod = client.get(PODS, *endpoint.target)
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
            snapshot = latest.value
            for change in await changes.batch():
                snapshot = advance(snapshot, change.resource, change.old, change.new)
            if not snapshot.synced:
                revision = max(snapshot.revision, int(now()))
                snapshot = replace(snapshot, synced=True, revision=revision)
            if snapshot is not latest.value:
                latest.replace(snapshot)
    finally:
        changes.close()


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

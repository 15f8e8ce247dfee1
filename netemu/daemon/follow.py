"""Readers of the API's changes inside the daemon: the snapshot, and the foreground's story."""

import time
from dataclasses import replace

from netemu.daemon.boot import Reports
from netemu.model.client import Client
from netemu.model.latest import Latest
from netemu.model.resources import EVENTS
from netemu.model.snapshot import FOLLOWED, Snapshot, advance


async def follow(client: Client, latest: Latest[Snapshot]) -> None:
    """Keep the snapshot that DNS and proxy read in step; the first batch makes it synced."""
    changes = client.watch(*FOLLOWED)
    try:
        while True:
            snapshot = latest.value
            for change in await changes.batch():
                snapshot = advance(snapshot, change.resource, change.old, change.new)
            if not snapshot.synced:
                snapshot = replace(snapshot, synced=True)
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

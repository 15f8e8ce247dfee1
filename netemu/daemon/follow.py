"""Keeps the snapshot that DNS and proxy read in step with the API."""

from dataclasses import replace

from netemu.model.client import Client
from netemu.model.latest import Latest
from netemu.model.snapshot import FOLLOWED, Snapshot, advance


async def follow(client: Client, latest: Latest[Snapshot]) -> None:
    """Replace the snapshot at each batch of changes; the first makes it synced."""
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

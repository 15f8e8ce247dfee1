"""How worker processes come to know what the daemon knows: the words they exchange.

A worker has UDP sockets beside the daemon's and a snapshot of its own, kept in step by `Feed`s; it
lags by the time a message takes. Whatever needs more than that snapshot it hands back. Messages are
pickles with their length in front; both ends are our own processes, joined by a socket nobody else
has.
"""

import asyncio
import pickle
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from immutables import Map
from msgspec import Struct

from netemu.dns.chain import Configuration
from netemu.dns.domain import PodNames
from netemu.dns.nodes import View
from netemu.dns.tallies import Kind
from netemu.mmsg import Peer
from netemu.model.meta import Key
from netemu.model.snapshot import ServiceEntry, Snapshot, changed_services, with_services

LONGEST_MESSAGE = 256 * 1024 * 1024
"""Octets; the first feed of a large cluster is the longest."""


class Feed(Struct, frozen=True):
    """What changed between two snapshots, as far as workers answer from it."""

    revision: int
    synced: bool
    services: Mapping[Key, ServiceEntry | None]
    namespaces: tuple[str, ...] | None
    """All of them if they changed."""


def feed_between(seen: Snapshot, now: Snapshot) -> Feed:
    """What a worker that knows `seen` lacks."""
    changed = sorted(changed_services(seen, now))
    same = seen.namespaces is now.namespaces
    return Feed(
        now.revision,
        now.synced,
        {key: now.services.get(key) for key in changed},
        None if same else tuple(now.namespaces),
    )


def fed(snapshot: Snapshot, feed: Feed) -> Snapshot:
    """The worker's next snapshot."""
    snapshot = with_services(snapshot, feed.services)
    if feed.namespaces is not None:
        names = dict.fromkeys(feed.namespaces, True)
        snapshot = replace(snapshot, namespaces=Map(names))
    return replace(snapshot, revision=feed.revision, synced=feed.synced)


class Start(Struct, frozen=True):
    """The first message to a worker."""

    views: tuple[View, ...]
    """One for each socket."""
    addresses: tuple[Any, ...]
    """Where to bind each of them, once the first feed is in."""
    configuration: Configuration
    seed: int


class Handed(Struct, frozen=True):
    """A query that the daemon itself has to answer."""

    listener: int
    packet: bytes
    client: Peer


class Seen(Struct, frozen=True):
    """What a worker answered since it last told."""

    observations: tuple[tuple[Any, ...], ...]
    batches: tuple[tuple[Any, ...], ...]
    missed: int
    """Replies more than it could remember."""
    tallies: tuple[tuple[Kind, int], ...]
    """All of them, by their kind."""
    panics: int


Message: TypeAlias = Start | Feed | Configuration | Handed | Seen


def suits_workers(configuration: Configuration) -> bool:
    """Whether workers may answer: not where an answer depends on pods or labels, which aren't
    fed.
    """
    return not any(
        block.autopath is not None
        or any(
            domain.pods is PodNames.VERIFIED or domain.labels or domain.namespace_labels
            for domain in (block.kubernetes.domains if block.kubernetes else ())
        )
        for block in configuration.blocks
    )


def packed(message: Message) -> bytes:
    """A message as it travels."""
    octets = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return len(octets).to_bytes(4, "big") + octets


async def next_message(reader: asyncio.StreamReader) -> Message | None:
    """The next message; None when the other end is gone."""
    try:
        size = int.from_bytes(await reader.readexactly(4), "big")
        if size > LONGEST_MESSAGE:
            return None
        message: Message = pickle.loads(await reader.readexactly(size))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return message

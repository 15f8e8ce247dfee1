"""A cluster whose addresses are loopback ones, and the proxy that follows it there."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random

from netemu.clock import Clock, SystemClock
from netemu.model import resources
from netemu.model.latest import Latest
from netemu.model.meta import Object
from netemu.model.snapshot import EMPTY, Snapshot, advance
from netemu.proxy.choose import Address
from netemu.proxy.server import Proxy, serve_proxy
from tests.proxy.harness import (
    ON_LOOPBACK,
    SOCKETS,
    free_port,
    service_object,
    slice_object,
)

VIRTUAL = str(ON_LOOPBACK.services[5])


class Cluster:
    """A snapshot that changes as if somebody applied manifests."""

    def __init__(self) -> None:
        self.latest: Latest[Snapshot] = Latest(replace(EMPTY, synced=True))
        self._objects: dict[tuple[str, str], Object] = {}
        self.port = free_port()

    @property
    def front(self) -> Address:
        return VIRTUAL, self.port

    def set(self, resource: str, obj: Object) -> None:
        name = resource, obj["metadata"]["name"]
        changed = advance(self.latest.value, resource, self._objects.get(name), obj)
        self._objects[name] = obj
        self.latest.replace(changed)

    def delete(self, resource: str, name: str) -> None:
        old = self._objects.pop((resource, name))
        self.latest.replace(advance(self.latest.value, resource, old, None))

    def service(self, *, node_port: int | None = None, affinity: int = 0) -> None:
        obj = service_object("web", VIRTUAL, self.port, node_port=node_port, affinity=affinity)
        self.set(resources.SERVICES, obj)

    def endpoints(self, *ready: Address) -> None:
        """Make exactly these ready, one slice each."""
        for part in range(1, 6):
            now = ready[part - 1 : part]
            self.set(resources.ENDPOINT_SLICES, slice_object("web", *now, part=part))


@asynccontextmanager
async def proxying(cluster: Cluster, clock: Clock | None = None) -> AsyncIterator[Proxy]:
    async with serve_proxy(
        cluster.latest,
        ON_LOOPBACK,
        nodes=2,
        cluster=SOCKETS,
        host=None,
        clock=clock or SystemClock(),
        rng=Random(5),
    ) as proxy:
        yield proxy


def knock(address: Address) -> int:
    """The error a client gets that connects at this very moment; 0: it got through."""
    with socket.socket() as sock:
        return sock.connect_ex(address)

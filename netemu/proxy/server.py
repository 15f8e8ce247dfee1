"""The proxy: follows the snapshot, keeps listeners and routes true, relays what comes in.

It applies a snapshot inside the call that replaced it, so DNS and proxy change in the same turn of
the event loop. The work is proportional to the Services that changed, not to those there are.
"""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from random import Random
from typing import Final

from netemu.clock import Clock, SystemClock
from netemu.model.addressing import Addressing
from netemu.model.latest import Latest
from netemu.model.meta import Key
from netemu.model.snapshot import EMPTY, ServiceEntry, Snapshot, changed_services
from netemu.model.sockets import Sockets
from netemu.proxy.listeners import Listeners
from netemu.proxy.ports import NOTHING, Backend, Listener, Network, Plan, Site, plan
from netemu.proxy.relay import CONNECTIONS, Relay
from netemu.proxy.route import Route

DESCRIPTORS: Final = 4
"""Of how many descriptors one may become a connection, which takes two: the rest of the daemon
keeps half."""


class Proxy:
    """What the proxy does at the moment."""

    def __init__(
        self, relay: Relay, listeners: Listeners, site: Site, clock: Clock, rng: Random
    ) -> None:
        self._relay = relay
        self._listeners = listeners
        self._site = site
        self._clock = clock
        self._rng = rng
        self._seen = EMPTY
        self._plans: dict[Key, Plan] = {}
        self._claims: dict[Listener, dict[Key, Backend]] = {}
        self._routes: dict[Backend, Route] = {}

    @property
    def failures(self) -> Mapping[Listener, str]:
        """Listeners that can't be opened, with the reason."""
        return self._listeners.failures

    @property
    def connections(self) -> int:
        """Connections that are open."""
        return self._relay.connections

    @property
    def routes(self) -> Mapping[Backend, Route]:
        """Every Service port that is relayed, with its endpoints and counters."""
        return self._routes

    @property
    def listening(self) -> int:
        """How many sockets listen."""
        return len(self._listeners)

    def follow(self, snapshot: Snapshot) -> None:
        """Make listeners and routes what `snapshot` says."""
        if not snapshot.synced:  # what isn't in it yet may exist
            return
        for key in sorted(changed_services(self._seen, snapshot)):
            self._update(key, snapshot.services.get(key))
        self._seen = snapshot
        self._listeners.sync()

    def place(self, nodes: int, silent: frozenset[str]) -> None:
        """There are so many nodes now, and those at the `silent` addresses are stopped."""
        self._site = replace(self._site, nodes=nodes, silent=silent)
        for key in sorted(self._plans):
            self._update(key, self._seen.services.get(key))
        self._listeners.sync()

    def _update(self, key: Key, entry: ServiceEntry | None) -> None:
        before = self._plans.pop(key, NOTHING)
        after = NOTHING
        if entry is not None:
            after = self._plans[key] = plan(entry, self._site)
            for backend, endpoints in after.endpoints.items():
                self._route(backend).update(endpoints, entry.service.affinity_seconds)
        # Listeners move over before the routes they led to go.
        for listener in {**before.listeners, **after.listeners}:
            claimed = after.listeners.get(listener)
            if before.listeners.get(listener) != claimed:
                self._claim(listener, key, claimed)
        for backend in before.endpoints:
            if backend not in after.endpoints:
                del self._routes[backend]

    def _route(self, backend: Backend) -> Route:
        if backend not in self._routes:
            self._routes[backend] = Route(backend, self._clock, self._rng)
        return self._routes[backend]

    def _claim(self, listener: Listener, key: Key, backend: Backend | None) -> None:
        """Note which Service wants a listener; of several the first gets it, as in `wanted`."""
        claims = self._claims.setdefault(listener, {})
        if backend is None:
            claims.pop(key, None)
        else:
            claims[key] = backend
        if claims:
            self._listeners.want(listener, self._routes[claims[min(claims)]].candidates)
        else:
            del self._claims[listener]
            self._listeners.want(listener, None)


@asynccontextmanager
async def serve_proxy(
    latest: Latest[Snapshot],
    addressing: Addressing,
    *,
    nodes: int,
    cluster: Sockets,
    host: Sockets | None,
    clock: Clock,
    rng: Random,
) -> AsyncIterator[Proxy]:
    """Relay to the Services of `latest` while the block runs; on entry what it says listens.

    `host` is None when the cluster's network is the host's own loopback.
    """
    loop = asyncio.get_running_loop()
    # Sockets live in real time; affinity lives in the cluster's.
    real = SystemClock()
    relay = Relay(loop, partial(cluster.connector, socket.SOCK_STREAM), real, _connection_limit())
    networks = {Network.CLUSTER: cluster}
    if host is not None:
        networks[Network.HOST] = host
    listeners = Listeners(relay, networks, real, loop.call_soon)
    site = Site(addressing, nodes, loopback=host is None)
    proxy = Proxy(relay, listeners, site, clock, rng)
    unsubscribe = latest.subscribe(proxy.follow)
    try:
        proxy.follow(latest.value)
        while not listeners.settled:
            listeners.sync()
            await asyncio.sleep(0)
        yield proxy
    finally:
        unsubscribe()
        listeners.close()
        try:
            await relay.drain()
        finally:
            relay.close()


def _connection_limit() -> int:
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return CONNECTIONS
    return min(CONNECTIONS, descriptors // DESCRIPTORS)

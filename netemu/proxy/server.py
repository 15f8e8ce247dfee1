"""The proxy: follows the snapshot, keeps listeners and routes true, relays what comes in.

It applies a snapshot inside the call that replaced it, so DNS and proxy change in the same turn of
the event loop. The work is proportional to the Services that changed, not to those there are.
"""

import asyncio
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from random import Random
from time import perf_counter, time
from typing import TYPE_CHECKING

from immutables import Map

from netemu.clock import Clock, SystemClock
from netemu.config.settings import ProxyMode
from netemu.model.addressing import Addressing
from netemu.model.latest import Latest
from netemu.model.meta import Key
from netemu.model.nft import Interception
from netemu.model.service import PodAddress, Protocol
from netemu.model.snapshot import EMPTY, Snapshot, changed_services
from netemu.model.sockets import Owners, Sockets
from netemu.proxy.choose import Address
from netemu.proxy.externalnames import ExternalNames, Resolve, no_resolver
from netemu.proxy.healthports import HealthPorts
from netemu.proxy.hostports import host_port_plan
from netemu.proxy.lanes import open_lanes
from netemu.proxy.ledger import Ledger, Row, stuck
from netemu.proxy.metrics import ProxyMetrics
from netemu.proxy.openings import ModeRefused, Openings
from netemu.proxy.plans import Plans
from netemu.proxy.policy import Place, Places
from netemu.proxy.ports import NOTHING, Plan, plan
from netemu.proxy.relay import Relay
from netemu.proxy.route import Route
from netemu.proxy.site import LOOPBACK, Backend, Listener, Site
from netemu.proxy.statusports import StatusPorts
from netemu.tasks import task_group

if TYPE_CHECKING:
    from netemu.proxy.families import Families


class Proxy:
    """What the proxy does at the moment."""

    def __init__(
        self,
        relays: Sequence[Relay],
        listeners: "Openings | Families",
        ledger: Ledger,
        outside: Callable[[Callable[[str], None]], ExternalNames],
        site: Site,
        clock: Clock,
        rng: Random,
        owners: Owners | None = None,
    ) -> None:
        self._relays = relays
        self._owners = owners
        self._listeners = listeners
        self.ledger = ledger
        self.outside = outside(self._found_outside)
        self._names: dict[Key, str] = {}
        """The external names of Services that the proxy stands in for."""
        self.metrics = ProxyMetrics(
            lambda: self.routes, lambda: listeners.translated_connections(time()), clock.now()
        )
        self._site = site
        self._clock = clock
        self._seen = EMPTY
        self._plans = Plans(listeners, clock, rng, self._place_of)
        self._places = Places({}, self._node_of_pod)

    def health(self, ports: StatusPorts, also: tuple[str, ...]) -> None:
        """Tell on these ports how the proxy is, on every node and at other addresses."""
        self._health = HealthPorts(ports, self._clock, self.metrics, also)

    @property
    def failures(self) -> Mapping[Listener, str]:
        """Listeners that can't be opened, with the reason."""
        return self._listeners.failures

    @property
    def connections(self) -> int:
        """Connections that are open."""
        return sum(relay.connections for relay in self._relays)

    @property
    def routes(self) -> Mapping[Backend, Route]:
        """Every Service port that is relayed, with its endpoints and counters."""
        return self._plans.routes

    def open_connections(self) -> Iterator[Row]:
        """What is open, as ``netemu connections`` shows it, whoever carries it."""
        yield from self.ledger.rows()
        yield from self._listeners.translated_connections(time())

    def affinities(self) -> Iterator[dict[str, object]]:
        """Which clients stick to which endpoint, and for how long, as ``netemu affinity`` shows."""
        for backend, route in self.routes.items():
            if route.affinity is not None and route.affinity_seconds is not None:
                for client, endpoint, left in route.affinity.entries(route.affinity_seconds):
                    yield stuck(backend, client, endpoint, left, self._seen.pods)
        for each in self._listeners.translated_clients():
            yield stuck(*each, self._seen.pods)

    @property
    def problem(self) -> str:
        """Why every virtual address takes a socket of its own, where it needn't; "" if not so."""
        return self._listeners.problem

    @property
    def mode(self) -> ProxyMode:
        """Who carries the traffic."""
        return self._listeners.mode

    @property
    def translated(self) -> int:
        """How many listeners the kernel stands for."""
        return self._listeners.translated

    def set_mode(self, mode: ProxyMode) -> None:
        """Have the kernel carry the traffic, or this process. Raises ModeRefused."""
        self._listeners.set_mode(mode)
        kernel = mode is not ProxyMode.USERSPACE
        self._health.mode = str(ProxyMode.NFTABLES if kernel else mode)

    @property
    def listening(self) -> int:
        """How many sockets listen."""
        return len(self._listeners)

    def try_again(self) -> None:
        """An address may have become one that can be listened at."""
        self._listeners.try_again()

    def break_off(self, addresses: Collection[str]) -> None:
        """Reset what clients outside the cluster have open to these addresses: the node that
        carried it is gone. Clients inside never needed it, as each node has its own proxy.
        """
        ranges = self._site.addressing

        def unwanted(client: Address, front: Address) -> bool:
            inside = client[0] == front[0] or ranges.has(client[0])
            return front[0] in addresses and not inside

        for relay in self._relays:
            relay.break_off(unwanted)
        self._listeners.break_off(unwanted)

    def follow(self, snapshot: Snapshot) -> None:
        """Make listeners and routes what `snapshot` says."""
        if not snapshot.synced:  # what isn't in it yet may exist
            return
        began = perf_counter()
        self.metrics.last_queued.set(self._clock.now())
        seen, self._seen = self._seen, snapshot
        keys: Iterable[Key] = changed_services(seen, snapshot)
        self.metrics.note_changes(seen, snapshot, keys, self._clock.now())
        pods: Iterable[Key] = _differing(seen.host_ports, snapshot.host_ports)
        if seen.nodes != snapshot.nodes:
            self._places = Places(snapshot.nodes, self._node_of_pod)
            self._follow_nodes()
            self._listeners.know(snapshot.nodes)
            keys = {*seen.services, *snapshot.services}
            pods = {*snapshot.host_ports, *pods}
        if self._plans.weighed and seen.pods is not snapshot.pods:
            keys = {*keys, *self._plans.weighed}
        self._note_names(keys)
        self._plan_again(keys, pods)
        self._listeners.sync()
        self._health.updated = self._clock.now()
        self.metrics.last_sync.set(self._health.updated)
        self.metrics.sync_seconds.observe(perf_counter() - began)

    def _found_outside(self, name: str) -> None:
        """An external name has other addresses now."""
        for key in sorted(key for key, its in self._names.items() if its == name):
            self._put(key, self._service_plan(key))
        self._listeners.sync()

    def place(self, nodes: int, silent: frozenset[str]) -> None:
        """There are so many nodes now, and those at the `silent` addresses are stopped."""
        site = replace(self._site, nodes=nodes, silent=silent)
        if site == self._site:
            return
        self._site = site
        self._follow_nodes()
        self._plan_again(self._seen.services, self._seen.host_ports)
        self._listeners.sync()

    def _follow_nodes(self) -> None:
        """Tell how the proxy is at the nodes that run."""
        heard = {
            name: node
            for name, node in self._seen.nodes.items()
            if node.address not in self._site.silent
        }
        self._health.follow_nodes(heard)

    def _plan_again(self, services: Iterable[Key], pods: Iterable[Key]) -> None:
        """Plan these Services and pods."""
        for key in sorted(services):
            self._put(key, self._service_plan(key))
        for key in sorted(pods):
            self._put((key[0], f"pod/{key[1]}"), self._pod_plan(key))

    def _put(self, key: Key, after: Plan) -> None:
        before = self._plans.put(key, after)
        if before.health != after.health:
            self._health.check(key, after.health)

    def _note_names(self, keys: Iterable[Key]) -> None:
        """Which external names matter."""
        for key in keys:
            entry = self._seen.services.get(key)
            self._names.pop(key, None)
            if entry is not None and entry.service.virtual_ip and entry.service.proxied:
                self._names[key] = entry.service.external_name
        self.outside.want(set(self._names.values()))

    def _service_plan(self, key: Key) -> Plan:
        entry = self._seen.services.get(key)
        if entry is None:
            return NOTHING
        seen = self._seen
        return plan(entry, self._site, seen.nodes, self.outside.addresses, seen.pods)

    def _pod_plan(self, key: Key) -> Plan:
        pod = self._seen.host_ports.get(key)
        return NOTHING if pod is None else host_port_plan(pod, self._site, self._seen.nodes)

    def _node_of_pod(self, address: str) -> str | None:
        pod = self._seen.pods.get(address)
        return None if pod is None else pod.node

    def _place_of(self, client: Address, protocol: Protocol) -> Place:
        if self._owners and self._site.addressing.has(client[0]):
            node = self._owners.of(client, datagrams=protocol is Protocol.UDP)
            if node:
                return self._places.at(node)
        return self._places.of(client[0])


def _differing(before: Map[Key, PodAddress], after: Map[Key, PodAddress]) -> set[Key]:
    if before is after:
        return set()
    keys = {*before, *after}
    return {key for key in keys if before.get(key) is not after.get(key)}


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
    resolve: Resolve = no_resolver,
    interception: Interception | None = None,
    problem: str = "",
    mode: ProxyMode = ProxyMode.USERSPACE,
    real: Clock | None = None,
    interception6: Interception | None = None,
    owners: Owners | None = None,
) -> AsyncIterator[Proxy]:
    """Relay to the Services of `latest` while the block runs; on entry what it says listens.

    `host` is None when the cluster's network is the host's own loopback, `interception` when every
    address needs a socket of its own, `problem` being the reason if that is worth telling, and
    `interception6` is the same for IPv6; `owners` tells processes in the nodes' network apart;
    `resolve` finds hosts outside; `real` is the machine's own time, whatever becomes of the
    cluster's.
    """
    # Sockets and hosts outside live in real time; affinity lives in the cluster's.
    real = real or SystemClock()
    ledger = Ledger(real)
    means = {"IPv4": interception, "IPv6": interception6}
    async with open_lanes(addressing, cluster, host, real, ledger, means, problem, owners) as lanes:
        site = Site(addressing, nodes, loopback=host is None)
        names = partial(ExternalNames, resolve, real)
        proxy = Proxy(lanes.relays, lanes.openings, ledger, names, site, clock, rng, owners)
        ports = StatusPorts(asyncio.get_running_loop(), cluster, real)
        proxy.health(ports, () if site.loopback else (LOOPBACK,))
        with suppress(ModeRefused):  # then the status says why
            proxy.set_mode(mode)
        unsubscribe = latest.subscribe(proxy.follow)
        try:
            proxy.follow(latest.value)
            while not lanes.openings.settled:
                lanes.openings.sync()
                await asyncio.sleep(0)
            async with task_group() as tasks:
                tasks.start(proxy.outside.run(), name="names outside")
                yield proxy
        finally:
            unsubscribe()
            ports.close()

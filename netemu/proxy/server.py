"""The proxy: follows the snapshot, keeps listeners and routes true, relays what comes in.

It applies a snapshot inside the call that replaced it, so DNS and proxy change in the same turn of
the event loop. The work is proportional to the Services that changed, not to those there are.
"""

import asyncio
from collections import Counter
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

from netemu.clock import Clock, SystemClock, parse_rfc3339
from netemu.config.settings import ProxyMode
from netemu.model.addressing import Addressing
from netemu.model.latest import Latest
from netemu.model.meta import Key
from netemu.model.nft import Interception
from netemu.model.service import PodAddress, Protocol
from netemu.model.snapshot import EMPTY, Snapshot, changed_services
from netemu.model.sockets import Owners, Sockets
from netemu.proxy.choose import Address, written
from netemu.proxy.externalnames import ExternalNames, Resolve, no_resolver
from netemu.proxy.gate import OPEN
from netemu.proxy.healthports import HealthPorts
from netemu.proxy.lanes import open_lanes
from netemu.proxy.ledger import Ledger, Row
from netemu.proxy.metrics import ProxyMetrics
from netemu.proxy.openings import ModeRefused, Openings
from netemu.proxy.policy import Place, Places
from netemu.proxy.ports import (
    LOOPBACK,
    NOTHING,
    Backend,
    Listener,
    Plan,
    Site,
    host_port_plan,
    plan,
)
from netemu.proxy.relay import Relay
from netemu.proxy.route import ANY_DOOR, Path, Route
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
            lambda: self._routes, lambda: listeners.translated_connections(time())
        )
        self._site = site
        self._clock = clock
        self._rng = rng
        self._seen = EMPTY
        self._plans: dict[Key, Plan] = {}
        self._claims: dict[Listener, dict[Key, Backend]] = {}
        self._routes: dict[Backend, Route] = {}
        self._weighed: set[Key] = set()
        """The Services with weights, which hang on the labels of pods."""
        self._closed: Counter[Listener] = Counter()
        """How many Services have a listener that nobody could serve."""
        self._places = Places({}, self._node_of_pod)
        self._started = clock.now()

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
        return self._routes

    def open_connections(self) -> Iterator[Row]:
        """What is open, as ``netemu connections`` shows it, whoever carries it."""
        yield from self.ledger.rows()
        yield from self._listeners.translated_connections(time())

    def affinities(self) -> Iterator[dict[str, object]]:
        """Which clients stick to which endpoint, and for how long, as ``netemu affinity`` shows."""
        for backend, route in self._routes.items():
            if route.affinity is not None and route.affinity_seconds is not None:
                for client, endpoint, left in route.affinity.entries(route.affinity_seconds):
                    yield self._affinity(backend, client, endpoint, left)
        for each in self._listeners.translated_clients():
            yield self._affinity(*each)

    def _affinity(
        self, backend: Backend, client: str, endpoint: Address, left: float
    ) -> dict[str, object]:
        pod = self._seen.pods.get(endpoint[0])
        return {
            "namespace": backend.service[0],
            "service": backend.service[1],
            "port": backend.port,
            "protocol": str(backend.protocol),
            "client": client,
            "endpoint": written(endpoint),
            "pod": "" if pod is None else f"{pod.namespace}/{pod.name}",
            "secondsLeft": round(left, 1),
        }

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
        seen, self._seen = self._seen, snapshot
        keys: Iterable[Key] = changed_services(seen, snapshot)
        self._count(seen, snapshot, keys)
        pods: Iterable[Key] = _differing(seen.host_ports, snapshot.host_ports)
        if seen.nodes != snapshot.nodes:
            self._places = Places(snapshot.nodes, self._node_of_pod)
            self._follow_nodes()
            self._listeners.know(snapshot.nodes)
            keys = {*seen.services, *snapshot.services}
            pods = {*snapshot.host_ports, *pods}
        if self._weighed and seen.pods is not snapshot.pods:
            keys = {*keys, *self._weighed}
        self._note_names(keys)
        self._plan_again(keys, pods)
        self._listeners.sync()
        self._health.updated = self._clock.now()
        self.metrics.last_sync.set(self._health.updated)
        self.metrics.sync_seconds.observe(perf_counter() - began)

    def _count(self, seen: Snapshot, now: Snapshot, changed: Iterable[Key]) -> None:
        """Count changes, and how long endpoints took to get here from what caused them."""
        time = self._clock.now()
        for key in changed:
            before, after = seen.services.get(key), now.services.get(key)
            if (before and before.service) != (after and after.service):
                self.metrics.service_changes.add()
            known = frozenset(before.slices if before else ())
            for part in after.slices if after else ():
                if part not in known:
                    self.metrics.endpoint_changes.add()
                    self._observe_delay(part.triggered, time)

    def _observe_delay(self, triggered: str, now: float) -> None:
        if triggered:
            since = parse_rfc3339(triggered)
            if since >= self._started:  # what was before nobody could have programmed
                self.metrics.programming_seconds.observe(max(0.0, now - since))

    def _found_outside(self, name: str) -> None:
        """An external name has other addresses now."""
        for key in sorted(key for key, its in self._names.items() if its == name):
            self._update(key, self._service_plan(key))
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
            self._update(key, self._service_plan(key))
        for key in sorted(pods):
            self._update((key[0], f"pod/{key[1]}"), self._pod_plan(key))

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

    def _update(self, key: Key, after: Plan) -> None:
        before = self._plans.pop(key, NOTHING)
        if after is not NOTHING:
            self._plans[key] = after
        (self._weighed.discard if after.weights is None else self._weighed.add)(key)
        if before.health != after.health:
            self._health.check(key, after.health)
        for backend, reach in after.reach.items():
            self._route(backend).update(reach, after.affinity_seconds, after.weights)
            if (reach, after.affinity_seconds) != (
                before.reach.get(backend),
                before.affinity_seconds,
            ):
                self._listeners.review(backend)
        # Listeners move over before the routes they led to go.
        for listener in {**before.listeners, **after.listeners}:
            if _moves(listener, before, after):
                self._claim(listener, key, after.listeners.get(listener))
        for backend in before.reach:
            if backend not in after.reach:
                del self._routes[backend]
        self._closed.update(after.closed)
        self._closed.subtract(before.closed)
        for listener in {*before.closed, *after.closed, *before.listeners, *after.listeners}:
            self._refuse(listener)

    def _refuse(self, listener: Listener) -> None:
        """Have clients of a listener refused if some Service has it, and none can serve it."""
        closed = self._closed[listener] > 0
        if not closed:
            del self._closed[listener]
        self._listeners.refuse(listener, closed and listener not in self._claims)

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
        if not claims:
            del self._claims[listener]
            self._listeners.want(listener, None)
            return
        first = min(claims)
        winner = self._plans[first]
        path = Path(
            self._routes[claims[first]],
            winner.doors.get(listener, ANY_DOOR),
            self._place_of,
            outside=winner.outside,
            relayed=winner.relayed,
        )
        self._listeners.want(listener, path, winner.gates.get(listener, OPEN))


def _differing(before: Map[Key, PodAddress], after: Map[Key, PodAddress]) -> set[Key]:
    if before is after:
        return set()
    keys = {*before, *after}
    return {key for key in keys if before.get(key) is not after.get(key)}


def _moves(listener: Listener, before: Plan, after: Plan) -> bool:
    """Whether anything about a listener changed; its endpoints matter to flows only, as
    connections stay where they are and new ones ask anew.
    """
    backend = after.listeners.get(listener)
    return (
        backend is None
        or before.listeners.get(listener) != backend
        or before.doors.get(listener) != after.doors.get(listener)
        or before.gates.get(listener) != after.gates.get(listener)
        or before.relayed != after.relayed
        or (before.weights is None) != (after.weights is None)  # which the kernel can't heed
        or (backend.protocol is Protocol.UDP and before.reach.get(backend) != after.reach[backend])
    )


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

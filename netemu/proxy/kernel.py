"""The kernel mode: the plan compiled to address translation, kept true by difference.

The same ways that lead the relay lead here; what changes is a few members of maps, so the cost of a
change is that of the Service that changed. Connections that exist stay with their endpoint, as the
kernel remembers them; UDP flows whose endpoint went are forgotten, so that their next datagram
finds another. Each pool of endpoints keeps its number as long as it exists, and clients remembered
for it are forgotten only with the endpoint they were sent to.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

from netemu.model import nft
from netemu.model.addressing import Addressing, family_of
from netemu.model.nft import Go, Interception, Verdict
from netemu.model.service import NodePlace, Protocol, TrafficPolicy
from netemu.proxy import kernelrules
from netemu.proxy.choose import Address
from netemu.proxy.gate import OPEN, Gate, gate_of, network_from
from netemu.proxy.kernelrules import KEEP, MASQUERADE, back, front, number
from netemu.proxy.ledger import Row
from netemu.proxy.members import Members
from netemu.proxy.policy import NOWHERE, Door, Place
from netemu.proxy.ports import LOOPBACK, Backend, Listener, Network
from netemu.proxy.protocols import NUMBERS
from netemu.proxy.route import Path

if TYPE_CHECKING:
    from netemu.proxy.kernelview import Stuck

POOLS: Final = 4_000_000
"""Numbers for pools before the first are used again."""


class PoolKey(NamedTuple):
    """Some endpoints of a Service port: all of them, or those for clients of one place."""

    backend: Backend
    kind: str


class Pool:
    """Endpoints with a number."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.endpoints: tuple[Address, ...] = ()
        self.seconds: int | None = None
        self.users: Counter[int] = Counter()
        """Marks that listeners use of it."""


class Kernel:
    """Service addresses that the kernel translates."""

    def __init__(self, interception: Interception, addressing: Addressing) -> None:
        """`addressing` has the ranges of its address family. Raises OSError."""
        self._interception = interception
        self._rules = interception.rules
        self._stack = interception.stack
        self._family = f"IPv{self._stack.version}"
        self._rules.apply(kernelrules.start(addressing.pods, self._stack))
        interception.account()
        self._names = Members(kernelrules.NAMES)
        self._local_names = Members(kernelrules.LOCAL_NAMES)
        self._verdicts = Members(kernelrules.POOLS)
        self._endpoints = Members(kernelrules.ENDPOINTS)
        self._hairpins = Members(kernelrules.HAIRPINS)
        self._sticky: dict[int, Members] = {}
        self._chains: set[str] = set()
        self._making: list[nft.Command] = []
        """Chains and sets that are needed first."""
        self._ways: dict[Listener, Path] = {}
        self._listeners: dict[Backend, set[Listener]] = {}
        self._due: dict[Listener, None] = {}
        self._used: dict[Listener, dict[PoolKey, Counter[int]]] = {}
        self._local: dict[Listener, set[bytes]] = {}
        self._pools: dict[PoolKey, Pool] = {}
        self._numbers = count(1)
        self._hosts: Counter[str] = Counter()
        self._nodes: Mapping[str, NodePlace] = {}
        self._node_numbers: dict[str, int] = {}
        self._lost: dict[int, set[Address]] = {}
        """By pool: endpoints that went."""
        self._flows: set[Listener] = set()
        """UDP listeners whose flows may have to go elsewhere."""

    def __len__(self) -> int:
        return len(self._ways)

    def takes(self, listener: Listener, way: object, gate: Gate) -> bool:
        """Whether the kernel can stand for a listener: not on the host's side, nor where source
        ranges or weights are asked for.
        """
        if listener.network is not Network.CLUSTER or listener.address == LOOPBACK:
            return False
        if not isinstance(way, Path) or way.route.weigher is not None:
            return False
        family, nodes = family_of(listener.address), self._nodes.values()
        return gate == OPEN or gate == gate_of(way.door, way.route.reach, nodes, family)

    def break_off(self, unwanted: Callable[[Address, Address], bool]) -> None:
        """Have connections end by their client and what it addressed. Raises OSError."""
        self._interception.cut(unwanted)

    def connections(self, now: float) -> Iterator[Row]:
        """Those the kernel carries, `now` being seconds since the epoch. Raises OSError."""
        from netemu.proxy import kernelview  # late: only for those who ask

        fronts = {
            (each.address, each.port, str(each.protocol)): way.route.backend
            for each, way in self._ways.items()
        }
        yield from kernelview.rows(self._interception.tracked(), fronts, now)

    def stuck(self) -> "Iterator[Stuck]":
        """Clients that stick to endpoints. Raises OSError."""
        from netemu.proxy import kernelview

        pools = {pool.number: key.backend for key, pool in self._pools.items()}
        members = self._rules.members(kernelrules.CLIENTS)
        yield from kernelview.stuck(members, pools, self._stack)

    def know(self, nodes: Mapping[str, NodePlace]) -> None:
        """These are the nodes."""
        self._nodes = nodes
        self._due.update(dict.fromkeys(self._ways))
        places, sources = [], []
        for name, node in sorted(nodes.items()):
            mark = self._node_numbers.setdefault(name, len(self._node_numbers) + 1)
            address = node.of(self._family)
            for text in (*node.pod_ranges, address):
                network = network_from(text, self._family)
                if network is None:
                    continue
                first, last = network.network_address.packed, network.broadcast_address.packed
                places.append(nft.Element(first, number(mark), last))
                own = network_from(address, self._family)
                if text != address and own is not None:
                    sources.append(nft.Element(first, own.network_address.packed, last))
        for name, elements in ((kernelrules.PLACES, places), (kernelrules.NODES, sources)):
            self._making += [nft.ClearSet(name), nft.AddElements(name, elements)]

    def want(self, listener: Listener, way: Path | None) -> None:
        """From `sync` on, `listener` leads `way`, which may have changed; None: it doesn't."""
        before = self._ways.pop(listener, None)
        if before is not None:
            self._listeners[before.route.backend].discard(listener)
        if way is not None:
            self._ways[listener] = way
            self._listeners.setdefault(way.route.backend, set()).add(listener)
        self._due[listener] = None

    def review(self, backend: Backend) -> None:
        """The endpoints of a Service port changed, or its affinity."""
        self._due.update(dict.fromkeys(sorted(self._listeners.get(backend, ()))))

    def sync(self) -> None:
        """Translate as wanted. Raises OSError."""
        due, self._due = self._due, {}
        for listener in due:
            self._compile(listener)
        tables = (
            self._names,
            self._local_names,
            self._verdicts,
            self._endpoints,
            self._hairpins,
            *self._sticky.values(),
        )
        making, self._making = self._making, []
        self._rules.apply([*making, *(each for table in tables for each in table.changes())])
        self._forget_clients()
        self._forget_flows()

    # One listener

    def _compile(self, listener: Listener) -> None:
        before = self._used.pop(listener, {})
        after: dict[PoolKey, Counter[int]] = {}
        way = self._ways.get(listener)
        key = front(listener.address, NUMBERS[listener.protocol], listener.port, self._stack)
        local: set[bytes] = set()
        if way is None:
            self._names.want(key, None)
        else:
            general = self._mark(way, NOWHERE, after)
            self._names.want(key, number(general))
            for name, node in self._nodes.items() if _varies(way) else ():
                mark = self._mark(way, Place(name, node.zone), after)
                if mark != general:
                    local.add(number(self._node_numbers[name]) + key)
                    self._local_names.want(number(self._node_numbers[name]) + key, number(mark))
            self._used[listener] = after
        for gone in self._local.pop(listener, set()) - local:
            self._local_names.want(gone, None)
        if local:
            self._local[listener] = local
        self._release(before)
        if listener.protocol is Protocol.UDP:
            self._flows.add(listener)

    def _mark(self, way: Path, place: Place, used: dict[PoolKey, Counter[int]]) -> int:
        """The mark of packets of a client at some place; its pool is made or updated."""
        endpoints = way.route.reach.of(way.door, place)
        if not endpoints:
            return kernelrules.DROPPED
        key = PoolKey(way.route.backend, _kind(way, place, endpoints))
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = Pool(next(self._numbers) % POOLS)
        mark = pool.number | _flags(way.door)
        pool.users[mark] += 1
        used.setdefault(key, Counter())[mark] += 1
        self._fill(pool, endpoints, way.route.affinity_seconds)
        self._verdicts.want(number(mark), self._decision(pool))
        return mark

    def _fill(self, pool: Pool, endpoints: tuple[Address, ...], seconds: int | None) -> None:
        if endpoints != pool.endpoints:
            if pool.seconds is not None:
                gone = {*pool.endpoints} - {*endpoints}
                self._lost.setdefault(pool.number, set()).update(gone)
            for index in range(len(endpoints), len(pool.endpoints)):
                self._endpoints.want(number(pool.number) + number(index), None)
            for index, endpoint in enumerate(endpoints):
                behind = back(*endpoint, self._stack)
                self._endpoints.want(number(pool.number) + number(index), behind)
            for address, _ in endpoints:
                self._host(address, 1)
            for address, _ in pool.endpoints:
                self._host(address, -1)
            pool.endpoints = endpoints
        if seconds != pool.seconds:
            self._stick(pool, False)
            pool.seconds = seconds
            self._stick(pool, True)
        for mark in pool.users:
            self._verdicts.want(number(mark), self._decision(pool))

    def _host(self, address: str, more: int) -> None:
        """Count who has an endpoint at an address: what comes from there may go back there."""
        self._hosts[address] += more
        key = self._stack.packed(address)
        self._hairpins.want(key + key, self._hosts[address] > 0)
        if not self._hosts[address]:
            del self._hosts[address]

    def _stick(self, pool: Pool, sticks: bool) -> None:
        if pool.seconds is None:
            return
        if pool.seconds not in self._sticky:
            self._making += kernelrules.remember(pool.seconds, self._stack)
            self._sticky[pool.seconds] = Members(kernelrules.remembering(pool.seconds))
        self._sticky[pool.seconds].want(number(pool.number), sticks)

    def _decision(self, pool: Pool) -> Go:
        size, sticky = len(pool.endpoints), pool.seconds is not None
        name = kernelrules.chain(size, sticky=sticky)
        if name not in self._chains:
            self._chains.add(name)
            self._making += kernelrules.choose(size, sticky=sticky, stack=self._stack)
        return Go(Verdict.GOTO, name)

    def _release(self, used: Mapping[PoolKey, Counter[int]]) -> None:
        for key, marks in used.items():
            pool = self._pools[key]
            pool.users.subtract(marks)
            for mark in marks:
                if not pool.users[mark]:
                    del pool.users[mark]
                    self._verdicts.want(number(mark), None)
            if not pool.users:
                self._fill(pool, (), None)
                del self._pools[key]

    # What the kernel remembers

    def _forget_clients(self) -> None:
        """Those that were sent to an endpoint that went; the others keep theirs (rule 47)."""
        lost, self._lost = self._lost, {}
        gone = {
            (number(pool), back(*each, self._stack)) for pool, them in lost.items() for each in them
        }
        if not gone:
            return
        members = self._rules.members(kernelrules.CLIENTS)
        theirs = [each.key for each in members if (each.key[:4], each.data) in gone]
        if theirs:
            elements = [nft.Element(key) for key in theirs]
            self._rules.apply([nft.DeleteElements(kernelrules.CLIENTS, elements)])

    def _forget_flows(self) -> None:
        """UDP flows that go where their client wouldn't be sent now (rule 53)."""
        flows, self._flows = self._flows, set()
        if not flows:
            return
        served = {(each.address, each.port): self._served(self._ways.get(each)) for each in flows}
        self._interception.forget(lambda front, back: front in served and back not in served[front])

    def _served(self, way: Path | None) -> set[Address]:
        if way is None:
            return set()
        places = (NOWHERE, *(Place(name, node.zone) for name, node in self._nodes.items()))
        return {each for place in places for each in way.route.reach.of(way.door, place)}


def _varies(way: Path) -> bool:
    """Whether clients of some place may be led to other endpoints than everybody."""
    reach = way.route.reach
    hinted = reach.near_nodes or reach.near_zones
    return way.door.policy is TrafficPolicy.LOCAL or bool(hinted)


def _kind(way: Path, place: Place, endpoints: tuple[Address, ...]) -> str:
    """What tells a pool from others of its port: everybody's, a node's own, those near a node."""
    reach = way.route.reach
    if endpoints == reach.everywhere:
        return ""
    for node in (way.door.place.node, place.node):
        if node and endpoints == reach.by_node.get(node):
            return f"on {node}"
    return f"near {way.door.place.node or place.node}"


def _flags(door: Door) -> int:
    if not door.external:
        return 0
    return MASQUERADE if door.policy is TrafficPolicy.CLUSTER else KEEP

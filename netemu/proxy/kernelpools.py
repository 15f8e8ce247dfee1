"""The pools of endpoints among which the kernel chooses.

Each keeps its number as long as it exists, and clients remembered for it are forgotten only with
the endpoint they were sent to.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Final, NamedTuple

from netemu.model import nft
from netemu.model.nft import Go, Rules, Stack, Verdict
from netemu.model.service import TrafficPolicy
from netemu.proxy import kernelrules
from netemu.proxy.choose import Address
from netemu.proxy.kernelrules import KEEP, MASQUERADE, back, number
from netemu.proxy.members import Members
from netemu.proxy.policy import Door, Place
from netemu.proxy.route import Path
from netemu.proxy.site import Backend

POOLS: Final = 4_000_000
"""Numbers for pools before the first are used again."""


class PoolKey(NamedTuple):
    """Some endpoints of a Service port: all of them, or those for clients of one place."""

    backend: Backend
    kind: str


Used = dict[PoolKey, Counter[int]]
"""Marks by which a listener uses pools, and how often."""


class Pool:
    """Endpoints with a number."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.endpoints: tuple[Address, ...] = ()
        self.seconds: int | None = None
        self.users: Counter[int] = Counter()
        """Marks that listeners use of it."""


class Pools:
    """All that listeners use, and the members of the kernel's maps that are about them."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._verdicts = Members(kernelrules.POOLS)
        self._endpoints = Members(kernelrules.ENDPOINTS)
        self._hairpins = Members(kernelrules.HAIRPINS)
        self._sticky: dict[int, Members] = {}
        self._chains: set[str] = set()
        self._making: list[nft.Command] = []
        """Chains and sets that are needed first."""
        self._pools: dict[PoolKey, Pool] = {}
        self._numbers = count(1)
        self._hosts: Counter[str] = Counter()
        self._lost: dict[int, set[Address]] = {}
        """By pool: endpoints that went."""

    def by_number(self) -> Mapping[int, Backend]:
        """Which Service port each pool is of."""
        return {pool.number: key.backend for key, pool in self._pools.items()}

    def use(self, way: Path, place: Place, used: Used) -> int:
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

    def release(self, used: Used) -> None:
        """What a listener used before; a pool that nobody uses goes."""
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

    def making(self) -> list[nft.Command]:
        """What has to be there before any map's members; taken as done."""
        making, self._making = self._making, []
        return making

    def changes(self) -> Iterator[nft.Command]:
        """What makes the maps what they should be; taken as done."""
        tables = self._verdicts, self._endpoints, self._hairpins, *self._sticky.values()
        for table in tables:
            yield from table.changes()

    def forget_clients(self, rules: Rules) -> None:
        """Those that were sent to an endpoint that went; the others keep theirs (rule 47).
        Raises OSError.
        """
        lost, self._lost = self._lost, {}
        gone = {
            (number(pool), back(*each, self._stack)) for pool, them in lost.items() for each in them
        }
        if not gone:
            return
        members = rules.members(kernelrules.CLIENTS)
        theirs = [each.key for each in members if (each.key[:4], each.data) in gone]
        if theirs:
            elements = [nft.Element(key) for key in theirs]
            rules.apply([nft.DeleteElements(kernelrules.CLIENTS, elements)])

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

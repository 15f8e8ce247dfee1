"""What can happen to an emulated node: it is added, stops, starts, is cut off, is healed.

A stopped node runs nothing and says nothing. One that is cut off goes on with what it has, but
neither hears of the API's changes nor is heard there; what it missed, it learns when it is healed.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

from netemu.model.addressing import Addressing, IpNetwork
from netemu.node.context import Cluster, Node
from netemu.node.machine import Machine
from netemu.node.node_objects import NodeFacts
from netemu.node.pods import Pods
from netemu.node.registration import Registration

MOST_NODES = 200
"""As many as the ranges of addresses have room for (see the setting's check)."""


class NoSuchNode(Exception):
    """There is no node of that name, or it is in no state for what was asked."""


class Power:
    """Acts on the nodes of one agent."""

    def __init__(
        self,
        cluster: Cluster,
        registration: Registration,
        nodes: dict[str, Node],
        pods: Pods,
        make: Callable[[NodeFacts], Node],
        *,
        addressing: Addressing,
        machine: Machine,
    ) -> None:
        self._cluster = cluster
        self._registration = registration
        self._nodes = nodes
        self._pods = pods
        self._make = make
        self._addressing = addressing
        self._machine = machine
        self._turn = asyncio.Lock()
        self._changed: Callable[[], None] = _nothing

    def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed` when a node is about to fall silent, while what runs there still does."""
        self._changed = changed

    @property
    def nodes(self) -> Mapping[str, Node]:
        """All nodes, by name."""
        return self._nodes

    async def add(self) -> str:
        """One node more; its name. It stays for the next start, too. Raises NoSuchNode."""
        async with self._turn:
            number = 1 + max(item.number for item in self._registration.facts)
            if number > MOST_NODES:
                raise NoSuchNode(f"there are {MOST_NODES} nodes, and no more can be had")
            facts = facts_of(number, self._addressing, self._machine, added=True)
            self._nodes[facts.name] = self._make(facts)
            await self._registration.add(facts)
            return facts.name

    async def stop(self, name: str) -> None:
        """End everything on a node at once, as if its power had failed."""
        async with self._turn:
            node = self._node(name)
            node.standing.running = False
            node.standing.reaches.clear()
            self._changed()
            # Where pods share the host's network, it is enough that they end.
            with suppress(OSError):
                await self._block(node)
            await self._pods.stop_node(name)

    async def start(self, name: str) -> None:
        """Bring a stopped node back: its pods' containers start anew."""
        async with self._turn:
            node = self._node(name)
            if node.standing.running:
                return
            node.standing.running = True
            await self._unblock(node)
            await self._registration.back(name)
            await self._pods.start_node(name)

    async def cut(self, name: str) -> None:
        """Take a node off the network; what runs there goes on. Raises NoSuchNode, OSError."""
        async with self._turn:
            node = self._node(name)
            if not node.standing.running:
                raise NoSuchNode(f'node "{name}" is stopped')
            await self._block(node)
            node.standing.reaches.clear()
            self._changed()

    async def heal(self, name: str) -> None:
        """Put a node back on the network; it catches up with what it missed."""
        async with self._turn:
            node = self._node(name)
            if not node.standing.running:
                raise NoSuchNode(f'node "{name}" is stopped; start it')
            await self._unblock(node)
            await self._registration.back(name)
            await self._pods.catch_up(name)

    def _node(self, name: str) -> Node:
        node = self._nodes.get(name)
        if node is None:
            raise NoSuchNode(f'nodes "{name}" not found')
        return node

    async def _block(self, node: Node) -> None:
        for pods, own in self._addresses(node):
            await self._cluster.runtime.cut(pods, own, True)

    async def _unblock(self, node: Node) -> None:
        for pods, own in self._addresses(node):
            await self._cluster.runtime.cut(pods, own, False)
        node.standing.reaches.set()

    def _addresses(self, node: Node) -> list[tuple[IpNetwork, str]]:
        """Of each address family: its pods' and its own."""
        facts = next(f for f in self._registration.facts if f.name == node.name)
        own = [each for each in (facts.address, facts.secondary) if each]
        return list(zip(facts.pod_ranges, own, strict=True))


def _nothing() -> None:
    """Nobody watches."""


def facts_of(
    number: int, addressing: Addressing, machine: Machine, *, added: bool = False
) -> NodeFacts:
    """The facts of the node with that number, from 1."""
    other = addressing.secondary
    return NodeFacts(
        number=number,
        address=addressing.node(number),
        secondary="" if other is None else other.node(number),
        pod_ranges=tuple(each.pod_range(number) for each in addressing.families),
        machine=machine,
        added=added,
    )

"""The kernel mode: the plan compiled to address translation, kept true by difference.

The same ways that lead the relay lead here; what changes is a few members of maps, so the cost of a
change is that of the Service that changed. Connections that exist stay with their endpoint, as the
kernel remembers them; UDP flows whose endpoint went are forgotten, so that their next datagram
finds another.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from netemu.model import nft
from netemu.model.addressing import Addressing, family_of
from netemu.model.nft import Interception
from netemu.model.service import NodePlace, Protocol, TrafficPolicy
from netemu.proxy import kernelrules
from netemu.proxy.choose import Address
from netemu.proxy.gate import OPEN, Gate, gate_of, network_from
from netemu.proxy.kernelpools import Pools, Used
from netemu.proxy.kernelrules import front, number
from netemu.proxy.ledger import Row
from netemu.proxy.members import Members
from netemu.proxy.policy import NOWHERE, Place
from netemu.proxy.protocols import NUMBERS
from netemu.proxy.route import Path
from netemu.proxy.site import LOOPBACK, Backend, Listener, Network

if TYPE_CHECKING:
    from netemu.proxy.kernelview import Stuck


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
        self._pools = Pools(self._stack)
        self._making: list[nft.Command] = []
        """What is to be done before any map changes."""
        self._ways: dict[Listener, Path] = {}
        self._listeners: dict[Backend, set[Listener]] = {}
        self._due: dict[Listener, None] = {}
        self._used: dict[Listener, Used] = {}
        self._local: dict[Listener, set[bytes]] = {}
        self._nodes: Mapping[str, NodePlace] = {}
        self._node_numbers: dict[str, int] = {}
        self._places_matter = False
        """Some Service was led otherwise at some node."""
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

        members = self._rules.members(kernelrules.CLIENTS)
        yield from kernelview.stuck(members, self._pools.by_number(), self._stack)

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
        making, self._making = [*self._pools.making(), *self._making], []
        names = *self._names.changes(), *self._local_names.changes()
        self._rules.apply([*making, *names, *self._pools.changes()])
        self._pools.forget_clients(self._rules)
        self._forget_flows()

    # One listener

    def _compile(self, listener: Listener) -> None:
        before = self._used.pop(listener, {})
        after: Used = {}
        way = self._ways.get(listener)
        key = front(listener.address, NUMBERS[listener.protocol], listener.port, self._stack)
        local: set[bytes] = set()
        if way is None:
            self._names.want(key, None)
        else:
            general = self._pools.use(way, NOWHERE, after)
            self._names.want(key, number(general))
            for name, node in self._nodes.items() if _varies(way) else ():
                mark = self._pools.use(way, Place(name, node.zone), after)
                if mark != general:
                    self._tell_places_apart()
                    local.add(number(self._node_numbers[name]) + key)
                    self._local_names.want(number(self._node_numbers[name]) + key, number(mark))
            self._used[listener] = after
        for gone in self._local.pop(listener, set()) - local:
            self._local_names.want(gone, None)
        if local:
            self._local[listener] = local
        self._pools.release(before)
        if listener.protocol is Protocol.UDP:
            self._flows.add(listener)

    def _tell_places_apart(self) -> None:
        if not self._places_matter:
            self._places_matter = True
            self._making += kernelrules.local(self._stack)

    # What the kernel remembers

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

"""What the kernel is told, with the kernel's rules, in a network of the test's own."""

import random
from collections.abc import Callable
from typing import TypeVar

from netemu.clock import SystemClock
from netemu.fabric.interception import LocalInterception
from netemu.model.service import Protocol, TrafficPolicy
from netemu.proxy import kernelrules
from netemu.proxy.choose import Address
from netemu.proxy.gate import OPEN, Gate, gate_of
from netemu.proxy.kernel import Kernel
from netemu.proxy.policy import NOWHERE, Door, Place, Reach
from netemu.proxy.route import Path, Route
from netemu.proxy.site import Backend, Listener, Network
from tests.proxy.world import NODES, RANGES
from tests.support.forked import in_bare_network, needs_root

WEB = Backend(("default", "web"), "http", Protocol.TCP)
FRONT = Listener(Network.CLUSTER, "10.96.0.5", 80, Protocol.TCP)
NODE_PORT = Listener(Network.CLUSTER, "172.30.0.11", 30080, Protocol.TCP)
A, B, C = ("10.244.0.2", 8080), ("10.244.0.3", 8080), ("10.244.1.2", 8080)
TABLES = (
    kernelrules.NAMES,
    kernelrules.LOCAL_NAMES,
    kernelrules.POOLS,
    kernelrules.ENDPOINTS,
    kernelrules.HAIRPINS,
)

T = TypeVar("T")


class Told:
    """A kernel with the tables as they are in the kernel."""

    def __init__(self) -> None:
        self._interception = LocalInterception()
        self.kernel = Kernel(self._interception, RANGES)
        self.kernel.know(NODES)
        self.route = Route(WEB, SystemClock(), random.Random(1))

    def sizes(self) -> tuple[int, ...]:
        """How much is in each table."""
        self.kernel.sync()
        return tuple(len(self._interception.rules.members(table)) for table in TABLES)

    def lead(
        self, *endpoints: Address, seconds: int | None = None, reach: Reach | None = None
    ) -> None:
        self.route.update(reach or Reach(endpoints), seconds)
        self.kernel.review(WEB)

    def want(self, listener: Listener, door: Door | None = None) -> None:
        self.kernel.want(listener, Path(self.route, door or Door(), lambda *_: NOWHERE))


def told(body: Callable[[Told], T]) -> T:
    return in_bare_network(lambda: body(Told()))


@needs_root
def test_a_listener_takes_a_name_and_shares_its_pool() -> None:
    def body(world: Told) -> list[tuple[int, ...]]:
        world.lead(A, B, C)
        found = [world.sizes()]
        world.want(FRONT)
        found.append(world.sizes())
        world.want(NODE_PORT, Door(external=True, place=Place("node-1")))
        found.append(world.sizes())
        return found

    # The pool of packets to be dropped is always there; node ports have a mark of their own.
    assert told(body) == [(0, 0, 1, 0, 0), (1, 0, 2, 3, 3), (2, 0, 3, 3, 3)]


@needs_root
def test_when_all_is_over_nothing_is_left() -> None:
    def body(world: Told) -> tuple[int, ...]:
        local = Reach((A, C), by_node={"node-1": (A,), "node-2": (C,)})
        world.lead(reach=local, seconds=10)
        world.want(FRONT, Door(TrafficPolicy.LOCAL))
        world.want(NODE_PORT, Door(TrafficPolicy.LOCAL, external=True, place=Place("node-1")))
        assert world.sizes()[1] > 0
        world.lead(A, B)
        world.sizes()
        world.kernel.want(FRONT, None)
        world.kernel.want(NODE_PORT, None)
        return world.sizes()

    assert told(body) == (0, 0, 1, 0, 0)


@needs_root
def test_each_client_is_led_by_its_place() -> None:
    def body(world: Told) -> tuple[int, ...]:
        world.lead(reach=Reach((A, C), by_node={"node-1": (A,)}))
        world.want(FRONT, Door(TrafficPolicy.LOCAL))
        return world.sizes()

    # Everybody's two, node-1's one, and none for node-2, whose packets are dropped.
    assert told(body) == (1, 2, 3, 3, 2)


def test_it_takes_what_the_rules_can_say() -> None:
    class Unasked(Kernel):
        def __init__(self) -> None:
            self._nodes = NODES

    kernel, route = Unasked(), Route(WEB, SystemClock(), random.Random(1))
    route.update(Reach((A,), by_node={"node-1": (A,)}), None)
    plain = Path(route, Door(), lambda *_: NOWHERE)
    local = Path(route, Door(TrafficPolicy.LOCAL), lambda *_: NOWHERE)
    assert kernel.takes(FRONT, plain, OPEN)
    assert kernel.takes(FRONT, local, gate_of(local.door, route.reach, NODES.values()))
    assert not kernel.takes(FRONT, plain, Gate(otherwise=False))
    assert not kernel.takes(FRONT._replace(network=Network.HOST), plain, OPEN)
    assert not kernel.takes(FRONT._replace(address="127.0.0.1"), plain, OPEN)

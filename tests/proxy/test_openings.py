"""What is opened how, with the kernel's rules, in a network of the test's own."""

import asyncio

from netemu.clock import SystemClock
from netemu.fabric.interception import LocalInterception
from netemu.model.nft import DeleteTable
from netemu.model.service import Protocol
from netemu.proxy.catchall import CatchAll
from netemu.proxy.datagrams import Datagrams
from netemu.proxy.gate import Gate
from netemu.proxy.listeners import Listeners
from netemu.proxy.openings import Openings
from netemu.proxy.relay import Relay
from netemu.proxy.site import Listener, Network
from tests.proxy.harness import SOCKETS, connector, saying, to
from tests.proxy.test_catchall import ONE, OTHER, outcome
from tests.support.forked import in_bare_network, needs_root

pytestmark = needs_root

FRONT = Listener(Network.CLUSTER, *ONE, Protocol.TCP)
SHUT = Gate(otherwise=False)


async def follow(*steps: tuple[str, Gate | None]) -> list[tuple[str, int, str]]:
    """Want the front with each gate in turn (None: not at all), after a step on the rules.

    After each: what a client gets, how many sockets listen, and the problem told.
    """
    from tests.proxy.harness import connector as dial

    loop, clock = asyncio.get_running_loop(), SystemClock()
    interception, relay = LocalInterception(), Relay(loop, connector)
    datagrams = Datagrams(loop, dial, clock)
    listeners = Listeners(relay, datagrams, {Network.CLUSTER: SOCKETS}, clock, loop.call_soon)
    openings = Openings(listeners, CatchAll(relay, interception))
    found = []
    async with saying(b"one") as one:
        for step, gate in steps:
            if step == "lose the rules":
                interception.rules.apply([DeleteTable()])
            openings.want(FRONT, None if gate is None else to(one), gate or Gate())
            openings.want(FRONT._replace(address=OTHER[0]), to(one))
            openings.sync()
            found.append((await answered(), len(openings), openings.problem))
    openings.close()
    relay.close()
    datagrams.close()
    return found


async def answered() -> str:
    try:
        async with asyncio.timeout(0.3):
            return await outcome(ONE)
    except TimeoutError:
        return "silence"


def run(*steps: tuple[str, Gate | None]) -> list[tuple[str, int, str]]:
    def inside() -> list[tuple[str, int, str]]:
        from netemu.config.settings import NetMode, NetworkSettings
        from netemu.fabric import cluster
        from netemu.fabric.ranges import addressing
        from netemu.fabric.rtnetlink import Netlink

        links = Netlink()
        cluster.set_up(links, addressing(NetMode.ROOT, NetworkSettings(), 2, 77))
        links.close()
        return asyncio.run(follow(*steps))

    return in_bare_network(inside)


def test_a_listener_whose_clients_are_looked_at_gets_a_socket_and_gives_it_back() -> None:
    found = run(("", Gate()), ("", SHUT), ("", Gate()), ("", None))
    assert [each[:2] for each in found] == [
        ("one", 1),
        ("silence", 2),
        ("one", 1),
        ("ECONNREFUSED", 1),
    ]


def test_without_rules_everything_gets_a_socket() -> None:
    [before, after] = run(("", Gate()), ("lose the rules", None))
    assert before == ("one", 1, "")
    assert after[:2] == ("ECONNREFUSED", 1)
    assert "No such file" in after[2]

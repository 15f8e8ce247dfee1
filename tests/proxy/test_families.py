"""Two families as one; that traffic of both is served is seen by the table in test_modes."""

import asyncio

import pytest

from netemu.clock import SystemClock
from netemu.config.settings import ProxyMode
from netemu.model.service import Protocol
from netemu.proxy.datagrams import Datagrams
from netemu.proxy.families import Families
from netemu.proxy.listeners import Listeners
from netemu.proxy.openings import ModeRefused, Openings
from netemu.proxy.relay import Relay
from netemu.proxy.site import Backend, Listener, Network
from tests.proxy.harness import connector, to
from tests.support.clock import FakeClock

NOWHERE = Listener(Network.CLUSTER, "203.0.113.1", 80, Protocol.TCP)
NOWHERE6 = NOWHERE._replace(address="2001:db8::1")
BACKEND = Backend(("default", "web"), "http", Protocol.TCP, "IPv6")


class NoAddresses:
    """A network in which nothing can be opened."""

    def listen(self, address: str, port: int) -> object:
        raise OSError(99, f"no {address}")

    bind_udp = listen


def openings(loop: asyncio.AbstractEventLoop, problem: str = "") -> tuple[Openings, list[object]]:
    relay = Relay(loop, connector)
    datagrams = Datagrams(loop, connector, SystemClock())
    networks = {Network.CLUSTER: NoAddresses()}
    listeners = Listeners(relay, datagrams, networks, FakeClock(), loop.call_soon)  # type: ignore[arg-type]  # less than all of it
    return Openings(listeners, problem=problem), [relay, datagrams]


async def test_a_listener_is_of_the_family_of_its_address() -> None:
    loop = asyncio.get_running_loop()
    (one, parts), (other, more) = openings(loop), openings(loop)
    both = Families({"IPv4": one, "IPv6": other})
    for listener in (NOWHERE, NOWHERE6):
        both.want(listener, to(("192.0.2.1", 1)))
    both.sync()
    assert (one.failures, other.failures) == (
        {NOWHERE: "no 203.0.113.1"},
        {NOWHERE6: "no 2001:db8::1"},
    )
    assert both.failures == {**one.failures, **other.failures}
    both.want(NOWHERE6, None)
    both.refuse(NOWHERE6, wanted=True)
    both.review(BACKEND)
    both.sync()
    assert both.failures == {NOWHERE: "no 203.0.113.1"}
    assert both.settled
    assert (len(both), both.translated) == (0, 0)
    both.close()
    for part in (*parts, *more):
        part.close()  # type: ignore[attr-defined]  # a relay


async def test_what_one_family_lacks_is_told_and_refused_for_both() -> None:
    loop = asyncio.get_running_loop()
    (one, parts), (other, more) = openings(loop), openings(loop, "no nftables")
    both = Families({"IPv4": one, "IPv6": other})
    assert both.problem == "no nftables"
    with pytest.raises(ModeRefused):
        both.set_mode(ProxyMode.NFTABLES)
    assert both.mode is ProxyMode.USERSPACE
    both.close()
    for part in (*parts, *more):
        part.close()  # type: ignore[attr-defined]  # a relay

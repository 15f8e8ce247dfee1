"""One socket for every address, with the kernel's rules, in a network of the test's own."""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from ipaddress import IPv4Network
from pathlib import Path
from typing import TypeVar

import pytest

from netemu.config.settings import NetMode, NetworkSettings
from netemu.fabric import cluster
from netemu.fabric.interception import LocalInterception
from netemu.fabric.ranges import addressing
from netemu.fabric.rtnetlink import Netlink
from netemu.model.service import Protocol
from netemu.proxy.catchall import CatchAll
from netemu.proxy.choose import Address
from netemu.proxy.gate import OPEN, Gate
from netemu.proxy.relay import Relay
from netemu.proxy.site import Listener, Network
from tests.proxy.harness import ask, connector, saying, to
from tests.support.forked import in_bare_network, needs_root

ONE, OTHER = ("10.96.0.5", 80), ("10.96.0.6", 80)
NEAR = "127.0.0.1", 30080
"""As node ports have it on the node itself."""
FAR = "203.0.113.7", 80
"""Not an address of the cluster's network."""

T = TypeVar("T")
Body = Callable[[CatchAll], Awaitable[T]]


def caught(body: Body[T]) -> T:
    """What the body gives, run where a catch-all listens."""

    async def run() -> T:
        interception = LocalInterception()
        relay = Relay(asyncio.get_running_loop(), connector)
        catch_all = CatchAll(relay, interception)
        try:
            async with asyncio.timeout(10):
                return await body(catch_all)
        finally:
            catch_all.close()
            relay.close()
            interception.close()

    def inside() -> T:
        links = Netlink()
        cluster.set_up(links, addressing(NetMode.ROOT, NetworkSettings(), 2, 77))
        links.close()
        return asyncio.run(run())

    return in_bare_network(inside)


async def outcome(address: Address) -> str:
    try:
        return (await ask(address)).decode() or "ended"
    except OSError as error:
        return errno.errorcode[error.errno or 0]


@needs_root
def test_each_address_leads_its_own_way_through_one_socket() -> None:
    async def body(catch_all: CatchAll) -> tuple[str, ...]:
        async with saying(b"one") as one, saying(b"other") as other, saying(b"near") as near:
            catch_all.want(ONE, to(one))
            catch_all.want(OTHER, to(other))
            catch_all.want(NEAR, to(near))
            catch_all.sync()
            found = await outcome(ONE), await outcome(OTHER), await outcome(NEAR)
            return *found, str(len(catch_all))

    assert caught(body) == ("one", "other", "near", "3")


@needs_root
def test_what_is_not_open_is_refused_and_may_open_and_close_again() -> None:
    async def body(catch_all: CatchAll) -> list[str]:
        async with saying(b"one") as one:
            found = [await outcome(ONE)]
            for way in (to(one), None, to(one)):
                catch_all.want(ONE, way)
                catch_all.sync()
                found.append(await outcome(ONE))
        return found

    assert caught(body) == ["ECONNREFUSED", "one", "ECONNREFUSED", "one"]


@needs_root
def test_a_connection_outlives_the_closing_of_its_address() -> None:
    async def body(catch_all: CatchAll) -> bytes:
        async with saying(b"one") as one:
            catch_all.want(ONE, to(one))
            catch_all.sync()
            reader, writer = await asyncio.open_connection(*ONE)
            writer.write(b"?")
            await reader.read(10)
            catch_all.want(ONE, None)
            catch_all.sync()
            writer.write(b"?")
            answer = await reader.read(10)
            writer.close()
            return answer

    assert caught(body) == b"one"


@needs_root
def test_a_client_may_take_a_port_again_at_once() -> None:
    def connect(port: int) -> int:
        """From that port, which it returns."""
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            client.bind(("", port))
            client.connect(ONE)
            while client.recv(100):  # so that the relay ends first, and keeps the TIME_WAIT
                pass
            return int(client.getsockname()[1])

    def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def body(catch_all: CatchAll) -> int:
        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
            catch_all.want(ONE, to(server.sockets[0].getsockname()))
            catch_all.sync()
            port = await asyncio.to_thread(connect, 0)
            await asyncio.to_thread(connect, port)
            return counted("TcpExt", "TCPSynRetrans")

    assert caught(body) == 0


def counted(family: str, name: str) -> int:
    """A counter of this network's (netstat(8))."""
    lines = Path("/proc/thread-self/net/netstat").read_text().splitlines()
    names, values = (line.split() for line in lines if line.startswith(f"{family}:"))
    return int(values[names.index(name)])


@needs_root
def test_an_address_nobody_serves_is_refused_wherever_it_is() -> None:
    async def body(catch_all: CatchAll) -> list[str]:
        links = Netlink()
        links.add_local_route(IPv4Network("203.0.113.0/24"), cluster.LOOPBACK)
        links.close()
        listener = Listener(Network.CLUSTER, *FAR, Protocol.UDP)
        catch_all.refuse(listener, True)
        catch_all.refuse(listener._replace(protocol=Protocol.TCP), True)
        catch_all.sync()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(FAR)
            sock.settimeout(2)
            with suppress(PermissionError):  # its own sender is told twice: now and by ICMP
                sock.send(b"?")
            refusal = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return [await outcome(FAR), errno.errorcode[refusal]]

    assert caught(body) == ["ECONNREFUSED", "ECONNREFUSED"]


CASES = [
    ("a virtual address", Listener(Network.CLUSTER, *ONE, Protocol.TCP), OPEN, True),
    ("one on the host", Listener(Network.HOST, *ONE, Protocol.TCP), OPEN, False),
    ("UDP", Listener(Network.CLUSTER, *ONE, Protocol.UDP), OPEN, False),
    ("loopback", Listener(Network.CLUSTER, *NEAR, Protocol.TCP), OPEN, True),
    (
        "one whose clients are looked at",
        Listener(Network.CLUSTER, *ONE, Protocol.TCP),
        Gate(otherwise=False),
        False,
    ),
]


@pytest.mark.parametrize(
    ("listener", "gate", "takes"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_it_takes_what_needs_no_socket_of_its_own(
    listener: Listener, gate: Gate, takes: bool
) -> None:
    assert CatchAll.takes(listener, gate) is takes

"""As many connections at a time as the proxy allows, or as the machine does."""

import asyncio
import os
import resource
import select
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from netemu.clock import SystemClock
from netemu.fabric.cluster import LOOPBACK
from netemu.fabric.rtnetlink import Netlink
from netemu.proxy.ledger import Ledger
from netemu.proxy.limits import CONNECTIONS
from netemu.proxy.relay import Relay
from tests.proxy.harness import SOCKETS, connector
from tests.proxy.test_ledger import path, route_to
from tests.support.clock import FakeClock
from tests.support.forked import in_bare_network, needs_root

PER_ADDRESS = 20_000
"""Connections between two addresses: fewer than there are ports."""
SPARE = 1_000
"""Descriptors for all else."""
PORT = 7000
SECONDS = 280.0


def allowed() -> int:
    """Connections of two descriptors in one process, once it has asked for enough of them."""
    most = 2 * CONNECTIONS + SPARE
    for wanted in (most, resource.getrlimit(resource.RLIMIT_NOFILE)[1]):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
        except (OSError, ValueError):
            continue
        return min(CONNECTIONS, (wanted - SPARE) // 2)
    raise AssertionError("no limit of descriptors can be read")


def addresses(network: int, connections: int) -> list[str]:
    """Loopback addresses, enough for that many connections."""
    return [f"127.0.{network}.{n + 1}" for n in range(-(-connections // PER_ADDRESS))]


@contextmanager
def child(body: Callable[[socket.socket], None]) -> Iterator[socket.socket]:
    """A process beside this one, and a socket to talk with it."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            body(theirs)
        finally:
            os._exit(0)
    theirs.close()
    try:
        with ours:
            yield ours
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def echo(connections: int, parent: socket.socket) -> None:
    """Answer every byte, at each address of the backends."""
    poller = select.epoll()
    doors = {}
    for address in addresses(2, connections):
        door = socket.create_server((address, PORT), backlog=4096)
        door.setblocking(False)
        doors[door.fileno()] = door
        poller.register(door.fileno(), select.EPOLLIN)
    parent.send(b"!")
    while True:
        for fd, _ in poller.poll():
            if fd in doors:
                client = doors[fd].accept()[0].detach()
                poller.register(client, select.EPOLLIN)
            elif data := os.read(fd, 100):
                os.write(fd, data)
            else:
                os.close(fd)


def ask(front: tuple[str, int], connections: int, parent: socket.socket) -> None:
    """Open them all, ask once by each while all are open, and tell how many were answered; when
    told to, close them.
    """
    clients = []
    for number in range(connections):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        sock.bind((addresses(1, connections)[number // PER_ADDRESS], 0))
        sock.settimeout(SECONDS)
        sock.connect(front)
        sock.send(b"a")
        assert sock.recv(1) == b"a"
        clients.append(sock)
    answered = 0
    for sock in clients:
        sock.send(b"b")
    for sock in clients:
        answered += sock.recv(1) == b"b"
    parent.send(answered.to_bytes(4, "big"))
    parent.recv(1)
    for sock in clients:
        sock.close()
    parent.recv(1)


async def relayed(connections: int) -> tuple[int, int, int, int]:
    """Answers; connections open at that time and after; descriptors more than before."""
    loop = asyncio.get_running_loop()
    with child(partial(echo, connections)) as backends:
        await loop.run_in_executor(None, backends.recv, 1)
        relay = Relay(loop, connector, limit=connections, ledger=Ledger(SystemClock()))
        door = SOCKETS.listen("127.0.0.1", 0)
        endpoints = ((each, PORT) for each in addresses(2, connections))
        relay.listen(door, path(route_to(FakeClock(), *endpoints)))
        before = len(os.listdir("/proc/self/fd"))
        with child(partial(ask, door.getsockname(), connections)) as clients:
            answered = int.from_bytes(await loop.run_in_executor(None, clients.recv, 4), "big")
            at_once = relay.connections
            clients.send(b"!")
            async with asyncio.timeout(SECONDS):
                while relay.connections:
                    await asyncio.sleep(0.01)
            more = len(os.listdir("/proc/self/fd")) - before
        after = relay.connections
        relay.close()
    return answered, at_once, after, more - 1  # the socket to the clients


def in_a_network(connections: int | None) -> tuple[int, tuple[int, int, int, int]]:
    def inside() -> tuple[int, tuple[int, int, int, int]]:
        Netlink().up(LOOPBACK)
        number = connections or allowed()
        return number, asyncio.run(relayed(number))

    return in_bare_network(inside)


@needs_root
def test_every_connection_is_served_while_all_are_open_and_leaves_nothing() -> None:
    assert in_a_network(500) == (500, (500, 500, 0, 0))


@needs_root
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_so_is_each_of_a_hundred_thousand() -> None:
    number, found = in_a_network(None)
    assert found == (number, number, 0, 0)

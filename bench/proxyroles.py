"""What stands between or behind in `bench.proxy`: each role runs in a process of its own.

``python proxyroles.py NAME HOST PORT``, the latter two being its backend (for the backend itself,
where it listens); the process prints its own address and port once it serves.
"""

import asyncio
import os
import random
import select
import socket
import sys
import time
from collections.abc import Callable
from typing import Final

from netemu.clock import SystemClock
from netemu.config.settings import NetMode, NetworkSettings
from netemu.fabric.interception import LocalInterception
from netemu.fabric.ranges import addressing
from netemu.model.service import NodePlace, Protocol
from netemu.proxy.catchall import CatchAll
from netemu.proxy.kernel import Kernel
from netemu.proxy.ledger import Ledger
from netemu.proxy.policy import NOWHERE, Door, Reach
from netemu.proxy.relay import Relay
from netemu.proxy.route import Path as Way
from netemu.proxy.route import Route
from netemu.proxy.site import Backend, Listener, Network

MESSAGE: Final = 128
"""Bytes of a request; the first says what is wanted."""
ANSWER: Final = b"y" * 256
BULK: Final = b"z" * 131_072
KEEP, CLOSE, STREAM = b"K", b"C", b"B"
WEB: Final = b"G"
"""As HTTP requests begin."""
PAGE: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 256\r\n\r\n" + ANSWER
RANGES: Final = addressing(NetMode.ROOT, NetworkSettings(), 2, 77)
VIRTUAL: Final = Listener(Network.CLUSTER, "10.96.0.5", 80, Protocol.TCP)
NODES: Final = {
    f"node-{number}": NodePlace(
        name=f"node-{number}",
        address=f"172.30.0.1{number}",
        pod_ranges=(f"10.244.{number - 1}.0/24",),
    )
    for number in (1, 2)
}

Address = tuple[str, int]


def listening(host: str = "127.0.0.1") -> socket.socket:
    sock = socket.create_server((host, 0), backlog=1024)
    sock.setblocking(False)
    return sock


def pin(core: int) -> None:
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core})


def serve_backend(at: Address) -> None:
    """Answer each message as its first byte asks."""
    pin(1)
    door = listening(at[0])
    print(at[0], door.getsockname()[1], flush=True)
    poller = select.epoll()
    poller.register(door.fileno(), select.EPOLLIN)
    clients: dict[int, socket.socket] = {}
    streams: set[int] = set()
    while True:
        for fd, _ in poller.poll():
            if fd == door.fileno():
                client, _ = door.accept()
                client.setblocking(False)
                clients[client.fileno()] = client
                poller.register(client.fileno(), select.EPOLLIN)
                continue
            try:
                ended = answer(clients[fd], streams, poller)
            except BlockingIOError:
                continue
            except OSError:
                ended = True
            if ended:
                streams.discard(fd)
                clients.pop(fd).close()


def answer(client: socket.socket, streams: set[int], poller: select.epoll) -> bool:
    """Answer one client; True when it is done with."""
    if client.fileno() in streams:
        client.send(BULK)
        return False
    asked = client.recv(4 * MESSAGE)
    if asked[:1] == WEB:
        client.send(PAGE)
        return b"close" in asked
    if asked[:1] == STREAM:
        streams.add(client.fileno())
        poller.modify(client.fileno(), select.EPOLLOUT)
    elif asked:
        client.send(ANSWER)
    return asked[:1] in (CLOSE, b"")


def way_to(target: Address) -> Way:
    backend = Backend(("default", "web"), "http", Protocol.TCP)
    route = Route(backend, SystemClock(), random.Random(1))
    route.update(Reach((target,)), None)
    return Way(route, Door(), lambda *_: NOWHERE)


def connector() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)


async def serve_netemu(target: Address) -> None:
    door = listening()
    relay = Relay(asyncio.get_running_loop(), connector, ledger=Ledger(SystemClock()))
    relay.listen(door, way_to(target))
    print("127.0.0.1", door.getsockname()[1], flush=True)
    await asyncio.Event().wait()


async def serve_transparent(target: Address) -> None:
    relay = Relay(asyncio.get_running_loop(), connector, ledger=Ledger(SystemClock()))
    catch_all = CatchAll(relay, LocalInterception())
    catch_all.want((VIRTUAL.address, VIRTUAL.port), way_to(target))
    catch_all.sync()
    print(VIRTUAL.address, VIRTUAL.port, flush=True)
    await asyncio.Event().wait()


def serve_kernel(target: Address) -> None:
    """Only makes the rules, those of userspace included, as in a cluster; the kernel does the
    rest.
    """
    interception = LocalInterception()
    relay = Relay(asyncio.new_event_loop(), connector)
    CatchAll(relay, interception).sync()
    kernel = Kernel(interception, RANGES)
    kernel.know(NODES)
    kernel.want(VIRTUAL, way_to(target))
    kernel.sync()
    print(VIRTUAL.address, VIRTUAL.port, flush=True)
    time.sleep(3600)


async def serve_streams(target: Address) -> None:
    """A relay as asyncio's documentation leads one to write it."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*target)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(copy(reader, far_writer))
                group.create_task(copy(far_reader, writer))
        except* OSError:
            pass
        finally:
            writer.close()
            far_writer.close()

    server = await asyncio.start_server(relay, "127.0.0.1", 0, backlog=1024)
    print("127.0.0.1", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


ROLES: dict[str, Callable[[Address], object]] = {
    "backend": serve_backend,
    "netemu": lambda target: asyncio.run(serve_netemu(target)),
    "transparent": lambda target: asyncio.run(serve_transparent(target)),
    "kernel": serve_kernel,
    "streams": lambda target: asyncio.run(serve_streams(target)),
}


if __name__ == "__main__":
    if sys.argv[1] != "backend":
        pin(0)
    ROLES[sys.argv[1]]((sys.argv[2], int(sys.argv[3])))

"""The TCP relay beside a direct connection, a relay of asyncio streams, and HAProxy if found.

Each relay runs in its own process on one core; client and backend share the other. All are measured
in turn in each round, so only figures of one run may be compared: the table gives medians, the
ratio to the direct connection, and the relay's CPU time per operation, which stays true where the
client (in Python, as everything here) is the limit. Run: ``python bench/proxy.py``.
"""

import asyncio
import os
import random
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from netemu.clock import SystemClock
from netemu.model.service import Protocol
from netemu.proxy.ports import Backend
from netemu.proxy.relay import Relay
from netemu.proxy.route import Route

ROUNDS = 5
SECONDS = 0.3
"""Of one measurement."""
CLIENTS = 32
MESSAGE = 128
"""Bytes of a request; the first says what is wanted."""
ANSWER = b"y" * 256
BULK = b"z" * 131_072
KEEP, CLOSE, STREAM = b"K", b"C", b"B"

Address = tuple[str, int]


def listening() -> socket.socket:
    sock = socket.create_server(("127.0.0.1", 0), backlog=1024)
    sock.setblocking(False)
    return sock


def pin(core: int) -> None:
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core})


# What stands between or behind: each runs in a process of its own and prints its port


def serve_backend() -> None:
    """Answer each message as its first byte asks."""
    pin(1)
    door = listening()
    print(door.getsockname()[1], flush=True)
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
    asked = client.recv(MESSAGE)
    if asked[:1] == STREAM:
        streams.add(client.fileno())
        poller.modify(client.fileno(), select.EPOLLOUT)
    elif asked:
        client.send(ANSWER)
    return asked[:1] in (CLOSE, b"")


async def serve_netemu(target: Address) -> None:
    def connector() -> socket.socket:
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)

    backend = Backend(("default", "web"), "http", Protocol.TCP)
    route = Route(backend, SystemClock(), random.Random(1))
    route.update((target,), None)
    door = listening()
    Relay(asyncio.get_running_loop(), connector).listen(door, route.candidates)
    print(door.getsockname()[1], flush=True)
    await asyncio.Event().wait()


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
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


ROLES: dict[str, Callable[[Address], object]] = {
    "backend": lambda _: serve_backend(),
    "netemu": lambda target: asyncio.run(serve_netemu(target)),
    "streams": lambda target: asyncio.run(serve_streams(target)),
}

HAPROXY = """
global
  nbthread 1
  maxconn 4000
defaults
  mode tcp
  option splice-auto
  timeout connect 1s
  timeout client 60s
  timeout server 60s
listen relay
  bind 127.0.0.1:{port}
  server backend {host}:{backend}
"""


@dataclass
class Peer:
    """What a client connects to."""

    name: str
    address: Address
    pid: int | None = None
    figures: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """By measurement: operations per second and CPU microseconds of an operation."""


@contextmanager
def role(name: str, target: Address = ("", 0)) -> Iterator[Peer]:
    command = [sys.executable, __file__, name, target[0], str(target[1])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Peer(name, ("127.0.0.1", int(process.stdout.readline())), process.pid)
        finally:
            process.kill()


@contextmanager
def haproxy(program: str, target: Address) -> Iterator[Peer]:
    with listening() as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "haproxy.cfg")
        file.write_text(HAPROXY.format(port=port, host=target[0], backend=target[1]))
        with subprocess.Popen([program, "-q", "-db", "-f", file]) as process:
            os.sched_setaffinity(process.pid, {0})
            time.sleep(0.5)
            try:
                yield Peer("haproxy", ("127.0.0.1", port), process.pid)
            finally:
                process.kill()


# The client


class Client:
    """Keeps a number of connections busy for a while and counts what they did."""

    def __init__(self, address: Address, wish: bytes) -> None:
        self.done = 0
        self._address = address
        self._request = wish * MESSAGE
        self._closes = wish == CLOSE
        self._streams = wish == STREAM
        self._poller = select.epoll()
        self._socks: dict[int, socket.socket] = {}

    def _connect(self) -> None:
        sock = socket.create_connection(self._address)
        sock.setblocking(False)
        self._socks[sock.fileno()] = sock
        self._poller.register(sock.fileno(), select.EPOLLIN)
        sock.send(self._request)

    def run(self, connections: int, seconds: float) -> float:
        """Operations (answers, connections or bytes) per second."""
        for _ in range(connections):
            self._connect()
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            for fd, _ in self._poller.poll(0.1):
                self._read(self._socks[fd])
        elapsed = time.perf_counter() - start
        for sock in self._socks.values():
            sock.close()
        self._poller.close()
        return self.done / elapsed

    def _read(self, sock: socket.socket) -> None:
        data = sock.recv(1 << 20)
        if not data:  # only after the answer to a request that asked for it
            del self._socks[sock.fileno()]
            sock.close()
            self.done += 1
            self._connect()
        elif self._streams:
            self.done += len(data)
        elif not self._closes:
            self.done += 1
            sock.send(self._request)


@dataclass(frozen=True)
class Measurement:
    name: str
    wish: bytes
    connections: int
    unit: float = 1
    """What the client counts in one of those printed."""
    each: tuple[float, str] = (1, "")
    """What the client counts in one whose CPU time is printed, and its name."""


MEASUREMENTS = (
    Measurement("keep-alive requests/s", KEEP, CLIENTS),
    Measurement("connections/s", CLOSE, CLIENTS),
    Measurement("Gbit/s, one stream", STREAM, 1, 125_000_000, (1_000_000, " MB")),
    Measurement("requests/s, one client", KEEP, 1),
)


def cpu_seconds(pid: int | None) -> float:
    """Time a process ran (proc(5): schedstat counts it in nanoseconds)."""
    if pid is None:
        return 0.0
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def measure(peer: Peer, what: Measurement, seconds: float) -> None:
    before = cpu_seconds(peer.pid)
    client = Client(peer.address, what.wish)
    rate = client.run(what.connections, seconds) / what.unit
    used = cpu_seconds(peer.pid) - before
    cost = used / (client.done / what.each[0]) * 1e6 if client.done else 0.0
    peer.figures.setdefault(what.name, []).append((rate, cost))


def show(peers: list[Peer]) -> None:
    for what in MEASUREMENTS:
        print(f"\n{what.name}")
        direct = [rate for rate, _ in peers[0].figures[what.name]]
        for peer in peers:
            figures = peer.figures[what.name]
            rate = statistics.median(rate for rate, _ in figures)
            ratio = statistics.median(
                rate / base for (rate, _), base in zip(figures, direct, strict=True)
            )
            cost = statistics.median(cost for _, cost in figures)
            cpu = f"{cost:10.1f} us CPU each{what.each[1]}" if peer.pid else ""
            print(f"  {peer.name:8} {rate:12,.1f}  {ratio:5.2f} of direct{cpu}")


def main() -> None:
    with ExitStack() as stack:
        backend = stack.enter_context(role("backend"))
        peers = [Peer("direct", backend.address)]
        peers += [
            stack.enter_context(role(name, backend.address)) for name in ("netemu", "streams")
        ]
        program = shutil.which("haproxy")
        if program:
            peers.append(stack.enter_context(haproxy(program, backend.address)))
        pin(1)
        for peer in peers:
            for what in MEASUREMENTS:
                measure(peer, what, SECONDS / 3)
            peer.figures.clear()  # that was to warm up
        for _ in range(ROUNDS):
            for what in MEASUREMENTS:
                for peer in peers:
                    measure(peer, what, SECONDS)
        show(peers)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        if sys.argv[1] != "backend":
            pin(0)
        ROLES[sys.argv[1]]((sys.argv[2], int(sys.argv[3])))
    else:
        main()

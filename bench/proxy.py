"""The proxy's modes beside a direct connection, a relay of asyncio streams, HAProxy and nginx.

As root everything happens in network namespaces of its own, with the rules of both modes: relayed
by way of a socket of its own, by way of the transparent catch-all, and translated by the kernel
(in a namespace of that peer's own, so that the others go without connection tracking; the backend
next to it is asked directly as well, for comparison). HAProxy and nginx take part if they are
installed. Each relay runs in its own process on one core; client and backend share the other. All
are measured in turn in each round, so only figures of one run may be compared: the table gives
medians, their ratio to the first of the list and to HAProxy, and the relay's CPU time per operation
with the ratio by that, which stays true where the client is the limit and the machine is busy. With
wrk installed requests and connections are its, else a client in Python's. Run:
``python bench/proxy.py``.
"""

import asyncio
import math
import os
import random
import re
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from netemu.clock import SystemClock
from netemu.config.settings import NetMode, NetworkSettings
from netemu.fabric import cluster
from netemu.fabric.interception import LocalInterception
from netemu.fabric.namespaces import Namespace, handle, setns, unshare
from netemu.fabric.ranges import addressing
from netemu.fabric.rtnetlink import Netlink
from netemu.model.service import Protocol
from netemu.proxy.catchall import CatchAll
from netemu.proxy.kernel import Kernel
from netemu.proxy.ledger import Ledger
from netemu.proxy.policy import NOWHERE, Door, Reach
from netemu.proxy.relay import Relay
from netemu.proxy.route import Path as Way
from netemu.proxy.route import Route
from netemu.proxy.site import Backend, Listener, Network

ROUNDS = 3
SECONDS = 0.3
"""Of one measurement."""
CLIENTS = 32
MESSAGE = 128
"""Bytes of a request; the first says what is wanted."""
ANSWER = b"y" * 256
BULK = b"z" * 131_072
KEEP, CLOSE, STREAM = b"K", b"C", b"B"
WEB = b"G"
"""As HTTP requests begin."""
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 256\r\n\r\n" + ANSWER

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
    print("127.0.0.1", door.getsockname()[1], flush=True)
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


RANGES = addressing(NetMode.ROOT, NetworkSettings(), 2, 77)
VIRTUAL = Listener(Network.CLUSTER, "10.96.0.5", 80, Protocol.TCP)


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
    """Only makes the rules: the kernel does the rest."""
    kernel = Kernel(LocalInterception(), RANGES)
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
    "backend": lambda _: serve_backend(),
    "netemu": lambda target: asyncio.run(serve_netemu(target)),
    "transparent": lambda target: asyncio.run(serve_transparent(target)),
    "kernel": serve_kernel,
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


NGINX = """
daemon off;
worker_processes 1;
worker_cpu_affinity 1;
pid {folder}/pid;
error_log /dev/null;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
events {{ worker_connections 4000; }}
stream {{
  server {{ listen 127.0.0.1:{port} backlog=1024; proxy_pass {host}:{backend}; tcp_nodelay on; }}
}}
"""


class Figure(NamedTuple):
    rate: float
    """Operations per second."""
    cpu: float
    """Microseconds of one."""
    p99: float = 0.0
    """Microseconds; 0 if nobody measured it."""


@dataclass
class Peer:
    """What a client connects to."""

    name: str
    address: Address
    pid: int | None = None
    """Whose CPU time counts."""
    namespace: int | None = None
    """Where its clients are; None: where everybody is."""
    figures: dict[str, list[Figure]] = field(default_factory=dict)
    """By measurement."""


@contextmanager
def role(name: str, target: Address = ("", 0)) -> Iterator[Peer]:
    command = [sys.executable, __file__, name, target[0], str(target[1])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address, port = process.stdout.readline().split()
            yield Peer(name, (address, int(port)), process.pid)
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


@contextmanager
def nginx(program: str, target: Address) -> Iterator[Peer]:
    with listening() as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "nginx.conf")
        text = NGINX.format(folder=folder, port=port, host=target[0], backend=target[1])
        file.write_text(text)
        with subprocess.Popen([program, "-p", folder, "-c", file]) as process:
            time.sleep(0.5)
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            try:
                yield Peer("nginx", ("127.0.0.1", port), int(children[0]))
            finally:
                process.terminate()


PROGRAMS = {"haproxy": haproxy, "nginx": nginx}


def own_network() -> int:
    """Move into a new network, set up as a cluster's; a descriptor of it."""
    unshare(Namespace.NET)
    links = Netlink()
    cluster.set_up(links, RANGES)
    links.close()
    return handle("net")


@contextmanager
def kernel() -> Iterator[tuple[Peer, Peer]]:
    """The kernel mode in a network of its own, and its backend."""
    home = handle("net")
    there = own_network()
    try:
        with role("backend") as backend, role("kernel", backend.address) as peer:
            setns(home, Namespace.NET)
            peer.pid, peer.namespace = None, there
            yield Peer("its backend", backend.address, None, there), peer
    finally:
        setns(home, Namespace.NET)
        os.close(there)
        os.close(home)


# The client


class Client:
    """Keeps a number of connections busy for a while and counts what they did."""

    def __init__(self, address: Address, wish: bytes) -> None:
        self.done = 0
        self.waits: list[float] = []
        """Seconds each answer took."""
        self._asked: dict[int, float] = {}
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
        self._ask(sock)

    def _ask(self, sock: socket.socket) -> None:
        self._asked[sock.fileno()] = time.perf_counter()
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
            self.waits.append(time.perf_counter() - self._asked[sock.fileno()])
            self._ask(sock)


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


def ask(address: Address, what: Measurement, seconds: float) -> tuple[float, float, float]:
    """Operations per second, how many there were, and the microseconds of the slowest hundredth."""
    wrk = shutil.which("wrk")
    if wrk is not None and what.wish != STREAM:
        return ask_by_wrk(wrk, address, what, seconds)
    client = Client(address, what.wish)
    rate = client.run(what.connections, seconds)
    waits = sorted(client.waits)
    return rate, client.done, waits[int(len(waits) * 0.99)] * 1e6 if waits else 0.0


def ask_by_wrk(
    program: str, address: Address, what: Measurement, seconds: float
) -> tuple[float, float, float]:
    command = [program, "-t1", f"-c{what.connections}", f"-d{math.ceil(seconds)}s", "--latency"]
    if what.wish == CLOSE:
        command += ["-H", "Connection: close"]
    url = "http://{}:{}/".format(*address)
    text = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    found = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", text)
    scale = {"us": 1.0, "ms": 1e3, "s": 1e6}
    p99 = float(found[1]) * scale[found[2]] if found else 0.0
    rate, done = re.search(r"Requests/sec:\s+([\d.]+)", text), re.search(r"(\d+) requests in", text)
    return float(rate[1]) if rate else 0.0, float(done[1]) if done else 0.0, p99


def measure(peer: Peer, what: Measurement, seconds: float) -> None:
    before = cpu_seconds(peer.pid)
    home = handle("net")
    if peer.namespace is not None:
        setns(peer.namespace, Namespace.NET)
    try:
        rate, done, p99 = ask(peer.address, what, seconds)
    finally:
        if peer.namespace is not None:
            setns(home, Namespace.NET)
        os.close(home)
    used = cpu_seconds(peer.pid) - before
    cost = used / (done / what.each[0]) * 1e6 if done else 0.0
    peer.figures.setdefault(what.name, []).append(Figure(rate / what.unit, cost, p99))


def ratio(ours: Iterable[float], theirs: Iterable[float]) -> float:
    """The median of the pairs' ratios."""
    return statistics.median(
        mine / other for mine, other in zip(ours, theirs, strict=True) if other
    )


def show(peers: list[Peer]) -> None:
    named = {peer.name: peer for peer in peers}
    for what in MEASUREMENTS:
        print(f"\n{what.name}")
        for peer in peers:
            base = named["its backend"] if peer.name == "kernel" else peers[0]
            print(line(peer, what, base, named.get("haproxy")))


def line(peer: Peer, what: Measurement, direct: Peer, haproxy: Peer | None) -> str:
    mine, base = peer.figures[what.name], direct.figures[what.name]
    rate = statistics.median(each.rate for each in mine)
    compared = ratio([each.rate for each in mine], [each.rate for each in base])
    text = f"  {peer.name:11} {rate:12,.1f}  {compared:5.2f} of {direct.name}"
    p99 = statistics.median(each.p99 for each in mine)
    if p99:
        text += f"  p99 {p99:8,.0f} us"
    if peer.pid is None:
        return text
    text += f"  {statistics.median(each.cpu for each in mine):8.1f} us CPU each{what.each[1]}"
    if haproxy is None:
        return text
    theirs = haproxy.figures[what.name]
    by_rate = ratio([each.rate for each in mine], [each.rate for each in theirs])
    by_cpu = ratio([each.cpu for each in theirs], [each.cpu for each in mine])
    return f"{text}  {by_rate:5.2f} of HAProxy, {by_cpu:5.2f} by CPU"


def main() -> None:
    isolated = os.geteuid() == 0
    if isolated:
        os.close(own_network())
    with ExitStack() as stack:
        backend = stack.enter_context(role("backend"))
        peers = [Peer("direct", backend.address)]
        peers += [
            stack.enter_context(role(name, backend.address)) for name in ("netemu", "streams")
        ]
        for name, start in PROGRAMS.items():
            program = shutil.which(name)
            if program:
                peers.append(stack.enter_context(start(program, backend.address)))
        if isolated:
            peers.append(stack.enter_context(role("transparent", backend.address)))
            peers.extend(stack.enter_context(kernel()))
        pin(1)
        for peer in peers:
            measure(peer, MEASUREMENTS[0], SECONDS)
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

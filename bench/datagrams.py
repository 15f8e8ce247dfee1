"""The UDP relay beside a direct exchange, and nginx stream if found: requests/s and CPU time.

Each relay runs in a process of its own on one core, client and backend share the other; all are
measured in turn in each round, so only figures of one run may be compared. Clients ask, wait for
the answer, and ask again, from sockets that stay (flows). Run: ``python bench/datagrams.py``.
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
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from netemu.clock import SystemClock
from netemu.model.service import Protocol
from netemu.proxy.datagrams import Datagrams
from netemu.proxy.ledger import Ledger
from netemu.proxy.policy import NOWHERE, Door, Reach
from netemu.proxy.route import Path as Way
from netemu.proxy.route import Route
from netemu.proxy.site import Backend

ROUNDS = 5
SECONDS = 0.5
"""Of one measurement."""
CLIENTS = 32
MESSAGE = b"x" * 64

Address = tuple[str, int]


def pin(core: int) -> None:
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core})


def udp(kind: int = 0) -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM | kind)


def serve_backend() -> None:
    """Echo."""
    pin(1)
    with udp() as sock:
        sock.bind(("127.0.0.1", 0))
        print(sock.getsockname()[1], flush=True)
        buffer = bytearray(65535)
        view = memoryview(buffer)
        while True:
            size, peer = sock.recvfrom_into(buffer)
            sock.sendto(view[:size], peer)


async def serve_netemu(target: Address) -> None:
    pin(0)
    clock = SystemClock()
    route = Route(Backend(("default", "dns"), "dns", Protocol.UDP), clock, random.Random(1))
    route.update(Reach((target,)), None)
    front = udp(socket.SOCK_NONBLOCK)
    front.bind(("127.0.0.1", 0))
    relay = Datagrams(
        asyncio.get_running_loop(), partial(udp, socket.SOCK_NONBLOCK), clock, ledger=Ledger(clock)
    )
    relay.listen(front, Way(route, Door(), lambda *_: NOWHERE))
    print(front.getsockname()[1], flush=True)
    await asyncio.Event().wait()


NGINX = """
daemon off;
worker_processes 1;
worker_cpu_affinity 01;
pid {folder}/pid;
error_log stderr crit;
{load}
events {{ worker_connections 1024; }}
stream {{ server {{ listen 127.0.0.1:{port} udp reuseport; proxy_pass 127.0.0.1:{target}; }} }}
"""
MODULES = ("/usr/lib/nginx/modules/ngx_stream_module.so",)


@contextmanager
def running(*argv: str) -> Iterator[tuple[int, int]]:
    """A process of this file: its port and pid."""
    process = subprocess.Popen([sys.executable, __file__, *argv], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.pid
    finally:
        process.kill()
        process.wait()


@contextmanager
def nginx(program: str, target: int) -> Iterator[tuple[int, int]]:
    with udp() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        load = "".join(f"load_module {each};\n" for each in MODULES if Path(each).exists())
        config = Path(folder, "nginx.conf")
        config.write_text(NGINX.format(folder=folder, load=load, port=port, target=target))
        process = subprocess.Popen([program, "-p", folder, "-c", str(config)])
        time.sleep(0.5)
        worker = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
        try:
            yield port, int(worker)
        finally:
            process.terminate()
            process.wait()


def cpu_seconds(pid: int) -> float:
    """Time a process ran (proc(5): schedstat counts it in nanoseconds)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def measure(port: int) -> float:
    """Answers per second, to clients that each have one request on its way."""
    poller = select.epoll()
    clients = {}
    try:
        for _ in range(CLIENTS):
            client = udp(socket.SOCK_NONBLOCK)
            client.connect(("127.0.0.1", port))
            clients[client.fileno()] = client
            poller.register(client.fileno(), select.EPOLLIN)
            client.send(MESSAGE)
        answers, began = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - began) < SECONDS:
            for fd, _ in poller.poll(0.1):
                client = clients[fd]
                client.recv(65535)
                answers += 1
                client.send(MESSAGE)
        return answers / elapsed
    finally:
        for client in clients.values():
            client.close()
        poller.close()


def main() -> None:
    """Measure all in turn and report medians."""
    pin(1)
    with ExitStack() as stack:
        target, _ = stack.enter_context(running("backend"))
        places: dict[str, tuple[int, int | None]] = {"direct": (target, None)}
        places["netemu"] = stack.enter_context(running("netemu", str(target)))
        program = shutil.which("nginx")
        if program:
            places["nginx stream"] = stack.enter_context(nginx(program, target))
        rates: dict[str, list[float]] = {name: [] for name in places}
        costs: dict[str, list[float]] = {name: [] for name in places}
        for _ in range(ROUNDS):
            for name, (port, pid) in places.items():
                before = cpu_seconds(pid) if pid else 0.0
                rate = measure(port)
                rates[name].append(rate)
                if pid:
                    costs[name].append((cpu_seconds(pid) - before) / (rate * SECONDS) * 1e6)
    for name, values in rates.items():
        cost = f"{statistics.median(costs[name]):6.1f} us CPU each" if costs[name] else ""
        print(f"{name:14} {statistics.median(values):9.0f} requests/s  {cost}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["backend"]:
            serve_backend()
        case ["netemu", port]:
            asyncio.run(serve_netemu(("127.0.0.1", int(port))))
        case _:
            main()

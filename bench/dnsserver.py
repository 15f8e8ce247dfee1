"""netemu's DNS server on a core of its own, watched as in the daemon; and the simplest one."""

import asyncio
import gc
import multiprocessing
import os
import random
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import dnslib

from bench.dnsworld import PORTS, SERVICES, changed, cluster
from netemu.clock import SystemClock
from netemu.config.settings import DnsSettings
from netemu.dns.seen import see
from netemu.dns.server import DnsListener, serve_dns
from netemu.model.latest import Latest
from netemu.model.snapshot import Snapshot

LOOPBACK = "127.0.0.1"


def own_core() -> None:
    """The first core, whatever whoever started this has: the client is on the last."""
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def netemu_child(pipe: Connection, workers: int) -> None:
    own_core()
    asyncio.run(netemu_server(pipe, workers))


async def netemu_server(pipe: Connection, workers: int) -> None:
    """Serves until told to stop; makes the changes it is told to make."""
    latest = Latest(cluster())
    tcp = socket.create_server((LOOPBACK, 0))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(tcp.getsockname())
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def told() -> None:
        match pipe.recv():
            case "stop":
                stop.set()
            case ("rate", float(rate)):
                churn.rate = rate
            case ("change", int(number), int(port)):
                pipe.send(time.perf_counter())
                changed(latest, number, port)
            case other:
                raise ValueError(other)

    churn, settings = Churn(latest), DnsSettings(forward="", workers=workers)
    async with serve_dns(latest, settings, [DnsListener(udp, tcp)], random.Random(1)) as dns:
        with see(
            dns, (b"cluster", b"local"), SystemClock()
        ):  # counted and logged, as in the daemon
            gc.freeze()  # as the daemon does when it is ready
            loop.add_reader(pipe, told)
            pipe.send((os.getpid(), udp.getsockname()[1]))
            loop.call_later(0.01, churn.step)
            await stop.wait()
            loop.remove_reader(pipe)


@dataclass
class Churn:
    """Changes Services at a rate."""

    latest: Latest[Snapshot]
    rate: float = 0.0
    count: int = 0

    def step(self) -> None:
        if self.rate:
            self.count += 1
            changed(self.latest, self.count * 7919 % SERVICES, PORTS[self.count // SERVICES % 2])
        delay = 1 / self.rate if self.rate else 0.05
        asyncio.get_running_loop().call_later(delay, self.step)


@dataclass
class Running:
    """One server at work."""

    pid: int
    port: int
    pipe: Connection | None = None

    def cpu(self) -> tuple[float, float]:
        """Seconds used so far in the program and in the kernel, by all threads and children."""
        ticks = [0, 0]
        for pid in (self.pid, *children(self.pid)):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks[0] += int(fields[11])
            ticks[1] += int(fields[12])
        second = os.sysconf("SC_CLK_TCK")
        return ticks[0] / second, ticks[1] / second

    def memory(self) -> float:
        """MB of resident memory."""
        text = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
        assert found
        return int(found[1]) / 1024


def children(pid: int) -> list[int]:
    """The processes that it started."""
    files = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for file in files for word in file.read_text().split()]


@contextmanager
def started(child: Callable[..., None], *arguments: object) -> Iterator[Running]:
    mine, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=child, args=(theirs, *arguments))
    process.start()
    theirs.close()  # so that the end of the child is noticed
    pid, port = mine.recv()
    try:
        yield Running(pid, port, mine)
    finally:
        mine.send("stop")
        process.join()


def netemu(workers: int = 1) -> AbstractContextManager[Running]:
    return started(netemu_child, workers)


def naive() -> AbstractContextManager[Running]:
    return started(naive_child)


def naive_child(pipe: Connection) -> None:
    """dnslib: parse, look up, build; for each query."""
    snapshot = cluster()

    def answer(packet: bytes) -> bytes:
        query = dnslib.DNSRecord.parse(packet)
        reply = query.reply()
        service, namespace = str(query.q.qname).split(".")[:2]
        found = snapshot.services.get((namespace, service))
        if found is None:
            reply.header.rcode = dnslib.RCODE.NXDOMAIN
        elif query.q.qtype == dnslib.QTYPE.A:
            ips = [endpoint.address for endpoint in found.slices[0].endpoints]
            for ip in found.service.cluster_ips or ips:
                reply.add_answer(dnslib.RR(query.q.qname, rdata=dnslib.A(ip), ttl=5))
        packed: bytes = reply.pack()
        return packed

    one_by_one(pipe, answer)


def echo() -> AbstractContextManager[Running]:
    return started(echo_child)


def echo_child(pipe: Connection) -> None:
    """Sends each query back as its own reply."""
    one_by_one(pipe, lambda packet: packet[:2] + bytes([packet[2] | 0x80]) + packet[3:])


def one_by_one(pipe: Connection, answer: Callable[[bytes], bytes]) -> None:
    """Answer one query after the other until told to stop."""
    own_core()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((LOOPBACK, 0))
    sock.settimeout(0.1)
    pipe.send((os.getpid(), sock.getsockname()[1]))
    while not pipe.poll():
        for _ in range(5000):
            try:
                packet, client = sock.recvfrom(4096)
            except TimeoutError:
                break
            sock.sendto(answer(packet), client)

"""Queries per second and CPU time per query of the DNS server, beside a naive server in Python.

Both answer the same names from the same snapshot in the same run, each in its own process on one
core while the client has the other; best of `RUNS`. Uses dnsperf if there is one, else a loop of
its own, which then is the limit: compare CPU time. Run: ``python bench/dns.py``.
"""

import asyncio
import multiprocessing
import os
import random
import re
import resource
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

import dnslib

from netemu.config.settings import DnsSettings
from netemu.dns.server import DnsListener, serve_dns
from netemu.model.latest import Latest
from netemu.model.service import Endpoint, EndpointPort, EndpointSlice, Protocol, Service
from netemu.model.service import ServicePort as Port
from netemu.model.snapshot import EMPTY, ServiceEntry, Snapshot

SECONDS = 1.2
RUNS = 2
SERVICES = 1000
OUTSTANDING = 100
"""Queries the client has under way."""


def cluster() -> Snapshot:
    """As many Services, every tenth headless with three endpoints."""
    services = EMPTY.services
    for number in range(SERVICES):
        key = "default", f"web-{number}"
        address = f"{number // 250}.{number % 250}"
        port = EndpointPort("http", Protocol.TCP, 8080)
        slices = EndpointSlice(
            namespace=key[0],
            name=key[1],
            service=key[1],
            endpoints=tuple(Endpoint(address=f"10.244.{address[:-1]}{n}") for n in range(3)),
            ports=(port,),
        )
        service = Service(
            namespace=key[0],
            name=key[1],
            headless=number % 10 == 0,
            cluster_ips=() if number % 10 == 0 else (f"10.96.{address}",),
            ports=(Port("http", Protocol.TCP, 80),),
        )
        services = services.set(key, ServiceEntry(service, (slices,)))
    return Snapshot(synced=True, revision=1, services=services)


def names(mix: str) -> list[tuple[str, str]]:
    """What the client asks, in turn."""
    zone = "default.svc.cluster.local"
    found: list[tuple[str, str]] = []
    for number in range(SERVICES):
        name = f"web-{number}.{zone}"
        found.append((name, "A"))
        if mix == "mix":
            found += [(name, "AAAA"), (f"web-{number}.example.{zone}", "A")]
    return found


def netemu_server(sock: socket.socket, pipe: Connection) -> None:
    async def serve() -> None:
        tcp = socket.create_server(("127.0.0.1", 0))
        listeners = [DnsListener(sock, tcp)]
        async with serve_dns(Latest(cluster()), DnsSettings(), listeners, random.Random(1)):
            while not pipe.poll():  # noqa: ASYNC110 the parent is another process
                await asyncio.sleep(0.1)

    asyncio.run(serve())


def naive_server(sock: socket.socket, pipe: Connection) -> None:
    """Parse, look up, build; for each query."""
    snapshot = cluster()
    sock.settimeout(0.1)
    while not pipe.poll():
        for _ in range(5000):
            try:
                packet, client = sock.recvfrom(4096)
            except TimeoutError:
                break
            query = dnslib.DNSRecord.parse(packet)
            reply = query.reply()
            service, namespace = str(query.q.qname).split(".")[:2]
            entry = snapshot.services.get((namespace, service))
            if entry is None:
                reply.header.rcode = dnslib.RCODE.NXDOMAIN
            elif query.q.qtype == dnslib.QTYPE.A:
                found = [endpoint.address for endpoint in entry.slices[0].endpoints]
                for address in entry.service.cluster_ips or found:
                    reply.add_answer(dnslib.RR(query.q.qname, rdata=dnslib.A(address), ttl=5))
            sock.sendto(reply.pack(), client)


def child(serve: Callable[[socket.socket, Connection], None], pipe: Connection) -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    pipe.send(sock.getsockname()[1])
    before = resource.getrusage(resource.RUSAGE_SELF)
    serve(sock, pipe)
    used = resource.getrusage(resource.RUSAGE_SELF)
    pipe.send(used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime)


@dataclass(frozen=True)
class Figures:
    """Of one run."""

    rate: float
    """Queries per second."""
    cost: float
    """Server's CPU time per query, microseconds."""


def measure(serve: Callable[[socket.socket, Connection], None], mix: str) -> Figures:
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=child, args=(serve, theirs))
    process.start()
    port = int(mine.recv())
    asked, seconds = (dnsperf if shutil.which("dnsperf") else own_loop)(port, names(mix))
    mine.send("stop")
    used = float(mine.recv())
    process.join()
    return Figures(asked / seconds, used / max(1, asked) * 1e6)


def own_loop(port: int, asked: list[tuple[str, str]]) -> tuple[int, float]:
    """Keep some queries under way; what came back, and in how many seconds."""
    queries = [bytes(dnslib.DNSRecord.question(*item).pack()) for item in asked]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(("127.0.0.1", port))
    sock.settimeout(0.5)
    sent = received = 0
    start = time.perf_counter()
    while (taken := time.perf_counter() - start) < SECONDS:
        while sent - received < OUTSTANDING:
            sock.send(queries[sent % len(queries)])
            sent += 1
        try:
            for _ in range(OUTSTANDING // 2):
                sock.recv(4096)
                received += 1
        except TimeoutError:
            sent = received  # lost
    sock.close()
    return received, taken


def dnsperf(port: int, asked: list[tuple[str, str]]) -> tuple[int, float]:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"{name} {kind}\n" for name, kind in asked)
        file.flush()
        command = ["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", file.name]
        command += ["-l", str(max(1, round(SECONDS))), "-c", "16", "-q", "256", "-t", "1"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    completed = re.search(r"Queries completed:\s+(\d+)", text)
    seconds = re.search(r"Run time \(s\):\s+([\d.]+)", text)
    assert completed
    assert seconds
    return int(completed[1]), float(seconds[1])


def main() -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    servers = {"netemu": netemu_server, "dnslib, parse and build": naive_server}
    client = "dnsperf" if shutil.which("dnsperf") else "own loop (dnsperf isn't installed)"
    print(f"client: {client}; {SERVICES:,} Services, server on one core")
    for mix in ("A", "mix"):
        runs = {name: [measure(serve, mix) for _ in range(RUNS)] for name, serve in servers.items()}
        for name, figures in runs.items():
            rate = max(figure.rate for figure in figures)
            cost = min(figure.cost for figure in figures)
            print(f"{mix:4} {name:24} {rate:10,.0f} queries/s {cost:8.1f} us CPU each")


if __name__ == "__main__":
    main()

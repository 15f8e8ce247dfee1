"""The DNS server beside others: queries per second, CPU time per query, memory, latency, changes.

Every server has the same names (10,000 Services, every tenth headless), is pinned to one core and
asked by dnsperf from the other, in turn, `RUNS` times; the best run counts. Only ratios within one
run mean anything: where the client is the limit, compare CPU time. Run: ``python -m bench dns``;
``COREDNS=/path/to/coredns`` adds a CoreDNS with these names in ``hosts``-like files of its own.
"""

import asyncio
import multiprocessing
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

import dnslib

from netemu.config.settings import DnsSettings
from netemu.dns.server import DnsListener, serve_dns
from netemu.model.latest import Latest
from netemu.model.service import Endpoint, EndpointPort, EndpointSlice, Protocol, Service
from netemu.model.service import ServicePort as Port
from netemu.model.snapshot import EMPTY, Change, ServiceEntry, Snapshot

SECONDS = 2
RUNS = 2
SERVICES = 10_000
CHANGES = 100
"""Services that change each second, in the run that has them."""
ZONE = "default.svc.cluster.local"
LOOPBACK = "127.0.0.1"


def address(number: int) -> str:
    """The virtual IP of a Service."""
    return f"10.{100 + number // 62500}.{number // 250 % 250}.{number % 250}"


def endpoints(number: int) -> tuple[str, ...]:
    return tuple(f"10.{200 + n}.{number // 250}.{number % 250}" for n in range(3))


def is_headless(number: int) -> bool:
    return number % 10 == 0


def entry(number: int, port: int = 80) -> ServiceEntry:
    key = "default", f"web-{number}"
    slices = EndpointSlice(
        namespace=key[0],
        name=key[1],
        service=key[1],
        endpoints=tuple(Endpoint(address=ip) for ip in endpoints(number)),
        ports=(EndpointPort("http", Protocol.TCP, port),),
    )
    service = Service(
        namespace=key[0],
        name=key[1],
        headless=is_headless(number),
        cluster_ips=() if is_headless(number) else (address(number),),
        ports=(Port("http", Protocol.TCP, port),),
    )
    return ServiceEntry(service, (slices,))


def cluster() -> Snapshot:
    services, owners = EMPTY.services.mutate(), EMPTY.owners.mutate()
    for number in range(SERVICES):
        made = entry(number)
        services[made.service.key] = made
        for ip in (*made.service.cluster_ips, *endpoints(number)):
            owners[ip] = frozenset({made.service.key})
    return Snapshot(
        synced=True,
        revision=1,
        services=services.finish(),
        owners=owners.finish(),
        namespaces=EMPTY.namespaces.set("default", True),
    )


def asked(mix: str) -> list[tuple[str, str]]:
    """What the client asks, in random order."""
    found: list[tuple[str, str]] = []
    for number in range(SERVICES):
        name = f"web-{number}.{ZONE}"
        found.append((name, "A"))
        if mix == "mix":
            reverse = ".".join(reversed((endpoints(number)[0]).split("."))) + ".in-addr.arpa"
            if not is_headless(number):
                reverse = ".".join(reversed(address(number).split("."))) + ".in-addr.arpa"
            found += [(name, "AAAA"), (f"www.example-{number}.org.{ZONE}", "A")]
            found += [(f"_http._tcp.{name}", "SRV"), (reverse, "PTR")]
    random.Random(1).shuffle(found)
    return found


# --- servers -------------------------------------------------------------------------------------


def own_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def netemu_child(pipe: Connection) -> None:
    own_core()
    asyncio.run(netemu_server(pipe))


async def netemu_server(pipe: Connection) -> None:
    """Serves until told to stop; makes the changes it is told to make."""
    latest = Latest(cluster())
    tcp = socket.create_server((LOOPBACK, 0))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(tcp.getsockname())
    listeners = [DnsListener(udp, tcp)]
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

    churn = Churn(latest)
    async with serve_dns(latest, DnsSettings(forward=""), listeners, random.Random(1)):
        loop.add_reader(pipe, told)
        pipe.send((os.getpid(), udp.getsockname()[1]))
        loop.call_later(0.01, churn.step)
        await stop.wait()
        loop.remove_reader(pipe)


def changed(latest: Latest[Snapshot], number: int, port: int) -> None:
    made, seen = entry(number, port), latest.value
    key = made.service.key
    latest.replace(
        replace(
            seen,
            services=seen.services.set(key, made),
            revision=seen.revision + 1,
            recent=(*seen.recent, Change(key))[-64:],
        )
    )


@dataclass
class Churn:
    """Changes Services at a rate."""

    latest: Latest[Snapshot]
    rate: float = 0.0
    number: int = 0

    def step(self) -> None:
        if self.rate:
            self.number = (self.number + 7919) % SERVICES
            changed(self.latest, self.number, 80 + self.number % 2)
        delay = 1 / self.rate if self.rate else 0.05
        asyncio.get_running_loop().call_later(delay, self.step)


@dataclass
class Running:
    """One server at work."""

    pid: int
    port: int
    pipe: Connection | None = None

    def cpu(self) -> float:
        """Seconds used so far, by all its threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """MB of resident memory."""
        text = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
        assert found
        return int(found[1]) / 1024


@contextmanager
def netemu() -> Iterator[Running]:
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=netemu_child, args=(theirs,))
    process.start()
    pid, port = mine.recv()
    try:
        yield Running(pid, port, mine)
    finally:
        mine.send("stop")
        process.join()


def naive_child(pipe: Connection) -> None:
    """dnslib: parse, look up, build; for each query."""
    own_core()
    snapshot = cluster()
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
            sock.sendto(reply.pack(), client)


@contextmanager
def naive() -> Iterator[Running]:
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=naive_child, args=(theirs,))
    process.start()
    pid, port = mine.recv()
    try:
        yield Running(pid, port)
    finally:
        mine.send("stop")
        process.join()


def records() -> Iterator[str]:
    """All names, as lines of a zone file."""
    for number in range(SERVICES):
        name = f"web-{number}.{ZONE}."
        targets: tuple[str, ...] = (name,)
        if is_headless(number):
            targets = tuple(f"{ip.replace('.', '-')}.{name}" for ip in endpoints(number))
            for target, ip in zip(targets, endpoints(number), strict=True):
                yield f"{name} 5 IN A {ip}"
                yield f"{target} 5 IN A {ip}"
        else:
            yield f"{name} 5 IN A {address(number)}"
        for target in targets:
            yield f"_http._tcp.{name} 5 IN SRV 0 100 80 {target}"
        ip = endpoints(number)[0] if is_headless(number) else address(number)
        yield f"{'.'.join(reversed(ip.split('.')))}.in-addr.arpa. 5 IN PTR {targets[0]}"


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((LOOPBACK, 0))
        return int(sock.getsockname()[1])


SOA = "5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 5"


def unbound_config(folder: Path, port: int) -> list[str]:
    lines = [
        *("server:", f"interface: {LOOPBACK}", f"port: {port}", "do-daemonize: no", "chroot: ''"),
        *("username: ''", f"directory: {folder}", "num-threads: 1", "use-syslog: no"),
        *("logfile: ''", "pidfile: ''", "module-config: 'iterator'", "do-ip6: no"),
        *("minimal-responses: yes", "local-zone: cluster.local. static"),
        *(f'local-data: "cluster.local. {SOA}"', "local-zone: 10.in-addr.arpa. static"),
        *(f"local-data: '{line}'" for line in records()),
        *("remote-control:", "control-enable: no"),
    ]
    (folder / "conf").write_text("\n".join(lines) + "\n")
    return ["unbound", "-d", "-c", str(folder / "conf")]


def knot_config(folder: Path, port: int) -> list[str]:
    for zone in ("cluster.local", "in-addr.arpa"):
        mine = (line for line in records() if line.split()[0].endswith(f"{zone}."))
        head = [f"{zone}. {SOA}", f"{zone}. 5 IN NS ns.dns.cluster.local."]
        (folder / zone).write_text("\n".join([*head, *mine, ""]))
    (folder / "conf").write_text(
        f"server:\n  listen: {LOOPBACK}@{port}\n  rundir: {folder}\n  udp-workers: 1\n"
        "  tcp-workers: 1\n  background-workers: 1\n"
        f"database:\n  storage: {folder}\ncontrol:\n  listen: {folder}/ctl\n"
        f"template:\n  - id: default\n    storage: {folder}\n    zonefile-sync: -1\n"
        "    journal-content: none\n    semantic-checks: off\n"
        "zone:\n  - domain: cluster.local\n    file: cluster.local\n"
        "  - domain: in-addr.arpa\n    file: in-addr.arpa\n"
    )
    return ["knotd", "-c", str(folder / "conf")]


def coredns_config(folder: Path, port: int) -> list[str]:
    for zone in ("cluster.local", "in-addr.arpa"):
        mine = (line for line in records() if line.split()[0].endswith(f"{zone}."))
        head = [f"{zone}. {SOA}", f"{zone}. 5 IN NS ns.dns.cluster.local."]
        (folder / zone).write_text("\n".join([*head, *mine, ""]))
    blocks = (
        f"{zone}:{port} {{\n bind {LOOPBACK}\n file {folder / zone}\n}}\n"
        for zone in ("cluster.local", "in-addr.arpa")
    )
    (folder / "Corefile").write_text("".join(blocks))
    return [os.environ["COREDNS"], "-conf", str(folder / "Corefile")]


@contextmanager
def peer(config: Callable[[Path, int], list[str]]) -> Iterator[Running]:
    """Another server with the same names, on the loopback only."""
    with tempfile.TemporaryDirectory() as text:
        port = free_port()
        command = config(Path(text), port)
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=own_core,
            env={**os.environ, "GOMAXPROCS": "1"},
        )
        try:
            await_answer(port)
            yield Running(process.pid, port)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


def await_answer(port: int) -> None:
    query = bytes(dnslib.DNSRecord.question(f"web-1.{ZONE}", "A").pack())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((LOOPBACK, port))
        sock.settimeout(0.2)
        for _ in range(100):
            try:
                sock.send(query)
                if sock.recv(512)[3] & 15 == 0:
                    return
            except OSError:
                time.sleep(0.1)
    raise TimeoutError("the server doesn't answer")


# --- measurements --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """Of one run."""

    rate: float
    """Queries per second."""
    cost: float
    """Server's CPU time per query, microseconds."""
    codes: str
    """What was answered, in per cent."""


def dnsperf(server: Running, queries: Path, *, rate: int = 0, seconds: int = SECONDS) -> Figures:
    before = server.cpu()
    command = ["dnsperf", "-s", LOOPBACK, "-p", str(server.port), "-d", str(queries)]
    command += ["-l", str(seconds), "-c", "16", "-q", "256", "-T", "1", "-t", "1"]
    command += ["-Q", str(rate)] if rate else []
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    used = server.cpu() - before
    completed = re.search(r"Queries completed:\s+(\d+)", text)
    taken = re.search(r"Run time \(s\):\s+([\d.]+)", text)
    codes = re.search(r"Response codes:\s+(.*)", text)
    assert completed
    assert taken
    count = int(completed[1])
    shares = re.findall(r"(\w+) \d+ \(([\d.]+)%\)", codes[1] if codes else "")
    told = " ".join(f"{name} {share} %" for name, share in shares)
    return Figures(count / float(taken[1]), used / max(1, count) * 1e6, told)


def warm_up(server: Running, queries: Path) -> None:
    """Ask everything once."""
    command = ["dnsperf", "-s", LOOPBACK, "-p", str(server.port), "-d", str(queries), "-n", "1"]
    subprocess.run([*command, "-c", "16", "-T", "1"], stdout=subprocess.DEVNULL, check=True)


@contextmanager
def query_file(mix: str) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"{name} {kind}\n" for name, kind in asked(mix))
        file.flush()
        yield Path(file.name)


def compare(
    mix: str, queries: Path, servers: dict[str, Callable[[], object]]
) -> dict[str, Figures]:
    """The best run of each, in turn."""
    best: dict[str, Figures] = {}
    for _ in range(RUNS):
        for name, start in servers.items():
            with start() as server:  # type: ignore[attr-defined]  # a context manager
                warm_up(server, queries)
                made = dnsperf(server, queries)
            if name not in best or made.rate > best[name].rate:
                best[name] = made
    ours = best["netemu"]
    for name, made in best.items():
        print(
            f"{mix:4} {name:24} {made.rate:9,.0f} queries/s {made.cost:6.1f} us CPU each"
            f"  (netemu: {ours.rate / made.rate:4.2f} of its rate,"
            f" {ours.cost / made.cost:4.2f} of its CPU time)  {made.codes}",
            flush=True,
        )
    return best


def under_changes(queries: Path) -> None:
    """The rate while Services change, beside that while they don't, in pairs."""
    with netemu() as server:
        assert server.pipe
        warm_up(server, queries)
        pairs = []
        for _ in range(RUNS + 1):
            server.pipe.send(("rate", 0.0))
            still = dnsperf(server, queries)
            server.pipe.send(("rate", float(CHANGES)))
            pairs.append((still, dnsperf(server, queries)))
        share = statistics.median(moving.rate / still.rate for still, moving in pairs)
        costs = statistics.median(moving.cost / still.cost for still, moving in pairs)
        print(
            f"mix  {CHANGES} changes a second: {share:.0%} of the rate without, {costs:.2f} of the"
            f" CPU time; {pairs[-1][1].codes}"
        )


def latency(queries: Path, rate: float) -> None:
    """One query at a time beside half the load; and from a change to its answer."""
    with netemu() as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        assert server.pipe
        warm_up(server, queries)
        sock.connect((LOOPBACK, server.port))
        command = ["dnsperf", "-s", LOOPBACK, "-p", str(server.port), "-d", str(queries)]
        command += ["-l", "6", "-c", "16", "-T", "1", "-Q", str(round(rate / 2))]
        load = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        time.sleep(0.3)
        plain = sorted(one_query(sock, number % SERVICES, "A")[1] for number in range(4000))
        visible = sorted(one_change(server.pipe, sock, number) for number in range(300))
        load.wait()
        print(
            f"at half load ({rate / 2:,.0f}/s): p50 {plain[2000] * 1e3:.2f} ms,"
            f" p99 {plain[3960] * 1e3:.2f} ms; change to answer: p50 {visible[150] * 1e3:.2f} ms,"
            f" p99 {visible[296] * 1e3:.2f} ms"
        )


def one_query(sock: socket.socket, number: int, kind: str) -> tuple[bytes, float]:
    name = f"web-{number}.{ZONE}" if kind == "A" else f"_http._tcp.web-{number}.{ZONE}"
    query = bytes(dnslib.DNSRecord.question(name, kind).pack())
    start = time.perf_counter()
    sock.send(query)
    reply = sock.recv(4096)
    return reply, time.perf_counter() - start


def one_change(pipe: Connection, sock: socket.socket, number: int) -> float:
    """Seconds from a change to the first answer that shows it."""
    port = 1000 + number
    pipe.send(("change", 1, port))
    while True:
        reply, _ = one_query(sock, 1, "SRV")
        if port.to_bytes(2, "big") in reply:
            return time.perf_counter() - float(pipe.recv())


def memory(queries: Path) -> None:
    """What DNS holds besides the snapshot."""
    with netemu() as server:
        before = server.memory()
        warm_up(server, queries)
        print(f"memory: {before:.0f} MB with {SERVICES:,} Services, {server.memory():.0f} MB asked")


def main() -> None:
    if not shutil.which("dnsperf"):
        print("dnsperf isn't installed")
        return
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    servers: dict[str, Callable[[], object]] = {"netemu": netemu, "dnslib, parse and build": naive}
    for program, config in (("unbound", unbound_config), ("knotd", knot_config)):
        if shutil.which(program):
            servers[program] = lambda config=config: peer(config)  # type: ignore[misc]
    if os.environ.get("COREDNS"):
        servers["coredns (file)"] = lambda: peer(coredns_config)
    print(f"{SERVICES:,} Services, each server on one core")
    with query_file("A") as queries:
        compare("A", queries, servers)
    with query_file("mix") as queries:
        ours = compare("mix", queries, servers)["netemu"]
        under_changes(queries)
        latency(queries, ours.rate)
        memory(queries)


if __name__ == "__main__":
    main()

"""The DNS server beside others: queries per second, CPU time per query, memory, latency, changes.

Every server has the same names (10,000 Services, every tenth headless), is pinned to one core and
asked by dnsperf from the other, in turn, `RUNS` times. Only ratios within one run mean anything:
where the client is the limit, compare CPU time; it is told apart into the program's own and the
kernel's. Latency is taken by a client of our own (see `dnsclient`), beside a program that only
sends each query back: the floor of this machine. Run: ``python -m bench dns``;
``COREDNS=/path/to/coredns`` adds a CoreDNS with these names as zone files, which is less than what
it does in a cluster (see `COREDNS_IN_A_CLUSTER`).
"""

import os
import shutil
import socket
import statistics
from contextlib import ExitStack
from pathlib import Path

import dnslib

from bench.dnslatency import beside, of_changes, one_query
from bench.dnsload import Figures, dnsperf, query_file, warm_up
from bench.dnspeers import Start, coredns_config, knot_config, peer, unbound_config
from bench.dnsserver import LOOPBACK, Running, echo, naive, netemu
from bench.dnsworkers import more_cores
from bench.dnsworld import PORTS, SERVICES, address, is_headless

SECONDS = 1
RUNS = 3
JUDGED = 2000
"""Answers looked at in each run with changes, most of Services that just changed."""
CHANGES = 100.0
"""Services that change each second, in the run that has them."""
COREDNS_IN_A_CLUSTER = 30_000
"""Queries a second and core: CoreDNS 1.13 with its kubernetes plugin and kubeadm's Corefile, on
such a mix at 1,000 to 10,000 Services; measured once, elsewhere. It then used all of its core."""


def servers() -> dict[str, Start]:
    found: dict[str, Start] = {"netemu": netemu}
    for program, config in (("unbound", unbound_config), ("knotd", knot_config)):
        if shutil.which(program):
            found[program] = lambda config=config: peer(config)  # type: ignore[misc]
    if os.environ.get("COREDNS"):
        found["coredns (files)"] = lambda: peer(coredns_config)
    return found


def compare(mix: str, queries: Path) -> Figures:
    """All of them in turn; netemu's median."""
    runs: dict[str, list[Figures]] = {}
    with ExitStack() as stack:
        running = {
            name: stack.enter_context(start())
            for name, start in (servers() | {"dnslib": naive}).items()
        }
        for server in running.values():
            warm_up(server, queries)
        for _ in range(RUNS):
            for name, server in running.items():
                runs.setdefault(name, []).append(dnsperf(server, queries, seconds=SECONDS))
    for name, made in runs.items():
        print(f"{mix:4} {name:16} {_told(made, runs['netemu'])}", flush=True)
    return sorted(runs["netemu"], key=lambda made: made.cost)[RUNS // 2]


def _told(made: list[Figures], ours: list[Figures]) -> str:
    rate = max(each.rate for each in made)
    middle = sorted(made, key=lambda each: each.cost)[len(made) // 2]
    pairs = zip(ours, made, strict=True)
    ratio = statistics.median(mine.cost / other.cost for mine, other in pairs)
    return (
        f"{rate:9,.0f} queries/s at best; {middle.cost:5.1f} us CPU each"
        f" ({middle.program:.1f} own, {middle.kernel:.1f} kernel);"
        f" netemu takes {ratio:4.2f} of it; {middle.codes}"
    )


def beside_coredns(ours: Figures) -> None:
    """What is known of CoreDNS in a cluster, beside a core's worth of these queries."""
    core = 1e6 / ours.cost
    print(
        f"mix  a core's worth: {core:,.0f} queries/s, {core / COREDNS_IN_A_CLUSTER:.1f} times a"
        f" CoreDNS in a cluster ({COREDNS_IN_A_CLUSTER:,}/s)"
    )


def under_changes(queries: Path) -> None:
    """The rate while Services change, beside that while they don't, in pairs; and what is said."""
    with netemu() as server:
        assert server.pipe
        warm_up(server, queries)
        pairs, wrong, checked = [], 0, 0
        for _ in range(RUNS):
            server.pipe.send(("rate", 0.0))
            still = dnsperf(server, queries, seconds=SECONDS)
            server.pipe.send(("rate", CHANGES))
            pairs.append((still, dnsperf(server, queries, seconds=SECONDS)))
            told = judged(server)
            wrong, checked = wrong + told[0], checked + told[1]
        share = statistics.median(moving.rate / still.rate for still, moving in pairs)
        costs = statistics.median(moving.cost / still.cost for still, moving in pairs)
        print(
            f"mix  {CHANGES:.0f} changes a second: {share:.0%} of the rate without, {costs:.2f} of"
            f" the CPU time; {wrong} of {checked:,} answers were wrong; {pairs[-1][1].codes}"
        )


def judged(server: Running) -> tuple[int, int]:
    """Wrong answers, and how many were looked at."""
    wrong = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((LOOPBACK, server.port))
        for count in range(JUDGED):
            kind, number = ("A", "SRV")[count % 2], count // 2 * 7919 % SERVICES
            record = dnslib.DNSRecord.parse(one_query(sock, number, kind))
            wrong += not is_right(record, number, kind)
    return wrong, JUDGED


def is_right(record: dnslib.DNSRecord, number: int, kind: str) -> bool:
    if kind == "SRV":
        return bool(record.rr) and all(each.rdata.port in PORTS for each in record.rr)
    found = [str(each.rdata) for each in record.rr]
    return len(found) == 3 if is_headless(number) else found == [address(number)]


def memory(queries: Path) -> None:
    """What DNS holds besides the snapshot."""
    with netemu() as server:
        before = server.memory()
        warm_up(server, queries)
        grown = server.memory() - before
        print(f"memory: {before:.0f} MB with {SERVICES:,} Services; {grown:.0f} MB more when asked")


def main() -> None:
    if not shutil.which("dnsperf"):
        print("dnsperf isn't installed")
        return
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(f"{SERVICES:,} Services, each server on one core")
    with query_file("A") as queries:
        compare("A", queries)
    with query_file("mix") as queries:
        ours = compare("mix", queries)
        beside_coredns(ours)
        under_changes(queries)
        beside(servers() | {"an echo": echo}, queries, ours.rate / 2)
        of_changes(queries, ours.rate / 2)
        memory(queries)
        more_cores(queries)


if __name__ == "__main__":
    main()

"""What ``dns.workers`` costs: one process, and two, on the same core that is full, asked from the
other. Processes that cost each other nothing there bring what their cores have when each has one.
"""

import os
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.dnsclient import Client
from bench.dnsload import warm_up
from bench.dnsserver import Running, children, netemu

SECONDS = 2
ROUNDS = 3


@dataclass
class Runs:
    """Of one number of processes."""

    server: Running
    client: Client
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)

    def once(self) -> None:
        """As fast as it goes."""
        pids = [self.server.pid, *workers_of(self.server)]
        before = [spent(pid) for pid in pids]
        told = self.client.at_once(SECONDS)
        used = [spent(pid) - then for pid, then in zip(pids, before, strict=True)]
        self.rates.append(told.rate)
        self.costs.append(sum(used) / (told.rate * SECONDS) * 1e6)
        self.shares.append(min(used) / sum(used))


def more_cores(queries: Path) -> None:
    """Both in turn, under the same client."""
    with ExitStack() as stack:
        one, two = (stack.enter_context(prepared(count, queries)) for count in (1, 2))
        for _ in range(ROUNDS):
            one.once()
            two.once()
    ratio = statistics.median(b / a for a, b in zip(one.rates, two.rates, strict=True))
    for count, runs in ((1, one), (2, two)):
        print(
            f"mix  dns.workers {count}: {statistics.median(runs.rates):9,.0f} queries/s,"
            f" {statistics.median(runs.costs):.1f} us CPU each, the idlest process has"
            f" {statistics.median(runs.shares):.0%} of it"
        )
    print(f"mix  two on one core answer {ratio:.2f} times what one does there")


@contextmanager
def prepared(count: int, queries: Path) -> Iterator[Runs]:
    """A server that knows all answers."""
    with ExitStack() as stack:
        server = stack.enter_context(netemu(count))
        for _ in range(4 * count):  # each process has a table of its own
            warm_up(server, queries)
        yield Runs(server, stack.enter_context(closing(Client(server.port))))


def workers_of(server: Running) -> list[int]:
    """Processes beside the first."""
    return [pid for pid in children(server.pid) if b"netemu.dns.worker" in argv(pid)]


def argv(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def spent(pid: int) -> float:
    """Seconds of CPU time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

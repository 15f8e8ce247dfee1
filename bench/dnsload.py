"""Load for DNS servers, by dnsperf, and what it cost them."""

import random
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.dnsserver import LOOPBACK, Running
from bench.dnsworld import SERVICES, ZONE, address, endpoints, is_headless


@dataclass(frozen=True)
class Figures:
    """Of one run."""

    rate: float
    """Queries per second."""
    program: float
    """Server's CPU time per query in its own code, microseconds."""
    kernel: float
    """The same in the kernel: reading, sending, delivering to the client."""
    codes: str
    """What was answered, in per cent."""
    lost: int

    @property
    def cost(self) -> float:
        """CPU time per query, microseconds."""
        return self.program + self.kernel


def asked(mix: str) -> list[tuple[str, str]]:
    """What the client asks, in random order."""
    found: list[tuple[str, str]] = []
    for number in range(SERVICES):
        name = f"web-{number}.{ZONE}"
        found.append((name, "A"))
        if mix == "mix":
            reverse = endpoints(number)[0] if is_headless(number) else address(number)
            reverse = ".".join(reversed(reverse.split("."))) + ".in-addr.arpa"
            found += [(name, "AAAA"), (f"www.example-{number}.org.{ZONE}", "A")]
            found += [(f"_http._tcp.{name}", "SRV"), (reverse, "PTR")]
    random.Random(1).shuffle(found)
    return found


@contextmanager
def query_file(mix: str) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"{name} {kind}\n" for name, kind in asked(mix))
        file.flush()
        yield Path(file.name)


def command(server: Running, queries: Path, *more: str) -> list[str]:
    where = ["-s", LOOPBACK, "-p", str(server.port), "-d", str(queries)]
    return ["dnsperf", *where, "-c", "16", "-T", "1", "-t", "1", *more]


def warm_up(server: Running, queries: Path) -> None:
    """Ask everything once."""
    subprocess.run(command(server, queries, "-n", "1"), stdout=subprocess.DEVNULL, check=True)


def dnsperf(server: Running, queries: Path, *, seconds: int, waiting: int = 256) -> Figures:
    """As fast as it goes, with so many queries under way."""
    before = server.cpu()
    load = command(server, queries, "-l", str(seconds), "-q", str(waiting))
    text = subprocess.run(load, capture_output=True, text=True, check=True).stdout
    program, kernel = (now - then for now, then in zip(server.cpu(), before, strict=True))
    count = max(1, int(_found(r"Queries completed:\s+(\d+)", text)))
    codes = _found(r"Response codes:\s+(.*)", text)
    shares = re.findall(r"(\w+) \d+ \(([\d.]+)%\)", codes)
    return Figures(
        count / float(_found(r"Run time \(s\):\s+([\d.]+)", text)),
        program / count * 1e6,
        kernel / count * 1e6,
        " ".join(f"{name} {share} %" for name, share in shares),
        int(_found(r"Queries lost:\s+(\d+)", text)),
    )


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else "0"

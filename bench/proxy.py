"""The proxy's modes beside a direct connection, a relay of asyncio streams, HAProxy and nginx.

As root everything happens in network namespaces of its own, with the rules of both modes: relayed
by way of a socket of its own, by way of the transparent catch-all, and translated by the kernel
between pods, beside pods that reach each other directly and the least rules that do the same (see
`bench.proxynet`). HAProxy and nginx take part if they are installed. Each relay runs in its own
process on one core; client and backend share the other. All are measured in turn in each round, so
only figures of one run may be compared: the table gives medians, their ratio to the first of the
list and to HAProxy, and the relay's CPU time per operation with the ratio by that, which stays true
where the client is the limit and the machine is busy. With wrk installed requests and connections
are its, else a client in Python's. Run: ``python -m bench.proxy [relays|kernel]``.
"""

import os
import shutil
import statistics
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.proxyload import Measurement, ask
from bench.proxynet import kernel_peers, own_network
from bench.proxypeers import PROGRAMS, Figure, Peer, role
from bench.proxyroles import CLOSE, KEEP, STREAM, pin
from netemu.fabric.namespaces import Namespace, handle, setns

ROUNDS = 3
SECONDS = 0.3
"""Of one measurement."""
CLIENTS = 32

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


def show(peers: Sequence[Peer]) -> None:
    """All of them, compared with the first; relays with HAProxy, too."""
    named = {peer.name: peer for peer in peers}
    for what in MEASUREMENTS:
        print(f"\n{what.name}")
        for peer in peers:
            print(line(peer, what, peers[0], named.get("haproxy")))
            if peer.name == "kernel":
                others = [named[each] for each in ("beside it", "by hand") if each in named]
                print("".join(f"  {versus(peer, each, what)}" for each in others))


def versus(peer: Peer, other: Peer, what: Measurement) -> str:
    rates = [[each.rate for each in its.figures[what.name]] for its in (peer, other)]
    return f"{'':24} {ratio(*rates):5.2f} of {other.name}"


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


def compare(peers: Sequence[Peer]) -> None:
    """Measure them in turn, and show."""
    for peer in peers:
        measure(peer, MEASUREMENTS[0], SECONDS)
        peer.figures.clear()  # that was to warm up
    for turn in range(ROUNDS):
        for what in MEASUREMENTS:
            for peer in peers if turn % 2 == 0 else reversed(peers):
                measure(peer, what, SECONDS)
    show(peers)


def relays(isolated: bool) -> None:
    """The userspace mode and what else moves bytes."""
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
        compare(peers)


def main(words: Sequence[str] = ()) -> None:
    """Measure both, or what is named."""
    isolated = os.geteuid() == 0
    if isolated:
        os.close(own_network())
    pin(1)
    if "kernel" not in words:
        relays(isolated)
    if isolated and "relays" not in words:
        with ExitStack() as stack:
            compare(kernel_peers(stack))


if __name__ == "__main__":
    main(sys.argv[1:])

"""How long an answer takes at half of the rate that was reached, and a change until it is seen."""

import os
import socket
import statistics
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from multiprocessing.connection import Connection
from pathlib import Path

import dnslib

from bench.dnsclient import Client, Told, in_front
from bench.dnsload import command, warm_up
from bench.dnspeers import Start
from bench.dnsserver import LOOPBACK, netemu
from bench.dnsworld import ZONE
from bench.figures import percentile

ROUNDS = 5
SECONDS = 1
SHARES = (0.5, 0.9, 0.99)


def beside(servers: Mapping[str, Start], queries: Path, half: float) -> None:
    """All of them in turn under the same load; the medians of the rounds."""
    rounds: dict[str, list[Told]] = {name: [] for name in servers}
    with ExitStack() as stack:
        running = {name: stack.enter_context(start()) for name, start in servers.items()}
        clients: dict[str, Client] = {}
        for name, server in running.items():
            for _ in range(2):  # what was lost the first time is asked again
                warm_up(server, queries)
            clients[name] = stack.enter_context(closing(Client(server.port)))
        pids = [server.pid for server in running.values()]
        how = stack.enter_context(in_front(os.getpid(), *pids))
        for _ in range(ROUNDS):
            for name, client in clients.items():
                rounds[name].append(client.evenly(half, SECONDS))
    print(f"mix  evenly at {half:,.0f}/s, half of what netemu reached, {how}:")
    for name, made in rounds.items():
        print(f"mix  {name:16} {_middle(made)}", flush=True)


def _middle(made: list[Told]) -> str:
    times = {share: [percentile(each.seconds, share) * 1e3 for each in made] for share in SHARES}
    parts = [f"p{share * 100:g} {statistics.median(ms):.2f} ms" for share, ms in times.items()]
    rate = statistics.median(each.rate for each in made)
    return f"{', '.join(parts)}; {rate:,.0f}/s sent, {sum(each.lost for each in made)} lost"


def of_changes(queries: Path, half: float) -> None:
    """From a change to the first answer that shows it, while others ask."""
    with netemu() as server:
        assert server.pipe
        warm_up(server, queries)
        load = subprocess.Popen(
            command(server, queries, "-l", "4", "-Q", str(round(half))), stdout=subprocess.DEVNULL
        )
        time.sleep(0.3)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect((LOOPBACK, server.port))
            visible = [one_change(server.pipe, sock, number) for number in range(300)]
        load.wait()
    parts = [f"p{share * 100:g} {percentile(visible, share) * 1e3:.2f} ms" for share in SHARES]
    print(f"mix  at half load, from a change to its answer: {', '.join(parts)}")


def one_query(sock: socket.socket, number: int, kind: str) -> bytes:
    """The reply to a question about one Service."""
    name = f"web-{number}.{ZONE}" if kind == "A" else f"_http._tcp.web-{number}.{ZONE}"
    sock.send(bytes(dnslib.DNSRecord.question(name, kind).pack()))
    return sock.recv(4096)


def one_change(pipe: Connection, sock: socket.socket, number: int) -> float:
    """Seconds from a change to the first answer that shows it."""
    port = 1000 + number
    pipe.send(("change", 1, port))
    while port.to_bytes(2, "big") not in one_query(sock, 1, "SRV"):
        pass
    return time.perf_counter() - float(pipe.recv())

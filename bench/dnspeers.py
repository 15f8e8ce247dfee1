"""Other DNS servers with the same names, for comparison: their configuration."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeAlias

import dnslib

from bench.dnsserver import LOOPBACK, Running, own_core
from bench.dnsworld import ZONE, records

Start: TypeAlias = Callable[[], AbstractContextManager[Running]]
"""Starts a server."""


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

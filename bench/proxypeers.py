"""Whom clients ask in `bench.proxy`: netemu's modes, and other programs in their place."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bench.proxyroles import Address, listening

HAPROXY = """
global
  nbthread 1
  maxconn 4000
defaults
  mode tcp
  option splice-auto
  timeout connect 1s
  timeout client 60s
  timeout server 60s
listen relay
  bind 127.0.0.1:{port}
  server backend {host}:{backend}
"""


NGINX = """
daemon off;
worker_processes 1;
worker_cpu_affinity 1;
pid {folder}/pid;
error_log /dev/null;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
events {{ worker_connections 4000; }}
stream {{
  server {{ listen 127.0.0.1:{port} backlog=1024; proxy_pass {host}:{backend}; tcp_nodelay on; }}
}}
"""


class Figure(NamedTuple):
    rate: float
    """Operations per second."""
    cpu: float
    """Microseconds of one."""
    p99: float = 0.0
    """Microseconds; 0 if nobody measured it."""


@dataclass
class Peer:
    """What a client connects to."""

    name: str
    address: Address
    pid: int | None = None
    """Whose CPU time counts."""
    namespace: int | None = None
    """Where its clients are; None: where everybody is."""
    figures: dict[str, list[Figure]] = field(default_factory=dict)
    """By measurement."""


@contextmanager
def role(name: str, target: Address = ("127.0.0.1", 0)) -> Iterator[Peer]:
    """One of `bench.proxyroles`, in the network of the caller."""
    file = Path(__file__).with_name("proxyroles.py")
    command = [sys.executable, str(file), name, target[0], str(target[1])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address, port = process.stdout.readline().split()
            yield Peer(name, (address, int(port)), process.pid)
        finally:
            process.kill()


@contextmanager
def haproxy(program: str, target: Address) -> Iterator[Peer]:
    with listening() as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "haproxy.cfg")
        file.write_text(HAPROXY.format(port=port, host=target[0], backend=target[1]))
        with subprocess.Popen([program, "-q", "-db", "-f", file]) as process:
            os.sched_setaffinity(process.pid, {0})
            time.sleep(0.5)
            try:
                yield Peer("haproxy", ("127.0.0.1", port), process.pid)
            finally:
                process.kill()


@contextmanager
def nginx(program: str, target: Address) -> Iterator[Peer]:
    with listening() as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "nginx.conf")
        text = NGINX.format(folder=folder, port=port, host=target[0], backend=target[1])
        file.write_text(text)
        with subprocess.Popen([program, "-p", folder, "-c", file]) as process:
            time.sleep(0.5)
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            try:
                yield Peer("nginx", ("127.0.0.1", port), int(children[0]))
            finally:
                process.terminate()


PROGRAMS = {"haproxy": haproxy, "nginx": nginx}

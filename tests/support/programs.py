"""Start built-in programs as a pod does: a plain interpreter and nothing else."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import netemu

START = Path(netemu.__file__).parent / "programs" / "__main__.py"
SECONDS = 10.0


def command(*words: str) -> list[str]:
    return [sys.executable, "-S", "-E", "-s", str(START), *words]


@contextmanager
def running(
    *words: str, host: str, port: int, env: dict[str, str] | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """A program on an address of its own, once it accepts on `port`; ended on leaving."""
    told = {"HOST": host, "POD_IP": host, "HOSTNAME": "pod-1", "PATH": os.environ["PATH"]}
    process = subprocess.Popen(
        command(*words),
        env=told | (env or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for(host, port)
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(host: str, port: int) -> None:
    end = time.monotonic() + SECONDS
    while True:
        try:
            socket.create_connection((host, port), 1.0).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def get(url: str, method: str = "GET", body: bytes | None = None) -> tuple[int, str]:
    """Status and text of one HTTP exchange; redirects aren't followed."""
    import http.client
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=SECONDS)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    connection.request(method, target, body)
    reply = connection.getresponse()
    try:
        return reply.status, reply.read().decode()
    finally:
        connection.close()

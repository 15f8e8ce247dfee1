"""The client in `bench.proxy`: wrk where it is installed, else one in Python."""

import math
import re
import select
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass

from bench.proxyroles import CLOSE, MESSAGE, STREAM, Address


class Client:
    """Keeps a number of connections busy for a while and counts what they did."""

    def __init__(self, address: Address, wish: bytes) -> None:
        self.done = 0
        self.waits: list[float] = []
        """Seconds each answer took."""
        self._asked: dict[int, float] = {}
        self._address = address
        self._request = wish * MESSAGE
        self._closes = wish == CLOSE
        self._streams = wish == STREAM
        self._poller = select.epoll()
        self._socks: dict[int, socket.socket] = {}

    def _connect(self) -> None:
        sock = socket.create_connection(self._address)
        sock.setblocking(False)
        self._socks[sock.fileno()] = sock
        self._poller.register(sock.fileno(), select.EPOLLIN)
        self._ask(sock)

    def _ask(self, sock: socket.socket) -> None:
        self._asked[sock.fileno()] = time.perf_counter()
        sock.send(self._request)

    def run(self, connections: int, seconds: float) -> float:
        """Operations (answers, connections or bytes) per second."""
        for _ in range(connections):
            self._connect()
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            for fd, _ in self._poller.poll(0.1):
                self._read(self._socks[fd])
        elapsed = time.perf_counter() - start
        for sock in self._socks.values():
            sock.close()
        self._poller.close()
        return self.done / elapsed

    def _read(self, sock: socket.socket) -> None:
        data = sock.recv(1 << 20)
        if not data:  # only after the answer to a request that asked for it
            del self._socks[sock.fileno()]
            sock.close()
            self.done += 1
            self._connect()
        elif self._streams:
            self.done += len(data)
        elif not self._closes:
            self.done += 1
            self.waits.append(time.perf_counter() - self._asked[sock.fileno()])
            self._ask(sock)


@dataclass(frozen=True)
class Measurement:
    name: str
    wish: bytes
    connections: int
    unit: float = 1
    """What the client counts in one of those printed."""
    each: tuple[float, str] = (1, "")
    """What the client counts in one whose CPU time is printed, and its name."""


def ask(address: Address, what: Measurement, seconds: float) -> tuple[float, float, float]:
    """Operations per second, how many there were, and the microseconds of the slowest hundredth."""
    wrk = shutil.which("wrk")
    if wrk is not None and what.wish != STREAM:
        return ask_by_wrk(wrk, address, what, seconds)
    client = Client(address, what.wish)
    rate = client.run(what.connections, seconds)
    waits = sorted(client.waits)
    return rate, client.done, waits[int(len(waits) * 0.99)] * 1e6 if waits else 0.0


def ask_by_wrk(
    program: str, address: Address, what: Measurement, seconds: float
) -> tuple[float, float, float]:
    command = [program, "-t1", f"-c{what.connections}", f"-d{math.ceil(seconds)}s", "--latency"]
    if what.wish == CLOSE:
        command += ["-H", "Connection: close"]
    url = "http://{}:{}/".format(*address)
    text = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    found = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", text)
    scale = {"us": 1.0, "ms": 1e3, "s": 1e6}
    p99 = float(found[1]) * scale[found[2]] if found else 0.0
    rate, done = re.search(r"Requests/sec:\s+([\d.]+)", text), re.search(r"(\d+) requests in", text)
    return float(rate[1]) if rate else 0.0, float(done[1]) if done else 0.0, p99

"""A rolling update of ten replicas under load: what clients get, counted by cause.

Readiness and a preStop pause, as the documentation has it; a connection for each request, from
inside the cluster's network to the Service's address. Requests begin at a steady rate whether or
not earlier ones were answered. Run:
``python -m bench.rollout [--rate 2000] [--net rootless] [--mode userspace|nftables|auto]``.
"""

import argparse
import errno
import json
import select
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

from bench.figures import percentile
from netemu.testing import Instance, instance

AFTER_SECONDS = 1.0
"""How long the load goes on before the rollout and after it has ended."""
DEADLINE = 5.0
"""For one request, in seconds, if nobody says otherwise."""
OPEN = 3000
"""Requests at a time; more wait, and say so."""
PACE = 0.001
"""Seconds of rest between looks at the clock."""
REPLICAS = 10
REQUEST = b"GET /hostname HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n"
MANIFESTS = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: {REPLICAS}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers:
      - name: web
        image: registry.k8s.io/e2e-test-images/agnhost:2.40
        args: [netexec, --http-port=8080]
        readinessProbe: {{httpGet: {{path: /, port: 8080}}, periodSeconds: 1}}
        lifecycle: {{preStop: {{sleep: {{seconds: 1}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{selector: {{app: web}}, ports: [{{port: 80, targetPort: 8080}}]}}
"""

Address = tuple[str, int]


class Request:
    """One connection, from its first packet to the end of the answer."""

    def __init__(self, address: Address) -> None:
        self.began = time.monotonic()
        self.answer = b""
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.sock.connect_ex(address)
        self._asked = False

    def event(self) -> str:
        """What became of it; "" if that isn't known yet."""
        try:
            if not self._asked:
                self.sock.send(REQUEST)
                self._asked = True
            while data := self.sock.recv(65536):
                self.answer += data
        except BlockingIOError:
            return ""
        except OSError as error:
            return errno.errorcode.get(error.errno or 0, str(error))
        return self._judge()

    def _judge(self) -> str:
        head, separator, body = self.answer.partition(b"\r\n\r\n")
        if not separator or not body:
            return "answer cut short"
        status = head.split(b"\r\n")[0]
        return "answered" if b" 200 " in status else status.decode()


class Load:
    """Requests at a rate, and what became of them."""

    def __init__(self, address: Address, deadline: float) -> None:
        self.causes: Counter[str] = Counter()
        self.pods: Counter[str] = Counter()
        self.seconds: list[float] = []
        self.held_back = 0
        """How often a request had to wait to begin."""
        self._address = address
        self._deadline = deadline
        self._poller = select.epoll()
        self._poller.register(sys.stdin.fileno(), select.EPOLLIN | select.EPOLLHUP)
        self._open: dict[int, Request] = {}
        self._order: deque[Request] = deque()

    def run(self, rate: float) -> float:
        """Ask until standard input ends; the rate that was reached."""
        began, asked = time.monotonic(), 0
        while self._poll():
            due = int((time.monotonic() - began) * rate)
            for _ in range(asked, due):
                if len(self._open) >= OPEN:
                    self.held_back += 1
                    break
                self._ask()
                asked += 1
            self._expire(time.monotonic() - self._deadline)
        elapsed = time.monotonic() - began
        while self._open:
            self._poll()
            self._expire(time.monotonic() - self._deadline)
        return asked / elapsed

    def _ask(self) -> None:
        request = Request(self._address)
        self._open[request.sock.fileno()] = request
        self._order.append(request)
        self._poller.register(
            request.sock.fileno(), select.EPOLLIN | select.EPOLLOUT | select.EPOLLET
        )

    def _poll(self) -> bool:
        """Serve what is ready; False when standard input has ended."""
        goes_on = True
        for fd, _ in self._poller.poll(PACE):
            request = self._open.get(fd)
            if request is None:
                self._poller.unregister(fd)
                goes_on = False
            elif cause := request.event():
                self._end(request, cause)
        return goes_on

    def _expire(self, before: float) -> None:
        while self._order and (self._order[0].began < before or self._order[0].sock.fileno() < 0):
            request = self._order.popleft()
            if request.sock.fileno() >= 0:
                self._end(request, "no answer in time")

    def _end(self, request: Request, cause: str) -> None:
        del self._open[request.sock.fileno()]
        request.sock.close()
        self.causes[cause] += 1
        self.seconds.append(time.monotonic() - request.began)
        if cause == "answered":
            self.pods[request.answer.rpartition(b"\r\n")[2].decode()] += 1


def load(address: str, port: str, rate: str, deadline: str) -> None:
    """Run in the cluster's network: tells what happened as JSON."""
    made = Load((address, int(port)), float(deadline))
    reached = made.run(float(rate))
    facts = {
        "rate": reached,
        "held back": made.held_back,
        "causes": made.causes,
        "pods": len(made.pods),
        "p50": percentile(made.seconds, 0.5) * 1000,
        "p99": percentile(made.seconds, 0.99) * 1000,
    }
    print(json.dumps(facts))


def measure(cluster: Instance, rate: float, deadline: float = DEADLINE) -> dict[str, Any]:
    """A rollout under load: what became of the requests, and how long it took."""
    service = cluster.get("service", "web")
    words = ["load", service["spec"]["clusterIP"], "80", str(rate), str(deadline)]
    command = [*cluster.command, "exec", "--", sys.executable, "-m", "bench.rollout", *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=cluster.env, stdin=pipe, stdout=pipe) as process:
        time.sleep(AFTER_SECONDS)
        began = time.monotonic()
        cluster.kubectl("rollout", "restart", "deployment/web")
        cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
        took = time.monotonic() - began
        time.sleep(AFTER_SECONDS)
        told, _ = process.communicate()
    return {**json.loads(told), "rollout": took}


def prepare(cluster: Instance) -> None:
    """The Deployment, ready."""
    cluster.apply(MANIFESTS)
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")


def main(words: Sequence[str] = ()) -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=2000)
    parser.add_argument("--net", default="rootless")
    parser.add_argument("--mode", default="userspace", choices=("userspace", "nftables", "auto"))
    options = parser.parse_args(words)
    with instance("bench-rollout", options=["--net", options.net]) as cluster:
        prepare(cluster)
        cluster.netemu("proxy", "mode", options.mode)
        facts = measure(cluster, options.rate)
    causes = facts["causes"]
    print(
        f"{sum(causes.values())} requests at {facts['rate']:.0f}/s (asked for {options.rate:.0f}/s,"
        f" {facts['held back']} held back), {options.net}, {options.mode}"
    )
    print(
        f"rollout of {REPLICAS} replicas: {facts['rollout']:.1f} s; {facts['pods']} pods answered"
    )
    print(f"latency: p50 {facts['p50']:.1f} ms, p99 {facts['p99']:.1f} ms")
    for cause, number in sorted(causes.items(), key=lambda each: -each[1]):
        print(f"{number:8d}  {cause}")


if __name__ == "__main__":
    try:
        if sys.argv[1:2] == ["load"]:
            load(*sys.argv[2:])
        else:
            main(sys.argv[1:])
    except subprocess.CalledProcessError as error:
        raise SystemExit(str(error)) from None

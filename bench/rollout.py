"""A rolling update of ten replicas under load: what clients get, counted by cause.

Readiness and a preStop pause, as the documentation has it; a connection for each request, through
the node port. Requests begin at a steady rate whether or not earlier ones were answered. Run:
``python bench/rollout.py [--rate 2000] [--net rootless]``.
"""

import argparse
import asyncio
import errno
import subprocess
import time
from collections import Counter

from netemu.testing import Instance, instance

PORT = 30080
SECONDS_AFTER = 1.0
"""How long the load goes on after the rollout has ended."""
DEADLINE = 5.0
"""For one request."""
REQUEST = b"GET /hostname HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n"
MANIFESTS = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 10
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
spec:
  type: NodePort
  selector: {{app: web}}
  ports: [{{port: 80, targetPort: 8080, nodePort: {PORT}}}]
"""


class Load:
    """Requests and what became of them."""

    def __init__(self) -> None:
        self.causes: Counter[str] = Counter()
        self.pods: Counter[str] = Counter()
        self.seconds: list[float] = []

    async def run(self, rate: float, stop: asyncio.Event) -> float:
        """Ask until `stop`; the rate that was reached."""
        began = time.monotonic()
        asked = 0
        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                due = int((time.monotonic() - began) * rate)
                for _ in range(min(due - asked, 100)):
                    group.create_task(self._request())
                    asked += 1
                await asyncio.sleep(0.002)
            elapsed = time.monotonic() - began
        return asked / elapsed

    async def _request(self) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(DEADLINE):
                reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
                try:
                    writer.write(REQUEST)
                    answer = await reader.read()
                finally:
                    writer.close()
            self.causes[self._judge(answer)] += 1
        except TimeoutError:
            self.causes["no answer in time"] += 1
        except OSError as error:
            self.causes[errno.errorcode.get(error.errno or 0, str(error))] += 1
        self.seconds.append(time.monotonic() - began)

    def _judge(self, answer: bytes) -> str:
        head, separator, body = answer.partition(b"\r\n\r\n")
        if not separator or not body:
            return "answer cut short"
        if b" 200 " not in head.split(b"\r\n")[0]:
            return head.split(b"\r\n")[0].decode()
        self.pods[body.decode()] += 1
        return "answered"


async def measure(cluster: Instance, rate: float) -> tuple[Load, float, float]:
    load, stop = Load(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(load.run(rate, stop))
        await asyncio.sleep(SECONDS_AFTER)
        began = time.monotonic()
        await asyncio.to_thread(cluster.kubectl, "rollout", "restart", "deployment/web")
        await asyncio.to_thread(
            cluster.kubectl, "rollout", "status", "deployment/web", "--timeout=60s"
        )
        took = time.monotonic() - began
        await asyncio.sleep(SECONDS_AFTER)
        stop.set()
    return load, running.result(), took


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=2000)
    parser.add_argument("--net", default="rootless")
    options = parser.parse_args()
    with instance("bench-rollout", options=["--net", options.net]) as cluster:
        cluster.apply(MANIFESTS)
        cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
        load, rate, took = asyncio.run(measure(cluster, options.rate))
    total = sum(load.causes.values())
    load.seconds.sort()
    p50, p99 = (load.seconds[int(total * part)] * 1000 for part in (0.5, 0.99))
    print(f"{total} requests at {rate:.0f}/s (asked for {options.rate:.0f}/s), {options.net}")
    print(f"rollout of 10 replicas: {took:.1f} s; {len(load.pods)} pods answered")
    print(f"latency: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    for cause, number in load.causes.most_common():
        print(f"{number:8d}  {cause}")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        raise SystemExit(str(error)) from None

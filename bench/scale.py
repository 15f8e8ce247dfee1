"""Ten thousand Services with fifty thousand endpoints: the proxy alone, in both modes.

Prints the time from objects to serving, the time one changed endpoint takes, memory and
descriptors; in brackets the CPU time, which says more on a busy machine. Needs root, for a network
namespace of its own. Run: ``python -m bench.scale``.
"""

import asyncio
import os
import random
import resource
import statistics
import sys
import time
from dataclasses import replace

from bench.proxynet import own_network
from netemu.clock import SystemClock
from netemu.config.settings import NetMode, NetworkSettings, ProxyMode
from netemu.fabric.host import LocalSockets
from netemu.fabric.interception import LocalInterception
from netemu.fabric.ranges import addressing
from netemu.model import resources
from netemu.model.latest import Latest
from netemu.model.meta import Object
from netemu.model.snapshot import Snapshot, advance, listed
from netemu.proxy.server import serve_proxy

SERVICES = 10_000
ENDPOINTS = 5
"""Of each Service."""
CHANGES = 300


def service(number: int) -> Object:
    address = f"10.97.{number // 250}.{number % 250 + 1}"
    return {
        "metadata": {"namespace": "default", "name": f"web-{number}"},
        "spec": {"clusterIPs": [address], "ports": [{"name": "http", "port": 80}]},
    }


def endpoints(number: int, last: int) -> Object:
    hosts = [*range(ENDPOINTS - 1), last]
    return {
        "metadata": {
            "namespace": "default",
            "name": f"web-{number}-1",
            "labels": {"kubernetes.io/service-name": f"web-{number}"},
        },
        "addressType": "IPv4",
        "ports": [{"name": "http", "protocol": "TCP", "port": 8080}],
        "endpoints": [
            {"addresses": [f"10.244.{(number * 5 + host) // 250 % 250}.{host + 1}"]}
            for host in hosts
        ],
    }


def whole() -> Snapshot:
    objects = [
        each
        for number in range(SERVICES)
        for each in (
            (resources.SERVICES, service(number)),
            (resources.ENDPOINT_SLICES, endpoints(number, 4)),
        )
    ]
    return replace(listed(objects), synced=True)


async def measure(mode: ProxyMode) -> None:
    start, start_cpu = time.perf_counter(), time.process_time()
    latest = Latest(whole())
    built, used = time.perf_counter() - start, time.process_time()
    interception = LocalInterception()
    async with serve_proxy(
        latest,
        addressing(NetMode.ROOT, NetworkSettings(), 2, 77),
        nodes=2,
        cluster=LocalSockets(),
        host=LocalSockets(),
        clock=SystemClock(),
        rng=random.Random(1),
        interception=interception,
        mode=mode,
    ):
        serving, cpu = time.perf_counter() - start - built, time.process_time() - used
        times = []
        rng = random.Random(2)
        for _ in range(CHANGES):
            number = rng.randrange(SERVICES)
            begin = time.perf_counter()
            old, new = endpoints(number, 4), endpoints(number, 5)
            latest.replace(advance(latest.value, resources.ENDPOINT_SLICES, old, new))
            latest.replace(advance(latest.value, resources.ENDPOINT_SLICES, new, old))
            times.append((time.perf_counter() - begin) / 2 * 1000)
        times.sort()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{mode:10} snapshot {built:5.2f} s ({used - start_cpu:.2f}),"
            f" serving {serving:5.2f} s more ({cpu:.2f}); one change"
            f" {statistics.median(times):5.2f} ms, p99 {times[int(len(times) * 0.99)]:5.2f} ms;"
            f" {memory:4.0f} MB, {len(os.listdir('/proc/self/fd'))} descriptors"
        )


def main() -> None:
    if os.geteuid():
        sys.exit("bench.scale needs root")
    for mode in (ProxyMode.USERSPACE, ProxyMode.NFTABLES):
        pid = os.fork()
        if pid == 0:
            os.close(own_network())
            asyncio.run(measure(mode))
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()

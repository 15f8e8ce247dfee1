"""How long until a pod's readiness, once written, is what DNS answers and the proxy does.

The real registry, controllers, DNS and proxy in one process on loopback addresses; the client asks
over sockets from a process of its own. The pod's readiness is flipped; what is timed is the
way through the endpointslice controller and the snapshot to the first changed answer.
"""

import asyncio
import multiprocessing
import random
import socket
import time
from contextlib import AsyncExitStack
from ipaddress import IPv4Address, IPv4Network
from multiprocessing.connection import Connection

import dnslib

from bench.figures import percentile, told
from netemu.api.registry import Registry
from netemu.clock import SystemClock
from netemu.config.settings import ControllerSettings, DnsSettings
from netemu.controllers import bootstrap, run_controllers
from netemu.daemon.follow import follow
from netemu.dns.server import DnsListener, serve_dns
from netemu.fabric.host import LocalSockets
from netemu.model.addressing import Addressing
from netemu.model.client import Client
from netemu.model.latest import Latest
from netemu.model.meta import Object, copied
from netemu.model.resources import NODES, PODS, SERVICES
from netemu.model.snapshot import EMPTY
from netemu.proxy.server import serve_proxy
from netemu.store.memory import MemoryStore
from netemu.tasks import task_group

FLIPS = 300
BLOCK = 250
ADDRESSING = Addressing(
    services=IPv4Network(f"127.{BLOCK}.0.0/18"),
    pods=IPv4Network(f"127.{BLOCK}.128.0/17"),
    nodes=IPv4Network(f"127.{BLOCK}.64.0/24"),
    load_balancers=(IPv4Address(f"127.{BLOCK}.64.240"), IPv4Address(f"127.{BLOCK}.64.250")),
    block=BLOCK,
    mirrored=False,
)
POD_IP = f"127.{BLOCK}.128.2"
VIP = f"127.{BLOCK}.0.77"
PORT = 8080
NAME = "web.default.svc.cluster.local"


def pod() -> Object:
    return {
        "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}},
        "spec": {"nodeName": "node-1", "containers": [{"name": "c", "image": "pause"}]},
    }


def service(name: str, ip: str) -> Object:
    ports = [{"port": PORT}]
    spec = {"selector": {"app": "web"}, "clusterIP": ip, "ports": ports}
    return {"metadata": {"name": name, "namespace": "default"}, "spec": spec}


async def flip(client: Client, ready: bool) -> None:
    stored = client.get(PODS, "default", "web")
    assert stored is not None
    obj = copied(stored)
    obj["status"] = {
        "phase": "Running",
        "podIP": POD_IP,
        "podIPs": [{"ip": POD_IP}],
        "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
    }
    await client.update_status(PODS, obj)


def watch(pipe: Connection, dns: int) -> None:
    """The client: for each wanted state, when DNS and when the proxy first showed it."""
    question = dnslib.DNSRecord.question(NAME).pack()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(("127.0.0.1", dns))
    while True:
        wanted = pipe.recv()
        if wanted is None:
            return
        pipe.send("looking")
        seen: dict[str, float] = {}
        while len(seen) < 2:
            sock.send(question)
            answered = int.from_bytes(sock.recv(512)[6:8], "big") > 0
            if answered is wanted:
                seen.setdefault("dns", time.monotonic())
            if accepts() is wanted:
                seen.setdefault("proxy", time.monotonic())
        pipe.send(seen)


def accepts() -> bool:
    try:
        socket.create_connection((VIP, PORT), 1.0).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return False
    return True


async def measure() -> dict[str, list[float]]:
    """Seconds for each flip, as DNS and as the proxy showed it."""
    clock, rng, latest = SystemClock(), random.Random(1), Latest(EMPTY)
    sockets = LocalSockets()
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(
            Registry(MemoryStore(), clock=clock, rng=rng, addressing=ADDRESSING)
        )
        client = registry.client("bench")
        await bootstrap(client, ADDRESSING)
        tasks = await stack.enter_async_context(task_group())
        loops = run_controllers(
            registry.client, registry.recorder, clock, ADDRESSING, ControllerSettings(), "CA"
        )
        await client.create(NODES, {"metadata": {"name": "node-1"}})
        tasks.start(loops, name="controllers")
        tasks.start(follow(client, latest), name="snapshot")
        udp = sockets.bind_udp("127.0.0.1", 0)
        port = udp.getsockname()[1]
        listener = DnsListener(udp, sockets.listen("127.0.0.1", port))
        await stack.enter_async_context(serve_dns(latest, DnsSettings(), [listener], rng))
        await stack.enter_async_context(
            serve_proxy(
                latest, ADDRESSING, nodes=1, cluster=sockets, host=None, clock=clock, rng=rng
            )
        )
        backend = stack.enter_context(sockets.listen(POD_IP, PORT))
        tasks.start(accept(backend), name="pod")
        await asyncio.sleep(0.2)  # bootstrap's namespaces get their service account
        await client.create(PODS, pod())
        await client.create(SERVICES, service("web", "None"))
        await client.create(SERVICES, service("vip", VIP))
        return await flips(client, port)


async def accept(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        (await loop.sock_accept(sock))[0].close()


async def flips(client: Client, dns: int) -> dict[str, list[float]]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=watch, args=(theirs, dns), daemon=True)
    process.start()
    took: dict[str, list[float]] = {"dns": [], "proxy": []}
    ready = False
    await flip(client, ready)
    await asyncio.sleep(0.2)
    for _ in range(FLIPS):
        ready = not ready
        ours.send(ready)
        await asyncio.to_thread(ours.recv)
        began = time.monotonic()
        await flip(client, ready)
        seen = await asyncio.to_thread(ours.recv)
        for where, when in seen.items():
            took[where].append(when - began)
    ours.send(None)
    await asyncio.to_thread(process.join)
    return took


def main() -> None:
    for where, seconds in asyncio.run(measure()).items():
        name = f"a pod's readiness, seen by {where}"
        print(told(name, [s * 1000 for s in seconds], "ms"))
        share = percentile(seconds, 0.99) * 1000
        print(f"{'':<46} {share:8.2f} ms   at the 99th percentile   (aim ≤ 20)")


if __name__ == "__main__":
    main()

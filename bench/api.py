"""The API as a client meets it: over TLS, against a whole daemon in a process of its own.

Single requests are timed one by one on one connection, without a client library; the thousand
Services come by server-side apply on twenty. Memory is that of a process which writes through the
registry: after the history has filled up, 100,000 writes more must not make it grow. Run:
``python -m bench.api``.
"""

import asyncio
import base64
import gc
import json
import os
import random
import ssl
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from http.client import HTTPSConnection
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from bench.figures import told
from netemu.api.registry import Registry
from netemu.api.writeoptions import WriteOptions
from netemu.clock import SystemClock
from netemu.model.addressing import Addressing
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY, CONFIG_MAPS, NAMESPACES
from netemu.store.memory import MemoryStore
from netemu.testing import Instance, instance

REQUESTS = 500
PODS = 1000
WATCHERS = 100
CHANGES = 50
SERVICES = 1000
CONNECTIONS = 20
WARM_UP = 30_000
"""Writes until the history is full and the allocator has what it needs."""
WRITES = 100_000
HOME = "/api/v1/namespaces/default"
APPLY = "application/apply-patch+yaml"


def milliseconds(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return (time.perf_counter() - begin) * 1000


class Client:
    """The administrator, on one connection."""

    def __init__(self, host: str, tls: ssl.SSLContext) -> None:
        self._connection = HTTPSConnection(host, context=tls, timeout=30)

    def ask(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        raw = None if body is None else json.dumps(body)
        self._connection.request(method, path, raw, {"Content-Type": kind})
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status < 300, content
        return content


def credentials(cluster: Instance) -> tuple[str, ssl.SSLContext]:
    """The server's host:port, and TLS for its administrator."""
    said = yaml.safe_load(Path(cluster.env["KUBECONFIG"]).read_text())
    server, user = said["clusters"][0]["cluster"], said["users"][0]["user"]
    authority = base64.b64decode(server["certificate-authority-data"]).decode()
    tls = ssl.create_default_context(cadata=authority)
    with tempfile.TemporaryDirectory() as folder:
        both = Path(folder) / "client.pem"
        keys = ("client-certificate-data", "client-key-data")
        both.write_bytes(b"".join(base64.b64decode(user[key]) for key in keys))
        tls.load_cert_chain(both)
    return urlsplit(server["server"]).netloc, tls


def spent(cluster: Instance) -> float:
    """Seconds of CPU time that the daemon has used."""
    words = Path(f"/proc/{cluster.facts['pid']}/stat").read_text().rpartition(") ")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def single_requests(client: Client) -> None:
    paths = iter(range(REQUESTS + 1))
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"key": "value"}}

    def create() -> None:
        metadata = {"name": f"m{next(paths)}"}
        client.ask("POST", f"{HOME}/configmaps", {**body, "metadata": metadata})

    create()
    gets = [
        milliseconds(lambda: client.ask("GET", f"{HOME}/configmaps/m0")) for _ in range(REQUESTS)
    ]
    print(told("GET of one object", gets, "ms", "≤ 1"))
    creates = [milliseconds(create) for _ in range(REQUESTS)]
    print(told("create", creates, "ms", "≤ 2"))


def lists(client: Client) -> None:
    spec = {
        "containers": [{"name": "c", "image": "pause"}],
        "schedulingGates": [{"name": "bench.netemu.dev/never"}],
    }
    for number in range(PODS):
        client.ask("POST", f"{HOME}/pods", {"metadata": {"name": f"p{number}"}, "spec": spec})
    times = [milliseconds(lambda: client.ask("GET", f"{HOME}/pods")) for _ in range(20)]
    print(told(f"list of {PODS} pods", times, "ms", "≤ 60"))


async def watchers(host: str, tls: ssl.SSLContext) -> list[float]:
    """How long until a change has reached every watcher, from before it is sent."""
    address, _, port = host.partition(":")

    async def connect(path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(address, int(port), ssl=tls)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        return reader, writer

    path = f"{HOME}/configmaps?watch=1&fieldSelector=metadata.name%3Dm0&resourceVersion=0"
    opened = [await connect(path) for _ in range(WATCHERS)]
    for reader, _ in opened:
        await reader.readuntil(b"}\n\r\n")
    _, writer = await connect(f"{HOME}/configmaps/m0")
    times = []
    for number in range(CHANGES):
        raw = json.dumps({"data": {"key": f"v{number}"}}).encode()
        head = (
            f"PATCH {HOME}/configmaps/m0 HTTP/1.1\r\nHost: {host}\r\n"
            f"Content-Type: application/merge-patch+json\r\nContent-Length: {len(raw)}\r\n\r\n"
        )
        begin = time.perf_counter()
        writer.write(head.encode() + raw)
        await asyncio.gather(*(reader.readuntil(b"}\n\r\n") for reader, _ in opened))
        times.append((time.perf_counter() - begin) * 1000)
    for _, one in (*opened, (None, writer)):
        one.close()
    return times


def services(host: str, tls: ssl.SSLContext) -> float:
    """Seconds for a thousand Services, applied on twenty connections."""

    def apply(first: int) -> None:
        client = Client(host, tls)
        for number in range(first, SERVICES, CONNECTIONS):
            service = {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": f"s{number}"},
                "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
            }
            path = f"{HOME}/services/s{number}?fieldManager=bench"
            client.ask("PATCH", path, service, APPLY)

    threads = [threading.Thread(target=apply, args=(n,)) for n in range(CONNECTIONS)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begin


def resident() -> float:
    """This process' memory, in MB."""
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def with_data(value: str, obj: Object) -> Object:
    return {**obj, "data": {"key": value}}


async def memory() -> None:
    networks = [IPv4Network(text) for text in ("10.96.0.0/12", "10.244.0.0/16", "172.30.0.0/24")]
    addressing = Addressing(
        services=networks[0],
        pods=networks[1],
        nodes=networks[2],
        load_balancers=(IPv4Address("172.30.0.240"), IPv4Address("172.30.0.250")),
        block=77,
        mirrored=False,
    )
    registry = Registry(
        MemoryStore(), clock=SystemClock(), rng=random.Random(1), addressing=addressing
    )
    await registry.client("bench").create(NAMESPACES, {"metadata": {"name": "default"}})
    maps, options = BY_KEY[CONFIG_MAPS], WriteOptions(manager="bench")
    for number in range(100):
        metadata = {"name": f"m{number}"}
        new = {"kind": maps.kind, "apiVersion": "v1", "metadata": metadata, "data": {}}
        await registry.create(maps, "default", new, options)

    async def write(count: int) -> None:
        for number in range(count):
            change = partial(with_data, f"value {number}")
            await registry.update(maps, ("default", f"m{number % 100}"), change, options)

    await write(WARM_UP)
    before, begin = resident(), time.process_time()
    await write(WRITES)
    spent = (time.process_time() - begin) / WRITES * 1000
    print(
        f"{f'memory after {WRITES} writes':<46} {resident() - before:+8.2f} MB   "
        f"(of {before:.0f} MB; aim ± 0; {spent:.2f} ms of CPU per write)"
    )


def main() -> None:
    with instance("bench-api") as cluster:
        host, tls = credentials(cluster)
        client = Client(host, tls)
        single_requests(client)
        before = spent(cluster)
        times = asyncio.run(watchers(host, tls))
        cpu = (spent(cluster) - before) / CHANGES * 1000
        print(told(f"one change to {WATCHERS} watchers", times, "ms", f"≤ 10; {cpu:.1f} of CPU"))
        lists(client)
        before = spent(cluster)
        seconds = services(host, tls)
        what = f"{SERVICES} Services applied on {CONNECTIONS} connections"
        print(f"{what:<46} {seconds:8.2f} s    (aim ≤ 3; {spent(cluster) - before:.2f} s of CPU)")
    asyncio.run(memory())


if __name__ == "__main__":
    main()

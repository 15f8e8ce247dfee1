"""The whole daemon with ten thousand Services and fifty thousand endpoints in its store.

Prints how long it takes from those objects to serving, what one changed endpoint costs from the
request on, memory and descriptors. Objects are put into the store's file directly, as clones of a
Service, its slice and its IPAddress that went through the API; every Service has a virtual address,
some have a node port, which takes a socket on the host's side.
Run: ``python -m bench.many [root]``.
"""

import json
import os
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from bench.figures import percentile, told
from netemu.model import resources
from netemu.testing import Instance

SERVICES = 10_000
ENDPOINTS = 5
"""Of each Service."""
NODE_PORTS = 20
"""Of how many Services one has a node port."""
CHANGES = 300
WARM = 20
"""Changes before those that count."""
TEMPLATE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: web-1
  labels: {kubernetes.io/service-name: web, endpointslice.kubernetes.io/managed-by: bench}
addressType: IPv4
ports: [{name: http, protocol: TCP, port: 8080}]
endpoints: [{addresses: [10.244.0.1], conditions: {ready: true}}]
"""
_ROWS = """SELECT resource, raw FROM objects
    WHERE name IN ('web', 'web-1') OR raw ->> '$.spec.parentRef.name' = 'web'"""
_PUT = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)"
_SET = "INSERT OR REPLACE INTO meta VALUES ('revision', ?)"


def fill(file: Path) -> None:
    """Clone the template in a store's file."""
    with closing(sqlite3.connect(file)) as database:
        [[revision]] = database.execute("SELECT value FROM meta WHERE key = 'revision'")
        rows = dict(database.execute(_ROWS).fetchall())
        for number in range(SERVICES):
            for resource, raw in rows.items():
                obj = json.loads(raw)
                CLONES[resource](obj, number)
                metadata = obj["metadata"]
                revision += 1
                metadata |= {"uid": str(uuid.uuid4()), "resourceVersion": str(revision)}
                text = json.dumps(obj, separators=(",", ":")).encode()
                key = resource, metadata.get("namespace", ""), metadata["name"]
                database.execute(_PUT, (*key, revision, text))
        database.execute(_SET, (revision,))
        database.commit()


def service(obj: dict[str, dict[str, object]], number: int) -> None:
    obj["metadata"]["name"] = f"web-{number}"
    address = cluster_ip(number)
    obj["spec"] |= {"clusterIP": address, "clusterIPs": [address]}
    if number % NODE_PORTS == 0:
        obj["spec"]["type"] = "NodePort"
        obj["spec"]["ports"][0]["nodePort"] = 30000 + number // NODE_PORTS  # type: ignore[index]


def cluster_ip(number: int) -> str:
    return f"10.97.{number // 250}.{number % 250 + 1}"


def ip_address(obj: dict[str, dict[str, object]], number: int) -> None:
    obj["metadata"]["name"] = cluster_ip(number)
    obj["spec"]["parentRef"] |= {"name": f"web-{number}"}  # type: ignore[operator]


def endpoint_slice(obj: dict[str, object], number: int) -> None:
    obj["metadata"] |= {"name": f"web-{number}-1"}  # type: ignore[operator]
    obj["metadata"]["labels"]["kubernetes.io/service-name"] = f"web-{number}"  # type: ignore[index]
    obj["endpoints"] = endpoints(number, number)


CLONES: dict[str, Callable[[Any, int], None]] = {
    resources.SERVICES: service,
    resources.ENDPOINT_SLICES: endpoint_slice,
    resources.IP_ADDRESSES: ip_address,
}


def endpoints(number: int, change: int) -> list[dict[str, object]]:
    hosts = [number * ENDPOINTS + each for each in range(ENDPOINTS - 1)] + [60_000 + change % 5000]
    return [
        {"addresses": [f"10.244.{host // 256}.{host % 256}"], "conditions": {"ready": True}}
        for host in hosts
    ]


def changes(kubeconfig: Path) -> Iterator[float]:
    """Seconds from a request to change an endpoint until a next request is answered.

    By then the loop has been through what the change caused: the snapshot is replaced in the turn
    after the write, and the proxy follows inside that call.
    """
    config = yaml.safe_load(kubeconfig.read_text())
    [cluster], [user] = config["clusters"], config["users"]
    server = urlsplit(cluster["cluster"]["server"])
    trusted = context(cluster, user)
    path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/web-{}-1"
    headers = {"Content-Type": "application/merge-patch+json"}
    with closing(
        HTTPSConnection(server.hostname or "", server.port, context=trusted)
    ) as connection:
        for change in range(CHANGES + WARM):
            number = change * 7919 % SERVICES
            body = json.dumps({"endpoints": endpoints(number, change + 1)})
            began = time.perf_counter()
            connection.request("PATCH", path.format(number), body, headers)
            reply = connection.getresponse()
            text = reply.read()
            if reply.status != HTTPStatus.OK:
                raise SystemExit(text.decode())
            connection.request("GET", "/livez")
            connection.getresponse().read()
            if change >= WARM:
                yield time.perf_counter() - began


def context(cluster: dict[str, dict[str, str]], user: dict[str, dict[str, str]]) -> ssl.SSLContext:
    """As the kubeconfig has it."""
    from base64 import b64decode

    ca = b64decode(cluster["cluster"]["certificate-authority-data"]).decode()
    made = ssl.create_default_context(cadata=ca)
    with tempfile.NamedTemporaryFile() as file:
        file.write(b64decode(user["user"]["client-certificate-data"]))
        file.write(b64decode(user["user"]["client-key-data"]))
        file.flush()
        made.load_cert_chain(file.name)
    return made


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int) -> float:
    [line] = [
        each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in each
    ]
    return int(line.split()[1]) / 1024


def main() -> None:
    net = sys.argv[1] if len(sys.argv) > 1 and sys.argv[0].endswith("many.py") else "rootless"
    with tempfile.TemporaryDirectory(prefix="netemu-bench-") as folder:
        made = Instance("many", Path(folder), options=["--net", net])
        populate(made)
        began = time.perf_counter()
        made.up()
        took = time.perf_counter() - began
        try:
            report(made, took)
        finally:
            made.netemu("down", "--purge")


def populate(made: Instance) -> None:
    """Give an instance that is down all those objects."""
    made.up()
    made.apply(TEMPLATE)
    made.netemu("down")
    fill(made.state_dir / made.name / "store.db")


def report(made: Instance, took: float) -> None:
    status = json.loads(made.netemu("status", "-o", "json").stdout)
    pid = status["pid"]
    used = cpu_seconds(pid)
    print(f"{SERVICES} Services, {SERVICES * ENDPOINTS} endpoints, {status['net']}")
    print(told("daemon's start to serving", [status["startSeconds"]], "s", "≤ 3"))
    print(told("`netemu up --detach`, the whole command", [took], "s"))
    print(told("daemon's CPU time by then", [used], "s"))
    times = [each * 1000 for each in changes(made.state_dir / made.name / "kubeconfig")]
    print(told("one endpoint's change, from the request on", times, "ms"))
    print(f"{'':<46} {percentile(times, 0.99):8.2f} ms   at the 99th percentile (aim ≤ 10)")
    cost = (cpu_seconds(pid) - used) / (CHANGES + WARM) * 1000
    print(told("daemon's CPU time for one", [cost], "ms"))
    print(told("daemon's memory (RSS)", [megabytes(pid)], "MB", "≤ 400"))
    print(f"{len(os.listdir(f'/proc/{pid}/fd'))} descriptors (aim ≤ 1000)")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        raise SystemExit(str(error)) from None

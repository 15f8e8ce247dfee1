"""A small cluster with one of each kind of Service, and how tests read what DNS says of it."""

import random
from ipaddress import ip_address
from typing import Any

import dnslib

from netemu.config.settings import DnsSettings
from netemu.dns.answer import Answer
from netemu.dns.chain import Configuration
from netemu.dns.defaults import corefile_of
from netemu.dns.domain import Domain
from netemu.dns.nodes import View
from netemu.dns.observation import Observers
from netemu.dns.plugins.table import configuration_from
from netemu.dns.records import Name, Record, Soa, Srv, Type, name_from
from netemu.dns.responder import Asker, Responder
from netemu.dns.world import World
from netemu.model import resources
from netemu.model.latest import Latest
from netemu.model.meta import Object
from netemu.model.snapshot import EMPTY, Snapshot, advance

DOMAIN = Domain(name_from("cluster.local"), 5)


def namespace(name: str) -> Object:
    return {"metadata": {"name": name}}


def service(name: str, *ips: str, ports: tuple[str, ...] = (), **spec: Any) -> Object:
    """A Service in `default`, or as "namespace/name"; ports as "name:80/TCP"."""
    where, _, what = name.rpartition("/")
    return {
        "metadata": {"namespace": where or "default", "name": what},
        "spec": {"clusterIPs": list(ips), "ports": [_port(port) for port in ports]} | spec,
    }


def _port(text: str) -> Object:
    name, _, rest = text.rpartition(":")
    number, _, protocol = rest.partition("/")
    return {"name": name, "port": int(number), "protocol": protocol or "TCP"}


def endpoint_slice(
    of: str, *endpoints: Object, ports: tuple[str, ...] = (), name: str = ""
) -> Object:
    """A slice of a Service in `default`."""
    where, _, what = of.rpartition("/")
    v6 = any(":" in endpoint["addresses"][0] for endpoint in endpoints)
    return {
        "metadata": {
            "namespace": where or "default",
            "name": name or f"{what}-1",
            "labels": {"kubernetes.io/service-name": what},
        },
        "addressType": "IPv6" if v6 else "IPv4",
        "endpoints": list(endpoints),
        "ports": [_port(port) for port in ports],
    }


def endpoint(address: str, *, hostname: str = "", **conditions: bool) -> Object:
    made: Object = {"addresses": [address], "conditions": conditions}
    return made | ({"hostname": hostname} if hostname else {})


def external(name: str, target: str) -> Object:
    return service(name, type="ExternalName", externalName=target)


NAMESPACES = [namespace(name) for name in ("default", "bare", "svc", "com", "kube-system")]
SERVICES = [
    service("web", "10.96.0.7", ports=("http:80", "metrics:9090")),
    service("node-port", "10.96.0.8", ports=("http:80",), type="NodePort"),
    service("idle", "10.96.0.9", ports=("http:80",)),
    service("dual", "fd00:10:96::3", "10.96.0.3", ports=("http:80",)),
    service("unnamed", "10.96.0.4", ports=(":80",)),
    service("both", "10.96.0.5", ports=("dns:53/UDP", "dns-tcp:53/TCP")),
    service("db", "None", ports=("pg:5432",)),
    service("only6", "None", ports=("pg:5432",)),
    service("down", "None", ports=("pg:5432",)),
    service("early", "None", ports=("pg:5432",), publishNotReadyAddresses=True),
    service("portless", "None"),
    service("crowd", "None", ports=("http:80",)),
    service("mixed", "None", ports=("http:80", "admin:81")),
    service("big", "None", ports=("http:80",)),
    external("ext", "www.example.org"),
    external("ext-dot", "www.example.org."),
    external("ext-web", "web.default.svc.cluster.local"),
    external("ext-ext", "ext-web.default.svc.cluster.local"),
    external("ext-ext-out", "ext.default.svc.cluster.local"),
    external("ext-self", "ext-self.default.svc.cluster.local"),
    external("ext-ping", "ext-pong.default.svc.cluster.local"),
    external("ext-pong", "ext-ping.default.svc.cluster.local"),
    external("ext-gone", "gone.default.svc.cluster.local"),
    external("ext-ip", "10.1.2.3"),
    external("ext-ip6", "fd00::1"),
    external("ext-version", "dns-version.cluster.local"),
    service("svc/svc", "10.96.0.20", ports=("http:80",)),
    service("svc/pod", "10.96.0.21", ports=("http:80",)),
    service("com/google", "10.96.0.22", ports=("http:80",)),
    service("kube-system/kube-dns", "10.96.0.10", ports=("dns:53/UDP", "dns-tcp:53/TCP")),
    *(
        external(f"hop-{number}", f"hop-{number + 1}.default.svc.cluster.local")
        for number in range(12)
    ),
    service("hop-12", "10.96.0.30"),
]
SLICES = [
    endpoint_slice(
        "web",
        endpoint("10.244.0.5", hostname="web-0"),
        endpoint("10.244.0.6"),
        ports=("http:8080",),
    ),
    endpoint_slice(
        "db",
        endpoint("10.244.0.10", hostname="db-0"),
        endpoint("10.244.0.11"),
        endpoint("10.244.0.12", hostname="db-2", ready=False, serving=True),
        ports=("pg:5433",),
    ),
    endpoint_slice("db", endpoint("10.244.0.11"), ports=("pg:5433",), name="db-2"),
    endpoint_slice(
        "db", endpoint("fd00:10:244::10", hostname="db-0"), ports=("pg:5433",), name="db-6"
    ),
    endpoint_slice("only6", endpoint("fd00:10:244::"), ports=("pg:5432",)),
    endpoint_slice("down", endpoint("10.244.0.13", ready=False), ports=("pg:5432",)),
    endpoint_slice(
        "early",
        endpoint("10.244.0.14", ready=True, serving=False, terminating=True),
        ports=("pg:5432",),
    ),
    endpoint_slice("portless", endpoint("10.244.0.15")),
    endpoint_slice(
        "crowd",
        endpoint("10.244.0.16", hostname="same"),
        endpoint("10.244.0.17", hostname="same"),
        ports=("http:80",),
    ),
    endpoint_slice("mixed", endpoint("10.244.0.10"), ports=("http:80",), name="mixed-1"),
    endpoint_slice("mixed", endpoint("10.244.0.19"), ports=("admin:81",), name="mixed-2"),
    endpoint_slice(
        "big",
        *(endpoint(f"10.244.1.{number}") for number in range(60)),
        ports=("http:80",),
    ),
]


def snapshot_of(
    namespaces: list[Object], services: list[Object], slices: list[Object], *, synced: bool = True
) -> Snapshot:
    snapshot = EMPTY
    for resource, objects in (
        (resources.NAMESPACES, namespaces),
        (resources.SERVICES, services),
        (resources.ENDPOINT_SLICES, slices),
    ):
        for obj in objects:
            snapshot = advance(snapshot, resource, None, obj)
    return Snapshot(
        synced=synced,
        revision=snapshot.revision,
        services=snapshot.services,
        slices=snapshot.slices,
        owners=snapshot.owners,
        pods=snapshot.pods,
        namespaces=snapshot.namespaces,
    )


CLUSTER = snapshot_of(NAMESPACES, SERVICES, SLICES)


def text_of(name: Name) -> str:
    return b".".join(name).decode("latin-1")


def shown(record: Record) -> str:
    """A record as in a zone file, without owner, class and TTL."""
    data = record.data
    match data:
        case bytes() if record.type == Type.TXT:
            return f"TXT {data.decode()}"
        case bytes():
            return f"{Type(record.type).name} {ip_address(data)}"
        case Srv():
            return f"SRV {data.priority} {data.weight} {data.port} {text_of(data.target)}"
        case Soa():
            return f"SOA {text_of(data.origin)} {data.minimum}"
        case _:
            return f"{Type(record.type).name} {text_of(data)}"


def answers(answer: Answer) -> list[str]:
    """The records of the answer section."""
    return [shown(record) for record in answer.records]


OUTSIDE = ("192.0.2.53", 53)
"""The server for names of others; nobody is there."""


def configured(corefile: str = "", **files: str) -> Configuration:
    """A Corefile's meaning, by default that of the settings."""

    def read(path: str) -> str:
        name = path.rpartition("/")[2].replace(".", "_")
        if name not in files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return files[name]

    text = corefile or corefile_of(DnsSettings(forward=OUTSIDE[0]))
    return configuration_from(text, World(read=read, environment={"UP": "192.0.2.54"}))


CLIENT = ("10.244.0.5", 40000)


def responder(
    snapshot: Snapshot = CLUSTER,
    *,
    view: View | None = None,
    stream: bool = False,
    latest: Latest[Snapshot] | None = None,
    corefile: str = "",
    asker: Asker | None = None,
    observers: Observers | None = None,
    by_ipv6: bool = False,
) -> Responder:
    return Responder(
        latest or Latest(snapshot),
        Latest(configured(corefile)),
        view or View(own=("10.96.0.10",)),
        random.Random(7),
        stream=stream,
        asker=asker,
        observers=observers,
        by_ipv6=by_ipv6,
    )


def packet(name: str, kind: str | int = "A", *, ident: int = 1, edns: int = 0) -> bytes:
    """A query with RD, built by another library than ours."""
    number = kind if isinstance(kind, int) else int(getattr(dnslib.QTYPE, kind))
    query = dnslib.DNSRecord(dnslib.DNSHeader(id=ident, rd=1), q=dnslib.DNSQuestion(name, number))
    if edns:
        query.add_ar(dnslib.EDNS0(udp_len=edns))
    return bytes(query.pack())


def replies_to(one: Responder, query: bytes, client: tuple[str, int] = CLIENT) -> list[bytes]:
    """What is sent for `query`."""
    sent: list[bytes] = []
    one.handle(query, client, lambda reply: sent.append(bytes(reply)))
    return sent


def reply_to(one: Responder, query: bytes, client: tuple[str, int] = CLIENT) -> Any:
    """The one reply, read by another library than ours."""
    (reply,) = replies_to(one, query, client)
    return dnslib.DNSRecord.parse(reply)

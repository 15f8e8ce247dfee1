"""Which sockets a Service asks for."""

import dataclasses
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from immutables import Map
from msgspec import structs
from msgspec.structs import replace

from netemu.model.service import (
    EndpointPort,
    EndpointSlice,
    HostPort,
    NodePlace,
    PodAddress,
    Protocol,
    Service,
    ServicePort,
    ServiceType,
)
from netemu.model.snapshot import ServiceEntry, Snapshot
from netemu.proxy.hostports import host_port_plan
from netemu.proxy.ports import plan
from netemu.proxy.site import Backend, Listener, Site
from tests.proxy.harness import CLUSTER, HTTP, READY, UNREADY, a_service, a_slice, an_entry, wanted
from tests.support.families import BOTH, IPV6

ROOTLESS = Site(CLUSTER, nodes=2, loopback=False)
ROOT = Site(structs.replace(CLUSTER, mirrored=False), nodes=2, loopback=False)
LOOPBACK = Site(structs.replace(CLUSTER, mirrored=False), nodes=2, loopback=True)

IP, MIRROR = "cluster 10.96.0.5:80", "host 127.77.0.5:80"
NODE_PORTS = ("cluster 127.0.0.1:31000", "cluster 172.30.0.11:31000", "cluster 172.30.0.12:31000")
HOST_PORT = "host 127.0.0.1:31000"
ADMIN = ServicePort("admin", Protocol.TCP, 81)
HTTP_NODE = ServicePort("http", Protocol.TCP, 80, 31000)
DNS = ServicePort("dns", Protocol.UDP, 53)
UDP_80 = ServicePort("udp", Protocol.UDP, 80)
WEB = a_service(HTTP)
NODE_PORT = replace(a_service(HTTP_NODE), type=ServiceType.NODE_PORT)
BALANCED = replace(
    NODE_PORT, type=ServiceType.LOAD_BALANCER, load_balancer_ips=("172.30.0.240", "8.8.8.8")
)
TWO_NAMES = (EndpointPort("http", Protocol.TCP, 8080), EndpointPort("admin", Protocol.TCP, 8081))


@dataclass(frozen=True)
class Case:
    name: str
    service: Service
    expected: tuple[str, ...]
    site: Site = ROOTLESS
    slices: tuple[EndpointSlice, ...] = (a_slice(READY),)


CASES = [
    Case("its address and that one's mirror", WEB, (IP, MIRROR)),
    Case("no mirror where the host reaches the address itself", WEB, (IP,), ROOT),
    Case("no mirror where the address is the host's own", WEB, (IP,), LOOPBACK),
    Case("nothing without a usable endpoint", WEB, (), slices=(a_slice(UNREADY),)),
    Case("only ports that have endpoints", a_service(HTTP, ADMIN), (IP, MIRROR)),
    Case(
        "every port that has endpoints",
        a_service(HTTP, ADMIN),
        (IP, "cluster 10.96.0.5:81"),
        ROOT,
        (a_slice(READY, ports=TWO_NAMES),),
    ),
    Case("node ports on each node and on 127.0.0.1", NODE_PORT, (IP, *NODE_PORTS, HOST_PORT), ROOT),
    Case("node ports once where there is one side", NODE_PORT, (IP, *NODE_PORTS), LOOPBACK),
    Case(
        "no node port a type has no use for",
        replace(NODE_PORT, type=ServiceType.CLUSTER_IP),
        (IP,),
        ROOT,
    ),
    Case(
        "load balancer addresses of the cluster's own, on the Service port",
        BALANCED,
        (IP, "cluster 172.30.0.240:80", *NODE_PORTS),
        LOOPBACK,
    ),
    Case(
        "any external address but a pod's, on the Service port",
        replace(WEB, external_ips=("172.30.0.11", "192.0.2.1", "10.244.0.9", "2001:db8::1")),
        (IP, "cluster 172.30.0.11:80", "cluster 192.0.2.1:80"),
        ROOT,
    ),
    Case(
        "of external addresses the cluster's own, where others would be the machine's",
        replace(WEB, external_ips=("172.30.0.11", "192.0.2.1")),
        (IP, "cluster 172.30.0.11:80"),
        LOOPBACK,
    ),
    Case(
        "no second family",
        a_service(HTTP, cluster_ips=("fd00:10:96::5", "10.96.0.5")),
        (IP, MIRROR),
    ),
    Case("nothing when headless", replace(WEB, headless=True, cluster_ips=()), ()),
    Case("nothing when an alias", replace(WEB, type=ServiceType.EXTERNAL_NAME), ()),
    Case("nothing when another proxy has it", replace(WEB, proxied=False), ()),
    Case("nothing for SCTP", a_service(replace(DNS, protocol=Protocol.SCTP)), ()),
    Case(
        "TCP and UDP with the same number, apart",
        a_service(HTTP, UDP_80),
        (IP, f"{IP}/UDP"),
        ROOT,
        (a_slice(READY, ports=(*TWO_NAMES, EndpointPort("udp", Protocol.UDP, 8081))),),
    ),
    Case("only the one of them that has endpoints", a_service(HTTP, UDP_80), (IP,), ROOT),
]


def shown(listener: Listener) -> str:
    suffix = "" if listener.protocol is Protocol.TCP else f"/{listener.protocol}"
    return f"{listener.network} {listener.address}:{listener.port}{suffix}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_service_asks_for(case: Case) -> None:
    asked = plan(an_entry(case.service, *case.slices), case.site).listeners
    assert sorted(map(shown, asked)) == sorted(case.expected)


def test_each_listener_knows_the_port_behind_it() -> None:
    asked = plan(an_entry(a_service(HTTP, ADMIN), a_slice(READY, ports=TWO_NAMES)), ROOT)
    backends = {listener.port: backend for listener, backend in asked.listeners.items()}
    http = Backend(("default", "web"), "http", Protocol.TCP)
    admin = Backend(("default", "web"), "admin", Protocol.TCP)
    assert backends == {80: http, 81: admin}
    assert asked.endpoints == {http: (("10.244.0.2", 8080),), admin: (("10.244.0.2", 8081),)}


def snapshot_of(*entries: ServiceEntry) -> Snapshot:
    return Snapshot(synced=True, services=Map({each.service.key: each for each in entries}))


def test_the_first_by_name_gets_what_two_services_claim() -> None:
    def claiming(name: str) -> ServiceEntry:
        service = a_service(HTTP, name=name, cluster_ips=())
        return an_entry(replace(service, external_ips=("172.30.0.240",)))

    snapshot = snapshot_of(claiming("b"), claiming("a"), claiming("c"))
    (backend,) = wanted(snapshot, CLUSTER, 2, loopback=False).values()
    assert backend.service == ("default", "a")


NUMBERS = st.integers(1, 4)


@st.composite
def entries(draw: st.DrawFn) -> ServiceEntry:
    number = draw(NUMBERS)
    service = Service(
        namespace="default",
        name=f"web-{number}",
        type=draw(st.sampled_from(ServiceType)),
        cluster_ips=(f"10.96.0.{number}",),
        external_ips=draw(st.sampled_from([(), ("172.30.0.240",)])),
        ports=(ServicePort("http", Protocol.TCP, 80, 31000 + number),),
        proxied=draw(st.booleans()),
    )
    return ServiceEntry(service, draw(st.sampled_from([(), (a_slice(READY),)])))


@given(st.lists(entries()), st.booleans())
def test_every_listener_is_asked_for_by_the_service_it_leads_to(
    services: list[ServiceEntry], loopback: bool
) -> None:
    snapshot = snapshot_of(*services)
    site = Site(CLUSTER, 2, loopback)
    listeners = wanted(snapshot, CLUSTER, 2, loopback)
    for listener, backend in listeners.items():
        asked = plan(snapshot.services[backend.service], site)
        assert asked.listeners[listener] == backend
        assert asked.endpoints[backend]
    for entry in snapshot.services.values():
        assert plan(entry, site).listeners.keys() <= listeners.keys()


DUAL = Site(BOTH, nodes=2, loopback=False)
IPS = ("10.96.0.5", "fd00:10:96::5")
READY6 = replace(READY, address="fd00:10:244::2")
OF_EACH = (a_slice(READY), a_slice(READY6, name="web-2", family="IPv6"))
TWO_IPS = a_service(HTTP, cluster_ips=IPS)
TWO_IPS_NODE_PORT = replace(
    a_service(HTTP_NODE, cluster_ips=IPS),
    type=ServiceType.LOAD_BALANCER,
    external_ips=("192.0.2.1", "2001:db8::1"),
    load_balancer_ips=("172.30.0.240", "fd00:172:30::f0"),
)
SIXES = ("cluster fd00:172:30::b:31000", "cluster fd00:172:30::c:31000")
IP6 = "cluster fd00:10:96::5:80"

OF_FAMILIES = [
    Case("an address of each family", TWO_IPS, (IP, MIRROR, IP6), DUAL, OF_EACH),
    Case("of a family without endpoints none", TWO_IPS, (IP6,), DUAL, OF_EACH[1:]),
    Case(
        "node ports, external and balancer addresses of both; never [::1]",
        TWO_IPS_NODE_PORT,
        (
            IP,
            MIRROR,
            *NODE_PORTS,
            HOST_PORT,
            "cluster 192.0.2.1:80",
            "cluster 172.30.0.240:80",
            IP6,
            *SIXES,
            "cluster 2001:db8::1:80",
            "cluster fd00:172:30::f0:80",
        ),
        DUAL,
        OF_EACH,
    ),
    Case(
        "a Service of one family has nothing in the other",
        replace(TWO_IPS_NODE_PORT, cluster_ips=IPS[1:]),
        (IP6, *SIXES, "cluster 2001:db8::1:80", "cluster fd00:172:30::f0:80"),
        DUAL,
        OF_EACH,
    ),
    Case(
        "where there is just IPv6",
        TWO_IPS_NODE_PORT,
        (IP6, *SIXES, "cluster 2001:db8::1:80", "cluster fd00:172:30::f0:80"),
        Site(IPV6, nodes=2, loopback=False),
        OF_EACH,
    ),
    Case(
        "pods' addresses are nobody's",
        replace(TWO_IPS, external_ips=("fd00:10:244::9",)),
        (IP, MIRROR, IP6),
        DUAL,
        OF_EACH,
    ),
    Case(
        "a stopped node's neither",
        replace(TWO_IPS_NODE_PORT, cluster_ips=IPS[1:], external_ips=(), load_balancer_ips=()),
        (IP6, SIXES[1]),
        dataclasses.replace(DUAL, silent=frozenset({"172.30.0.11", "fd00:172:30::b"})),
        OF_EACH,
    ),
]


@pytest.mark.parametrize("case", OF_FAMILIES, ids=lambda case: case.name)
def test_of_two_families_a_service_asks_for(case: Case) -> None:
    found = plan(an_entry(case.service, *case.slices), case.site)
    assert sorted(map(shown, found.listeners)) == sorted(case.expected)
    for listener, backend in found.listeners.items():
        family = "IPv6" if ":" in listener.address else "IPv4"
        endpoints = found.endpoints[backend]
        assert backend.family == family
        assert {":" in address for address, _ in endpoints} == {family == "IPv6"}


def test_a_pods_host_port_is_at_both_addresses_of_its_node() -> None:
    pod = PodAddress(
        namespace="default",
        name="a",
        node="node-1",
        ips=("10.244.0.2", "fd00:10:244::2"),
        host_ports=(HostPort("", Protocol.TCP, 8000, 80),),
    )
    node = NodePlace(name="node-1", address="172.30.0.11", secondary="fd00:172:30::b")
    found = host_port_plan(pod, DUAL, {"node-1": node})
    ends = {shown(each): found.endpoints[backend] for each, backend in found.listeners.items()}
    assert ends == {
        "cluster 172.30.0.11:8000": (("10.244.0.2", 80),),
        "cluster 127.0.0.1:8000": (("10.244.0.2", 80),),
        "cluster fd00:172:30::b:8000": (("fd00:10:244::2", 80),),
    }

import pytest

from netemu.api.tables.networking import (
    endpoint_slice,
    endpoints,
    ip_address_pool,
    l2_advertisement,
    service,
)
from netemu.clock import rfc3339
from netemu.model.meta import Object

NOW = 1_000_000.0
METADATA = {"name": "web", "creationTimestamp": rfc3339(NOW - 5)}


def row(status: Object | None = None, **spec: object) -> list[object]:
    return service({"metadata": METADATA, "spec": spec, "status": status or {}}, NOW)


def test_a_cluster_ip_service() -> None:
    found = row(
        type="ClusterIP",
        clusterIPs=["10.96.0.5"],
        ports=[{"port": 80, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}],
        selector={"b": "2", "a": "1"},
    )
    assert found == ["web", "ClusterIP", "10.96.0.5", "<none>", "80/TCP,53/UDP", "5s", "a=1,b=2"]


def test_a_headless_service_without_ports() -> None:
    assert row(clusterIPs=["None"])[2:5] == ["None", "<none>", "<none>"]


def test_a_node_port_is_shown_beside_its_port() -> None:
    found = row(type="NodePort", ports=[{"port": 80, "nodePort": 31000, "protocol": "TCP"}])
    assert found[4] == "80:31000/TCP"


@pytest.mark.parametrize(
    ("spec", "ingress", "external"),
    [
        ({"type": "LoadBalancer"}, [], "<pending>"),
        ({"type": "LoadBalancer"}, [{"ip": "172.30.0.240"}], "172.30.0.240"),
        ({"type": "LoadBalancer", "externalIPs": ["1.2.3.4"]}, [{"hostname": "lb"}], "lb,1.2.3.4"),
        ({"type": "NodePort", "externalIPs": ["1.2.3.4", "5.6.7.8"]}, [], "1.2.3.4,5.6.7.8"),
        ({"type": "ExternalName", "externalName": "example.org"}, [], "example.org"),
        ({"type": "Strange"}, [], "<unknown>"),
    ],
)
def test_the_external_address(spec: Object, ingress: list[Object], external: str) -> None:
    assert row({"loadBalancer": {"ingress": ingress}}, **spec)[3] == external


def subset(count: int, *ports: int) -> Object:
    return {
        "addresses": [{"ip": f"10.0.0.{number}"} for number in range(1, count + 1)],
        "ports": [{"port": port} for port in ports],
    }


@pytest.mark.parametrize(
    ("subsets", "text"),
    [
        ([], "<none>"),
        ([subset(2, 80)], "10.0.0.1:80,10.0.0.2:80"),
        ([subset(5, 80)], "10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more..."),
        ([subset(2)], "10.0.0.1,10.0.0.2"),
        ([{"addresses": [{"ip": "fd00::1"}], "ports": [{"port": 80}]}], "[fd00::1]:80"),
        ([{"notReadyAddresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}], ""),
    ],
)
def test_endpoints_are_listed(subsets: list[Object], text: str) -> None:
    assert endpoints({"metadata": METADATA, "subsets": subsets}, NOW) == ["web", text, "5s"]


def test_a_slice_lists_ports_and_addresses_whatever_their_state() -> None:
    obj = {
        "metadata": METADATA,
        "addressType": "IPv4",
        "ports": [{"port": 80}, {"name": "any", "port": None}, {}],
        "endpoints": [{"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"]}],
    }
    assert endpoint_slice(obj, NOW) == ["web", "IPv4", "80,any,*", "10.0.0.1,10.0.0.2", "5s"]


def test_an_empty_slice_has_nothing_set() -> None:
    obj: Object = {"metadata": METADATA, "addressType": "IPv4"}
    assert endpoint_slice(obj, NOW)[2:4] == ["<unset>", "<unset>"]


def test_pools_and_their_announcements_show_as_custom_resources_do() -> None:
    pool: Object = {
        "metadata": METADATA,
        "spec": {"addresses": ["10.1.0.0/24", "10.2.0.1-10.2.0.9"]},
    }
    assert ip_address_pool(pool, NOW)[1:] == [
        "true",
        "false",
        '["10.1.0.0/24","10.2.0.1-10.2.0.9"]',
    ]
    announced: Object = {"metadata": METADATA, "spec": {"ipAddressPools": ["lan"]}}
    assert l2_advertisement(announced, NOW)[1:] == ['["lan"]', "", ""]

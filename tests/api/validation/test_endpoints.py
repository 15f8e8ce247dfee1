from typing import Any

from netemu.model.names import dns_label, dns_subdomain, label_value
from tests.support.objects import named, refusals

BAD_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
LOOPBACK = "may not be in the loopback range (127.0.0.0/8, ::1/128)"


def of(*subsets: dict[str, Any]) -> list[str]:
    return refusals("endpoints", named(subsets=list(subsets)))


def test_endpoints_have_addresses_and_ports() -> None:
    port = {"port": 80, "protocol": "TCP"}
    assert of({"addresses": [{"ip": "10.0.0.1"}], "ports": [port]}) == []
    assert of({"notReadyAddresses": [{"ip": "10.0.0.1"}]}) == []
    assert of({"ports": [port]}) == [
        "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"
    ]


def test_addresses_of_endpoints_are_those_of_others() -> None:
    addresses = [{"ip": "x"}, {"ip": "127.0.0.1", "hostname": "A", "nodeName": "B"}]
    assert of({"addresses": addresses}) == [
        f'subsets[0].addresses[0].ip: Invalid value: "x": {BAD_IP}',
        'subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address',
        f'subsets[0].addresses[1].hostname: Invalid value: "A": {dns_label("A")[0]}',
        f'subsets[0].addresses[1].nodeName: Invalid value: "B": {dns_subdomain("B")[0]}',
        f'subsets[0].addresses[1].ip: Invalid value: "127.0.0.1": {LOOPBACK}',
    ]


def test_several_ports_have_names() -> None:
    ports = [{"port": 80, "protocol": "TCP"}, {"name": "b", "port": 0, "protocol": "X"}]
    assert of({"addresses": [{"ip": "10.0.0.1"}], "ports": ports}) == [
        "subsets[0].ports[0].name: Required value",
        "subsets[0].ports[1].port: Invalid value: 0: must be between 1 and 65535, inclusive",
        (
            'subsets[0].ports[1].protocol: Unsupported value: "X": supported values: "SCTP", '
            '"TCP", '
            '"UDP"'
        ),
    ]


def a_slice(family: str = "IPv4", **fields: Any) -> dict[str, Any]:
    return named(addressType=family, **fields)


def slices(family: str = "IPv4", **fields: Any) -> list[str]:
    return refusals("endpointslices.discovery.k8s.io", a_slice(family, **fields))


def test_a_slice_has_one_family() -> None:
    assert slices(endpoints=[{"addresses": ["10.0.0.1"]}]) == []
    assert slices("FQDN", endpoints=[{"addresses": ["example.com."]}]) == []
    assert slices(endpoints=[{"addresses": ["fd00::1"]}, {}]) == [
        'endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address',
        "endpoints[1].addresses: Required value: must contain at least 1 address",
    ]
    assert slices("FQDN", endpoints=[{"addresses": ["example", "a_b.c"]}]) == [
        (
            'endpoints[0].addresses[0]: Invalid value: "example": should be a domain with at '
            "least two "
            "segments separated by dots"
        ),
        f'endpoints[0].addresses[1]: Invalid value: "a_b.c": {dns_subdomain("a_b.c")[0]}',
    ]
    assert slices("") == ["addressType: Required value"]
    assert slices("IP") == [
        'addressType: Unsupported value: "IP": supported values: "FQDN", "IPv4", "IPv6"'
    ]


def test_a_slice_has_its_bounds() -> None:
    many = [{"addresses": ["10.0.0.1"]}] * 1001
    assert slices(endpoints=many) == ["endpoints: Too many: 1001: must have at most 1000 items"]
    assert slices(endpoints=[{"addresses": ["10.0.0.1"] * 101}]) == [
        "endpoints[0].addresses: Too many: 101: must have at most 100 items"
    ]
    zones = [{"name": f"z{number}"} for number in range(9)]
    assert slices(endpoints=[{"addresses": ["10.0.0.1"], "hints": {"forZones": zones}}]) == [
        "endpoints[0].hints.forZones: Too many: 9: must have at most 8 items"
    ]
    assert slices(ports=[{}] * 20001) == ["ports: Too many: 20001: must have at most 20000 items"]


def test_hints_name_zones_once() -> None:
    zones = [{"name": "a"}, {"name": "a"}, {"name": "b c"}]
    assert slices(endpoints=[{"addresses": ["10.0.0.1"], "hints": {"forZones": zones}}]) == [
        'endpoints[0].hints.forZones[1].name: Duplicate value: "a"',
        f'endpoints[0].hints.forZones[2].name: Invalid value: "b c": {label_value("b c")[0]}',
    ]


def test_ports_of_a_slice_have_different_names() -> None:
    ports = [{"name": "", "protocol": "TCP"}, {"name": "", "protocol": "TCP"}, {"name": "A"}]
    assert slices(ports=ports) == [
        'ports[1].name: Duplicate value: ""',
        f'ports[2].name: Invalid value: "A": {dns_label("A")[0]}',
        "ports[2].protocol: Required value",
    ]


def test_the_family_of_a_slice_stays() -> None:
    resource = "endpointslices.discovery.k8s.io"
    assert refusals(resource, a_slice(), a_slice()) == []
    assert refusals(resource, a_slice("IPv6"), a_slice()) == [
        'addressType: Invalid value: "IPv6": field is immutable'
    ]


def test_endpoints_are_judged_again_when_they_change() -> None:
    old = named(subsets=[])
    assert refusals("endpoints", old, old) == []
    assert len(refusals("endpoints", named(subsets=[{}]), old)) == 1

"""Which endpoints are for whom: the checklist's rules, one case each."""

from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from netemu.model.service import Endpoint, NodePlace, Protocol, TrafficPolicy
from netemu.model.snapshot import ServiceEntry
from netemu.proxy.policy import NOWHERE, Door, Place, Places, Reach, lacking, reach, ready_on
from tests.proxy.harness import HTTP, UNREADY, a_service, a_slice

A, B, C = Place("node-a", "zone-1"), Place("node-b", "zone-2"), Place("node-c", "zone-3")
ON_A = Endpoint(address="10.244.0.2", node="node-a", zone="zone-1")
ON_B = Endpoint(address="10.244.1.2", node="node-b", zone="zone-2")
ALSO_ON_B = replace(ON_B, address="10.244.1.3")
LEAVING_A = replace(ON_A, address="10.244.0.3", ready=False, terminating=True)
UNREADY_A = replace(ON_A, address="10.244.0.4", ready=False, serving=False)

CLUSTER = Door()
INTERNAL = Door(TrafficPolicy.LOCAL)
BALANCER = Door(TrafficPolicy.LOCAL, external=True)
NODE_A, NODE_B = BALANCER._replace(place=A), BALANCER._replace(place=B)


def hinted(endpoint: Endpoint, *, zone: str = "", node: str = "") -> Endpoint:
    zones, nodes = ((zone,) if zone else ()), ((node,) if node else ())
    return replace(endpoint, for_zones=zones, for_nodes=nodes)


ZONED = hinted(ON_A, zone="zone-1"), hinted(ON_B, zone="zone-2")
NODED = (
    hinted(ON_A, zone="zone-1", node="node-a"),
    hinted(ON_B, zone="zone-1", node="node-b"),
)


@dataclass(frozen=True)
class Case:
    name: str
    endpoints: tuple[Endpoint, ...]
    door: Door
    client: Place
    expected: tuple[Endpoint, ...]


CASES = [
    Case("32 cluster: ready ones", (ON_A, ON_B, UNREADY_A), CLUSTER, A, (ON_A, ON_B)),
    Case("32 cluster: not those that leave", (LEAVING_A, ON_B), CLUSTER, A, (ON_B,)),
    Case("32 cluster: leaving ones when none is ready", (LEAVING_A,), CLUSTER, B, (LEAVING_A,)),
    Case("33 local: the node's own", (ON_A, ON_B), INTERNAL, A, (ON_A,)),
    Case("33 local: its leaving one", (LEAVING_A, ON_B), INTERNAL, A, (LEAVING_A,)),
    Case("33 local: ready before leaving", (ON_A, LEAVING_A), INTERNAL, A, (ON_A,)),
    Case("33 local: never a remote one", (ON_B,), INTERNAL, A, ()),
    Case("33 local: nothing unready", (UNREADY_A, ON_B), INTERNAL, A, ()),
    Case("hostNetwork: as on each node", (ON_A, ON_B), INTERNAL, NOWHERE, (ON_A, ON_B)),
    Case("35 node port: that node's own", (ON_A, ON_B), NODE_A, NOWHERE, (ON_A,)),
    Case("35 node port: none there", (ON_A,), NODE_B, NOWHERE, ()),
    Case("36 from a pod on that node: all", (ON_A,), NODE_B, B, (ON_A,)),
    Case("36 from another node's pod: none", (ON_A,), NODE_B, A, ()),
    Case("36 balancer from a pod: all", (ON_A, ON_B), BALANCER, B, (ON_A, ON_B)),
    Case("balancer from outside: any node's", (ON_A, ON_B), BALANCER, NOWHERE, (ON_A, ON_B)),
    Case("39 the client's zone", ZONED, CLUSTER, A, (ZONED[0],)),
    Case("39 a zone without hints: all", ZONED, CLUSTER, C, ZONED),
    Case("39 one without a hint: all", (ZONED[0], ON_B), CLUSTER, A, (ZONED[0], ON_B)),
    Case("39 an unready one needs no hint", (*ZONED, UNREADY_A), CLUSTER, A, (ZONED[0],)),
    Case("39 node before zone", NODED, CLUSTER, B, (NODED[1],)),
    Case("39 zone where no node fits", NODED, CLUSTER, Place("node-d", "zone-1"), NODED),
    Case("39 a node port's node counts", ZONED, Door(external=True, place=B), A, (ZONED[1],)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_endpoints_are_chosen_by_rule(case: Case) -> None:
    found = reach([a_slice(*case.endpoints)], "http", Protocol.TCP, local=True)
    expected = tuple(sorted((endpoint.address, 8080) for endpoint in case.expected))
    assert found.of(case.door, case.client) == expected


def test_what_no_policy_asks_for_is_not_sorted() -> None:
    found = reach([a_slice(ON_A, ON_B)], "http", Protocol.TCP)
    assert found == Reach((("10.244.0.2", 8080), ("10.244.1.2", 8080)))


def test_a_client_stands_where_its_address_is() -> None:
    nodes = {
        "node-a": NodePlace(name="node-a", address="172.30.0.11", zone="zone-1"),
        "node-b": NodePlace(name="node-b", address="172.30.0.12", zone="zone-2"),
    }
    places = Places(nodes, {"10.244.1.9": "node-b", "10.244.9.9": "gone"}.get)
    assert places.of("10.244.1.9") == B
    assert places.of("172.30.0.11") == places.at("172.30.0.11") == A
    assert places.of("10.244.9.9") == places.of("192.0.2.1") == NOWHERE


def test_nodes_count_what_is_ready_and_stays() -> None:
    leaving = replace(ON_A, address="10.244.0.9", terminating=True)
    twice = a_slice(ON_B, name="again")
    assert ready_on([a_slice(ON_A, LEAVING_A, UNREADY_A, leaving, ON_B, ALSO_ON_B), twice]) == {
        "node-a": 1,
        "node-b": 2,
    }


@pytest.mark.parametrize(
    ("policies", "node", "expected"),
    [
        ({}, "node-2", (0, 0)),
        ({"internal_policy": TrafficPolicy.LOCAL}, "node-1", (0, 0)),
        ({"internal_policy": TrafficPolicy.LOCAL}, "node-2", (1, 0)),
        ({"external_policy": TrafficPolicy.LOCAL}, "node-2", (0, 1)),
    ],
)
def test_ports_that_only_other_nodes_serve_are_counted(
    policies: dict[str, TrafficPolicy], node: str, expected: tuple[int, int]
) -> None:
    web = replace(a_service(HTTP), **policies)
    here = a_slice(Endpoint(address="10.244.0.2", node="node-1"))
    assert lacking(ServiceEntry(web, (here,)), node) == expected
    assert lacking(ServiceEntry(web, (a_slice(UNREADY),)), node) == (0, 0)

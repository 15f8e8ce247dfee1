"""Slices of Services: rules 21 to 28 of the Service semantics."""

from typing import Any

import pytest

from netemu.controllers.endpointslice import Observed, plan
from netemu.controllers.targets import target_from
from netemu.model import resources
from netemu.model.meta import Object, labels_of, name_of, uid_of
from tests.support.control import Control, control
from tests.support.pile import Pile
from tests.support.samples import pod, service

ZONES = {"node-1": "zone-a", "node-2": ""}


def look(pile: Pile, web: Object, *pods: Object, limit: int = 100) -> Observed:
    found = (target_from(web, obj) for obj in pods)
    return Observed(
        service=web,
        targets=[target for target in found if target is not None],
        slices=pile.all(resources.ENDPOINT_SLICES),
        zones=ZONES,
        limit=limit,
    )


def slices(web: Object, *pods: Object, limit: int = 100) -> list[Object]:
    """What a Service with these pods has; and it has it after one plan."""
    pile = Pile()
    pile.apply(plan(look(pile, web, *pods, limit=limit)))
    assert plan(look(pile, web, *pods, limit=limit)) == []
    return pile.all(resources.ENDPOINT_SLICES)


def endpoint(web: Object, obj: Object) -> dict[str, Any]:
    (part,) = slices(web, obj)
    (item,) = part["endpoints"]
    return dict(item)


CONDITIONS = [
    pytest.param({}, {}, (True, True, False), id="ready"),
    pytest.param({"ready": False}, {}, (False, False, False), id="not ready"),
    pytest.param({"deleting": True}, {}, (False, True, True), id="terminating"),
    pytest.param(
        {"ready": False}, {"publishNotReadyAddresses": True}, (True, False, False), id="published"
    ),
    pytest.param(
        {"deleting": True}, {"publishNotReadyAddresses": True}, (True, True, True), id="both"
    ),
]


@pytest.mark.parametrize(("state", "spec", "expected"), CONDITIONS)
def test_conditions_follow_the_pod(
    state: dict[str, Any], spec: Object, expected: tuple[bool, bool, bool]
) -> None:
    found = endpoint(service(**spec), pod("a", ip="10.244.1.1", **state))["conditions"]
    assert (found["ready"], found["serving"], found["terminating"]) == expected


def test_an_endpoint_names_its_pod_node_and_zone() -> None:
    found = endpoint(service(), pod("a", ip="10.244.1.1"))
    assert found["targetRef"] == {
        "kind": "Pod",
        "namespace": "default",
        "name": "a",
        "uid": "uid-a",
    }
    assert (found["nodeName"], found["zone"]) == ("node-1", "zone-a")
    assert "zone" not in endpoint(service(), pod("a", ip="10.244.1.1", node="node-2"))


ZONE_A, NODE_1 = [{"name": "zone-a"}], [{"name": "node-1"}]
HINTS = [
    pytest.param(None, {}, None, id="not asked for"),
    pytest.param("PreferClose", {}, {"forZones": ZONE_A}, id="the zone"),
    pytest.param("PreferSameZone", {}, {"forZones": ZONE_A}, id="the zone, by its newer name"),
    pytest.param(
        "PreferSameNode", {}, {"forZones": ZONE_A, "forNodes": NODE_1}, id="the node, then the zone"
    ),
    pytest.param("PreferSameNode", {"node": "node-2"}, {"forNodes": [{"name": "node-2"}]}, id="-"),
    pytest.param("PreferClose", {"node": "node-2"}, None, id="no zone"),
    pytest.param("PreferClose", {"ready": False}, None, id="only for the ready"),
]


@pytest.mark.parametrize(("distribution", "state", "expected"), HINTS)
def test_endpoints_are_hinted_to_those_near(
    distribution: str | None, state: dict[str, Any], expected: Object | None
) -> None:
    web = service(trafficDistribution=distribution) if distribution else service()
    assert endpoint(web, pod("a", ip="10.244.1.1", **state)).get("hints") == expected


def test_a_pod_on_a_lost_node_is_left_out_unless_published() -> None:
    lost = pod("a", ip="10.244.1.1", node="gone")
    (part,) = slices(service(), lost)
    assert part["endpoints"] == []
    assert endpoint(service(publishNotReadyAddresses=True), lost)["addresses"] == ["10.244.1.1"]


def test_a_slice_carries_the_services_labels_and_its_own() -> None:
    (part,) = slices(service(), pod("a", ip="10.244.1.1"))
    assert labels_of(part) == {
        "tier": "front",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert part["metadata"]["generateName"] == "web-"
    assert part["metadata"]["ownerReferences"][0]["uid"] == uid_of(service())
    (headless,) = slices(service(clusterIP="None"), pod("a", ip="10.244.1.1"))
    assert labels_of(headless)["service.kubernetes.io/headless"] == ""


def test_nothing_selected_is_one_slice_without_ports() -> None:
    (part,) = slices(service())
    assert (part["endpoints"], part["ports"]) == ([], [])


def test_without_a_selector_there_is_no_slice() -> None:
    assert slices(service(selector=None)) == []
    assert slices(service(type="ExternalName", externalName="x.example")) == []


def test_pods_with_different_numbers_are_in_different_slices() -> None:
    named = [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}]
    pods = [
        pod(
            name,
            ip=f"10.244.1.{number}",
            containers=[{"name": "c", "ports": [{"name": "http", "containerPort": number}]}],
        )
        for name, number in (("a", 3000 % 251), ("b", 3001 % 251))
    ]
    parts = slices(service(ports=named), *pods)
    assert sorted(part["ports"][0]["port"] for part in parts) == [3000 % 251, 3001 % 251]


def test_a_headless_service_without_ports_lists_its_pods() -> None:
    (part,) = slices(service(clusterIP="None", ports=[]), pod("a", ip="10.244.1.1"))
    assert part["ports"] == []
    assert len(part["endpoints"]) == 1


def test_no_slice_holds_more_than_the_limit() -> None:
    pods = [pod(f"p{n:03}", ip=f"10.244.1.{n}") for n in range(1, 8)]
    assert sorted(len(part["endpoints"]) for part in slices(service(), *pods, limit=3)) == [1, 3, 3]


def test_slices_of_an_earlier_namesake_go() -> None:
    pile = Pile()
    pile.apply(plan(look(pile, service())))
    again = service()
    again["metadata"]["uid"] = "another"
    pile.apply(plan(look(pile, again)))
    (part,) = pile.all(resources.ENDPOINT_SLICES)
    assert part["metadata"]["ownerReferences"][0]["uid"] == "another"


async def with_service(plane: Control, **spec: object) -> None:
    ports = [{"port": 80, "targetPort": 8080}]
    await plane.apply(
        resources.SERVICES,
        {
            "metadata": {"namespace": "default", "name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": ports, **spec},
        },
    )


def of_web(plane: Control) -> list[Object]:
    parts = plane.all(resources.ENDPOINT_SLICES)
    return [p for p in parts if labels_of(p).get("kubernetes.io/service-name") == "web"]


async def test_deleted_slices_come_back_and_strangers_stay() -> None:
    async with control() as plane:
        await with_service(plane)
        (part,) = of_web(plane)
        own = {
            "metadata": {
                "namespace": "default",
                "name": "by-hand",
                "labels": {"kubernetes.io/service-name": "web"},
            },
            "addressType": "IPv4",
            "endpoints": [{"addresses": ["10.1.2.3"]}],
            "ports": [{"port": 80}],
        }
        await plane.apply(resources.ENDPOINT_SLICES, own)
        await plane.client.delete(resources.ENDPOINT_SLICES, "default", name_of(part))
        await plane.settled()
        names = {name_of(p) for p in of_web(plane)}
        assert len(names) == 2
        assert "by-hand" in names
        assert name_of(part) not in names


async def test_a_nodes_zone_reaches_the_endpoints() -> None:
    async with control(nodes=1) as plane:
        await with_service(plane)
        obj = {
            "metadata": {"namespace": "default", "name": "a", "labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": "pause"}]},
        }
        await plane.apply(resources.PODS, obj)
        await plane.all_ready()
        one = plane.get(resources.NODES, "node-1", "")
        labels = {**labels_of(one), "topology.kubernetes.io/zone": "z1"}
        await plane.client.update(
            resources.NODES, {**one, "metadata": {**one["metadata"], "labels": labels}}
        )
        await plane.settled()
        (part,) = of_web(plane)
        assert part["endpoints"][0]["zone"] == "z1"
        stamp = part["metadata"].get("annotations", {})
        assert "endpoints.kubernetes.io/last-change-trigger-time" not in stamp


async def test_what_becomes_of_hints_is_told_once() -> None:
    async with control(nodes=2) as plane:
        for number in (1, 2):
            one = plane.get(resources.NODES, f"node-{number}", "")
            labels = {**labels_of(one), "topology.kubernetes.io/zone": f"z{number}"}
            metadata = {**one["metadata"], "labels": labels}
            await plane.client.update(resources.NODES, {**one, "metadata": metadata})
        await with_service(plane)
        await annotate(plane, {"service.kubernetes.io/topology-mode": "Auto"})
        for number in (1, 2):
            await plane.apply(
                resources.PODS,
                {
                    "metadata": {
                        "namespace": "default",
                        "name": f"pod-{number}",
                        "labels": {"app": "web"},
                    },
                    "spec": {
                        "nodeName": f"node-{number}",
                        "containers": [{"name": "c", "image": "pause"}],
                    },
                },
            )
        await plane.all_ready()
        assert plane.events("TopologyAwareHintsEnabled") == [
            "web: Topology Aware Hints has been enabled, addressType: IPv4"
        ]
        await annotate(plane, {"service.kubernetes.io/topology-mode": "Disabled"})
        disabled = plane.events("TopologyAwareHintsDisabled")
        assert disabled[-1] == "web: Topology Aware Hints has been disabled, addressType: IPv4"
        assert len(disabled) == len({*disabled})
        await annotate(plane, {"service.kubernetes.io/topology-mode": "Disabled", "a": "b"})
        assert plane.events("TopologyAwareHintsDisabled") == disabled


async def annotate(plane: Control, annotations: dict[str, str]) -> None:
    web = plane.get(resources.SERVICES, "web")
    metadata = {**web["metadata"], "annotations": annotations}
    await plane.client.update(resources.SERVICES, {**web, "metadata": metadata})
    await plane.settled()


def test_ports_are_in_the_services_order() -> None:
    ports = [{"name": name, "port": n, "targetPort": n} for n, name in ((80, "z"), (81, "a"))]
    [part] = slices(service(ports=ports), pod("a", ip="10.244.1.1"))
    assert [port["name"] for port in part["ports"]] == ["z", "a"]


# Rule 20: one set of slices per address family

TWO_FAMILIES: dict[str, Any] = {
    "ipFamilies": ["IPv4", "IPv6"],
    "clusterIPs": ["10.96.0.20", "fd00:10:96::14"],
}


def by_family(web: Object, *pods: Object) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part in slices(web, *pods):
        listed = (each for item in part["endpoints"] for each in item["addresses"])
        found.setdefault(part["addressType"], []).extend(listed)
    return found


def test_a_service_of_two_families_has_slices_of_each() -> None:
    pods = pod("a", ip="10.244.1.1,fd00:10:244:1::1"), pod("b", ip="10.244.1.2,fd00:10:244:1::2")
    assert by_family(service(**TWO_FAMILIES), *pods) == {
        "IPv4": ["10.244.1.1", "10.244.1.2"],
        "IPv6": ["fd00:10:244:1::1", "fd00:10:244:1::2"],
    }


def test_a_pod_without_an_address_of_a_family_is_left_out_of_its_slices() -> None:
    pods = pod("a", ip="10.244.1.1"), pod("b", ip="10.244.1.2,fd00:10:244:1::2")
    assert by_family(service(**TWO_FAMILIES), *pods) == {
        "IPv4": ["10.244.1.1", "10.244.1.2"],
        "IPv6": ["fd00:10:244:1::2"],
    }


def test_a_family_without_endpoints_has_its_empty_slice() -> None:
    found = by_family(service(**TWO_FAMILIES), pod("a", ip="10.244.1.1"))
    assert found == {"IPv4": ["10.244.1.1"], "IPv6": []}


@pytest.mark.parametrize("family", ["IPv4", "IPv6"])
def test_a_service_of_one_family_has_slices_of_that_alone(family: str) -> None:
    web = service(ipFamilies=[family])
    assert [*by_family(web, pod("a", ip="10.244.1.1,fd00:10:244:1::1"))] == [family]


def test_when_a_family_goes_its_slices_go() -> None:
    pile, both = Pile(), service(**TWO_FAMILIES)
    a = pod("a", ip="10.244.1.1,fd00:10:244:1::1")
    pile.apply(plan(look(pile, both, a)))
    pile.apply(plan(look(pile, service(), a)))
    assert [part["addressType"] for part in pile.all(resources.ENDPOINT_SLICES)] == ["IPv4"]


@pytest.mark.parametrize("order", [["IPv4", "IPv6"], ["IPv6", "IPv4"]], ids="first ".join)
def test_a_headless_service_lists_both(order: list[str]) -> None:
    web = service(clusterIP="None", ipFamilies=order)
    found = by_family(web, pod("a", ip="10.244.1.1,fd00:10:244:1::1"))
    assert found == {"IPv4": ["10.244.1.1"], "IPv6": ["fd00:10:244:1::1"]}

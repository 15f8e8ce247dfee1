"""The older Endpoints objects."""

import pytest

from netemu.controllers.endpoints import CAPACITY, OVER_CAPACITY, Observed, plan
from netemu.controllers.targets import target_from
from netemu.model import resources
from netemu.model.meta import Object, annotations_of, labels_of
from tests.support.pile import Pile
from tests.support.samples import pod, service


def look(pile: Pile, web: Object, *pods: Object) -> Observed:
    found = (target_from(web, obj) for obj in pods)
    there = pile.all(resources.ENDPOINTS)
    return Observed(
        service=web,
        targets=[target for target in found if target is not None],
        endpoints=there[0] if there else None,
    )


def endpoints(web: Object, *pods: Object) -> Object:
    pile = Pile()
    pile.apply(plan(look(pile, web, *pods)))
    assert plan(look(pile, web, *pods)) == []
    return pile.one(resources.ENDPOINTS)


def addresses(web: Object, *pods: Object) -> tuple[list[str], list[str]]:
    """(ready, not ready)."""
    subsets = endpoints(web, *pods)["subsets"]
    ready, unready = (
        [item["ip"] for subset in subsets for item in subset.get(key, [])]
        for key in ("addresses", "notReadyAddresses")
    )
    return ready, unready


READY = pod("a", ip="10.244.1.1")
UNREADY = pod("b", ip="10.244.1.2", ready=False)
ENDING = pod("c", ip="10.244.1.3", ready=False, deleting=True)
PUBLISHED = service(publishNotReadyAddresses=True)

CASES = [
    pytest.param(service(), (["10.244.1.1"], ["10.244.1.2"]), id="terminating pods are left out"),
    pytest.param(PUBLISHED, (["10.244.1.1", "10.244.1.2", "10.244.1.3"], []), id="published"),
]


@pytest.mark.parametrize(("web", "expected"), CASES)
def test_readiness_decides_the_list(web: Object, expected: tuple[list[str], list[str]]) -> None:
    assert addresses(web, UNREADY, ENDING, READY) == expected


def test_an_address_names_its_pod_and_node() -> None:
    (subset,) = endpoints(service(), READY)["subsets"]
    assert subset == {
        "addresses": [
            {
                "ip": "10.244.1.1",
                "nodeName": "node-1",
                "targetRef": {"kind": "Pod", "namespace": "default", "name": "a", "uid": "uid-a"},
            }
        ],
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
    }


def test_nothing_selected_has_no_subsets() -> None:
    assert endpoints(service())["subsets"] == []


def test_without_a_selector_nothing_is_made() -> None:
    assert plan(look(Pile(), service(selector=None), READY)) == []


def test_pods_with_different_ports_are_in_different_subsets_and_without_in_none() -> None:
    ports = [
        {"name": "one", "port": 80, "protocol": "TCP", "targetPort": "one"},
        {"name": "two", "port": 81, "protocol": "TCP", "targetPort": "two"},
    ]

    def offering(name: str, number: int, port: str) -> Object:
        containers = [{"name": "c", "ports": [{"name": port, "containerPort": number}]}]
        return pod(name, ip=f"10.244.1.{number}", containers=containers)

    pods = [offering("a", 100, "one"), offering("b", 101, "two"), offering("c", 102, "three")]
    subsets = endpoints(service(ports=ports), *pods)["subsets"]
    found = {s["addresses"][0]["ip"]: [p["port"] for p in s["ports"]] for s in subsets}
    assert found == {"10.244.1.100": [100], "10.244.1.101": [101]}


def test_a_headless_service_without_ports_still_lists_its_pods() -> None:
    (subset,) = endpoints(service(clusterIP="None", ports=[]), READY)["subsets"]
    assert "ports" not in subset
    assert labels_of(endpoints(service(clusterIP="None"), READY)) == {
        "tier": "front",
        "service.kubernetes.io/headless": "",
    }


def test_a_thousand_addresses_are_listed_ready_ones_first() -> None:
    pods = [pod(f"u{n}", ip=f"10.244.{n // 250}.{n % 250}", ready=False) for n in range(5)]
    pods += [pod(f"r{n}", ip=f"10.245.{n // 250}.{n % 250}") for n in range(CAPACITY - 2)]
    web = endpoints(service(), *pods)
    ready, unready = addresses(service(), *pods)
    assert (len(ready), len(unready)) == (CAPACITY - 2, 2)
    assert annotations_of(web)[OVER_CAPACITY] == "truncated"


def test_the_mark_goes_when_there_is_room_again() -> None:
    pile = Pile()
    pods = [pod(f"r{n}", ip=f"10.245.{n // 250}.{n % 250}") for n in range(CAPACITY + 1)]
    pile.apply(plan(look(pile, service(), *pods)))
    pile.apply(plan(look(pile, service(), *pods[:3])))
    assert OVER_CAPACITY not in annotations_of(pile.one(resources.ENDPOINTS))


@pytest.mark.parametrize(
    ("families", "expected"),
    [(["IPv4", "IPv6"], "10.244.1.1"), (["IPv6", "IPv4"], "fd00:10:244:1::1")],
    ids=["IPv4 first", "IPv6 first"],
)
def test_endpoints_list_the_primary_family_alone(families: list[str], expected: str) -> None:
    web = service(ipFamilies=families)
    assert addresses(web, pod("a", ip="10.244.1.1,fd00:10:244:1::1")) == ([expected], [])

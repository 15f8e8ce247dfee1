"""Hand-made Endpoints as slices."""

import pytest

from netemu.controllers.actions import Tell
from netemu.controllers.mirroring import LIMIT, Observed, plan
from netemu.model import resources
from netemu.model.meta import Object, labels_of
from tests.support.control import control
from tests.support.pile import Pile
from tests.support.samples import service

BARE = service(selector=None)


def by_hand(**metadata: object) -> Object:
    subsets = [
        {
            "addresses": [{"ip": "10.1.2.3"}],
            "notReadyAddresses": [{"ip": "10.1.2.4", "hostname": "h"}],
            "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
        },
        {"addresses": [{"ip": "fd00::1"}, {"ip": "10.1.2.3"}], "ports": [{"port": 81}]},
    ]
    return {
        "metadata": {"namespace": "default", "name": "web", "uid": "e1", **metadata},
        "subsets": subsets,
    }


def look(pile: Pile, web: Object | None, endpoints: Object | None) -> Observed:
    return Observed(service=web, endpoints=endpoints, slices=pile.all(resources.ENDPOINT_SLICES))


def test_each_subset_and_family_has_a_slice() -> None:
    pile = Pile()
    pile.apply(plan(look(pile, BARE, by_hand())))
    assert plan(look(pile, BARE, by_hand())) == []
    parts = pile.all(resources.ENDPOINT_SLICES)
    found = sorted(
        (part["addressType"], part["ports"][0]["port"], len(part["endpoints"])) for part in parts
    )
    assert found == [("IPv4", 80, 2), ("IPv4", 81, 1), ("IPv6", 81, 1)]
    assert labels_of(parts[0]) == {
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
    }


NOT_MIRRORED = [
    pytest.param(service(), by_hand(), id="the Service has a selector"),
    pytest.param(None, by_hand(), id="there is no Service"),
    pytest.param(BARE, None, id="there are no Endpoints"),
    pytest.param(
        BARE, by_hand(labels={"endpointslice.kubernetes.io/skip-mirror": "true"}), id="skipped"
    ),
    pytest.param(
        BARE, by_hand(annotations={"control-plane.alpha.kubernetes.io/leader": "{}"}), id="a lock"
    ),
]


@pytest.mark.parametrize(("web", "endpoints"), NOT_MIRRORED)
def test_what_is_not_to_be_mirrored_loses_its_mirrors(
    web: Object | None, endpoints: Object | None
) -> None:
    pile = Pile()
    pile.apply(plan(look(pile, BARE, by_hand())))
    pile.apply(plan(look(pile, web, endpoints)))
    assert pile.all(resources.ENDPOINT_SLICES) == []


def test_ports_are_in_the_order_of_their_subset() -> None:
    ports = [{"name": "z", "port": 80}, {"name": "a", "port": 81}]
    endpoints = {**by_hand(), "subsets": [{"addresses": [{"ip": "10.1.2.3"}], "ports": ports}]}
    pile = Pile()
    pile.apply(plan(look(pile, BARE, endpoints)))
    [part] = pile.all(resources.ENDPOINT_SLICES)
    assert [port["name"] for port in part["ports"]] == ["z", "a"]
    assert plan(look(pile, BARE, endpoints)) == []


def test_addresses_beyond_the_limit_are_told_of_once() -> None:
    addresses = [{"ip": f"10.1.{n // 250}.{n % 250 + 1}"} for n in range(LIMIT + 7)]
    endpoints = {**by_hand(), "subsets": [{"addresses": addresses, "ports": [{"port": 80}]}]}
    pile = Pile()
    actions = plan(look(pile, BARE, endpoints))
    assert [each.message for each in actions if isinstance(each, Tell)] == [
        (
            "A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. "
            "7 addresses were skipped"
        )
    ]
    pile.apply(actions)
    assert [len(part["endpoints"]) for part in pile.all(resources.ENDPOINT_SLICES)] == [LIMIT]
    assert plan(look(pile, BARE, endpoints)) == []


async def test_mirrors_follow_through_create_update_and_delete() -> None:
    """4.7 of the upstream catalogue."""
    async with control(nodes=0) as plane:
        where = {"namespace": "default", "name": "ext"}
        ports = [{"port": 80}]
        await plane.apply(resources.SERVICES, {"metadata": where, "spec": {"ports": ports}})
        subset = {"addresses": [{"ip": "10.1.2.3"}], "ports": ports}
        await plane.apply(resources.ENDPOINTS, {"metadata": where, "subsets": [subset]})

        def mirrors() -> list[list[str]]:
            return [
                [item["addresses"][0] for item in part["endpoints"]]
                for part in plane.all(resources.ENDPOINT_SLICES)
                if labels_of(part).get("kubernetes.io/service-name") == "ext"
            ]

        assert mirrors() == [["10.1.2.3"]]
        obj = plane.get(resources.ENDPOINTS, "ext")
        changed = {**subset, "addresses": [{"ip": "10.2.3.4"}]}
        await plane.client.update(resources.ENDPOINTS, {**obj, "subsets": [changed]})
        await plane.settled()
        assert mirrors() == [["10.2.3.4"]]
        await plane.client.delete(resources.ENDPOINTS, "default", "ext")
        await plane.settled()
        assert mirrors() == []

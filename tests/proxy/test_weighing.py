"""Weights come out exactly, whatever endpoints come, go and fail."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.model.meta import Object
from netemu.model.service import (
    Endpoint,
    EndpointPort,
    EndpointSlice,
    PodAddress,
    Protocol,
    Service,
)
from netemu.model.weights import parse
from netemu.proxy.choose import Address
from netemu.proxy.policy import Reach
from netemu.proxy.route import Route
from netemu.proxy.site import Backend
from netemu.proxy.weighing import Weigher, Weights, weighed, weights_of
from tests.support.clock import FakeClock

V1 = tuple((f"10.244.0.{n}", 80) for n in (1, 2))
V2 = tuple((f"10.244.1.{n}", 80) for n in (1, 2, 3))
MEMBERS = {address: 0 for address, _ in V1} | {address: 1 for address, _ in V2}


def weigher(text: str = "version=v1:90,version=v2:10") -> Weigher:
    return Weigher(Weights(parse(text), MEMBERS))


def version(endpoint: Address | None) -> str:
    assert endpoint is not None
    return ("v1", "v2")[MEMBERS[endpoint[0]]]


def test_every_ten_in_a_row_are_nine_and_one() -> None:
    it = weigher()
    got = [version(it.choose(V1 + V2)) for _ in range(200)]
    for start in range(190):
        assert Counter(got[start : start + 10]) == {"v1": 9, "v2": 1}


def test_equal_weights_alternate() -> None:
    it = weigher("version=v1:5,version=v2:5")
    assert [version(it.choose(V1 + V2)) for _ in range(6)] == ["v1", "v2"] * 3


def test_endpoints_of_a_share_take_turns() -> None:
    it = Weigher(Weights(parse("version=v2:1"), {address: 0 for address, _ in V2}))
    assert Counter(it.choose(V2) for _ in range(9)) == dict.fromkeys(V2, 3)


def test_who_has_no_share_or_no_weight_gets_nothing() -> None:
    it = weigher("version=v1:1,version=v2:0")
    stranger = (("10.244.9.9", 80),)
    assert {version(it.choose(V1 + V2 + stranger)) for _ in range(50)} == {"v1"}
    assert it.choose(V2 + stranger) is None


def test_a_share_without_endpoints_is_divided_among_the_others() -> None:
    it = weigher("version=v1:50,version=v2:50")
    assert {version(it.choose(V2)) for _ in range(10)} == {"v2"}


def test_another_endpoint_of_the_same_share_stands_in_for_one_that_failed() -> None:
    it = weigher()
    for _ in range(40):
        first = it.choose(V1 + V2)
        second = it.choose(V1 + V2, tried={first})  # type: ignore[arg-type]
        assert version(second) == version(first)
        assert second != first


def test_when_a_share_has_failed_wholly_the_others_help() -> None:
    it = weigher()
    assert version(it.choose(V1 + V2, tried=set(V1))) == "v2"
    assert it.choose(V1 + V2, tried={*V1, *V2}) is None


def test_a_client_with_affinity_stays_where_it_is() -> None:
    it = weigher("version=v1:1,version=v2:0")
    assert it.choose(V1, sticky=V1[1]) == V1[1]
    assert it.choose(V1, sticky=V2[0]) in V1
    assert it.choose(V1, tried={V1[1]}, sticky=V1[1]) == V1[0]


def test_other_shares_begin_anew_and_other_members_do_not() -> None:
    it = weigher()
    it.note(V1[0])
    it.update(Weights(parse("version=v1:90,version=v2:10"), dict(list(MEMBERS.items())[:1])))
    assert it.opened == [1, 0]
    assert it.choose(V2) is None
    it.update(Weights(parse("version=v1:1,version=v2:1"), MEMBERS))
    assert it.opened == [0, 0]


def test_rows_tell_what_was_declared_and_what_came_out() -> None:
    it = weigher()
    assert [row["achieved"] for row in it.rows(V1 + V2)] == [None, None]
    for _ in range(30):
        it.note(it.choose(V1 + V2))  # type: ignore[arg-type]
    first, second = it.rows(V1)
    assert (first["selector"], first["weight"], first["endpoints"]) == ("version=v1", 90, 2)
    assert (first["declared"], first["achieved"], first["connections"]) == (0.9, 0.9, 27)
    assert (second["endpoints"], second["achieved"]) == (0, 0.1)


@given(st.lists(st.integers(0, 50), min_size=2, max_size=6).filter(any))
def test_any_weights_come_out_exactly_after_a_whole_round(numbers: list[int]) -> None:
    text = ",".join(f"v={n}:{weight}" for n, weight in enumerate(numbers))
    endpoints = tuple((f"10.0.0.{n}", 1) for n in range(len(numbers)))
    it = Weigher(Weights(parse(text), {each[0]: n for n, each in enumerate(endpoints)}))
    got = Counter(it.choose(endpoints) for _ in range(sum(numbers)))
    assert [got[each] for each in endpoints] == numbers


PARTS = (
    EndpointSlice(
        namespace="default",
        name="web-1",
        service="web",
        endpoints=tuple(Endpoint(address=address) for address, _ in V1 + V2),
        ports=(EndpointPort("", Protocol.TCP, 80),),
    ),
)


def pods(**labels: str) -> dict[str, PodAddress]:
    return {
        address: PodAddress(
            namespace="default",
            name=address,
            node="n",
            ips=(address,),
            labels={"version": labels[version((address, 80))]},
        )
        for address, _ in V1 + V2
    }


def test_members_are_told_by_the_labels_of_their_pods() -> None:
    service = Service(namespace="default", name="web", weights="version=a:1,version=b:0")
    weights = weights_of(service, PARTS, pods(v1="a", v2="b"))
    assert weights is not None
    assert weights.members == MEMBERS
    [part] = weighed(PARTS, weights)
    assert [each.address for each in part.endpoints] == [address for address, _ in V1]
    weights = weights_of(service, PARTS, {})
    assert weights is not None
    assert weights.members == {}
    assert weights_of(Service(namespace="default", name="web", weights="?"), PARTS, {}) is None


@pytest.mark.parametrize("sticky", [None, 60])
def test_a_route_follows_its_weights(sticky: int | None) -> None:
    route = Route(Backend(("default", "web"), "", Protocol.TCP), FakeClock(), Random(1))
    weights = Weights(parse("version=v1:3,version=v2:1"), MEMBERS)
    route.update(Reach(V1 + V2), sticky, weights)
    clients = [f"10.1.0.{n}" for n in range(40)]
    first = [next(route.candidates((client, 1))) for client in clients]
    assert Counter(map(version, first)) == {"v1": 30, "v2": 10}
    if sticky is not None:
        assert [next(route.candidates((client, 2))) for client in clients] == first
    route.opened(V1[0])
    assert route.weigher is not None
    assert route.weigher.opened == [1, 0]
    route.update(Reach(V1 + V2), sticky)
    assert route.weigher is None


def test_labels_are_kept_of_pods() -> None:
    from netemu.model.service import pod_address_from

    pod: Object = {
        "metadata": {"namespace": "default", "name": "a", "labels": {"version": "v1"}},
        "spec": {"nodeName": "n"},
        "status": {"podIPs": [{"ip": "10.244.0.1"}]},
    }
    found = pod_address_from(pod)
    assert found is not None
    assert found.labels == {"version": "v1"}

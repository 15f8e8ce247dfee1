"""Which ranges are ready, and which may go."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from netemu.controllers.actions import Delete, Update, WriteStatus
from netemu.controllers.servicecidr import FINALIZER, Observed, own, plan
from netemu.model.addressing import Addressing
from netemu.model.conditions import condition
from netemu.model.meta import Object
from netemu.model.resources import SERVICE_CIDRS, SERVICES
from tests.support.control import control
from tests.support.families import BOTH, IPV4
from tests.support.samples import NOW


def cidr(*ranges: str, finalizers: tuple[str, ...] = (FINALIZER,), going: bool = False) -> Object:
    gone = {"deletionTimestamp": "2026-01-01T00:00:00Z"} if going else {}
    metadata = {"name": "x", "finalizers": list(finalizers), **gone}
    return {"metadata": metadata, "spec": {"cidrs": list(ranges)}}


def planned(
    obj: Object, *used: str, others: tuple[str, ...] = (), addressing: Addressing = IPV4
) -> list[Any]:
    seen = Observed(
        obj=obj,
        others=[ip_network(each) for each in others],
        used=[ip_address(each) for each in used],
        addressing=addressing,
        now=NOW,
    )
    return plan(seen)


def said(action: Any) -> tuple[str, str]:
    assert isinstance(action, WriteStatus)
    [found] = action.status["conditions"]
    assert found["type"] == "Ready"
    return found["status"], found["reason"]


def test_a_new_range_is_kept_and_ready() -> None:
    keep, tell = planned(cidr("10.1.0.0/24", finalizers=("a.io/b",)))
    assert isinstance(keep, Update)
    assert keep.obj["metadata"]["finalizers"] == ["a.io/b", FINALIZER]
    assert said(tell) == ("True", "")
    assert planned({**cidr("10.1.0.0/24"), "status": tell.status}) == []


@pytest.mark.parametrize(
    ("used", "others", "goes"),
    [
        ((), (), True),
        (("10.2.0.1",), (), True),
        (("10.1.0.7",), (), False),
        (("10.1.0.7",), ("10.0.0.0/8",), True),
        (("10.1.0.7", "10.1.0.200"), ("10.1.0.0/25",), False),
        (("fd00::1",), (), True),
    ],
)
def test_a_range_goes_when_no_address_is_left_without_one(
    used: tuple[str, ...], others: tuple[str, ...], goes: bool
) -> None:
    [action] = planned(cidr("10.1.0.0/24", going=True), *used, others=others)
    if goes:
        assert isinstance(action, Update)
        assert action.obj["metadata"]["finalizers"] == []
    else:
        assert said(action) == ("False", "Terminating")


def test_a_range_that_leads_nowhere_is_not_ready() -> None:
    for inside in (IPV4.pods, IPV4.nodes):
        [tell] = planned(cidr(str(inside)))
        assert said(tell) == ("False", "NotServed")


def test_the_clusters_own_ranges_are_an_object() -> None:
    assert own(BOTH)["spec"]["cidrs"] == [str(each.services) for each in BOTH.families]


@pytest.mark.parametrize("going", [False, True])
def test_the_own_ranges_of_an_earlier_run_are_made_anew(going: bool) -> None:
    old = cidr("10.1.0.0/24", finalizers=("a.io/b", FINALIZER), going=going)
    old["metadata"]["name"] = "kubernetes"
    free, *rest = planned(old, "10.1.0.7")
    assert isinstance(free, Update)
    assert free.obj["metadata"]["finalizers"] == ["a.io/b"]
    assert rest == ([] if going else [Delete(SERVICE_CIDRS, old)])


async def test_services_get_addresses_of_a_ready_range_and_keep_it() -> None:
    async with control() as plane:
        wanted = {"metadata": {"name": "x"}, "spec": {"cidrs": ["10.196.196.0/24"]}}
        await plane.apply(SERVICE_CIDRS, wanted)
        [made, found] = sorted(plane.all(SERVICE_CIDRS, ""), key=lambda o: o["metadata"]["name"])
        assert made["metadata"]["name"] == "kubernetes"
        assert condition(made, "Ready") is not None
        assert (condition(found, "Ready") or {})["status"] == "True"
        spec = {"clusterIP": "10.196.196.77", "ports": [{"port": 80}]}
        metadata = {"namespace": "default", "name": "web"}
        await plane.apply(SERVICES, {"metadata": metadata, "spec": spec})
        await plane.client.delete(SERVICE_CIDRS, "", "x")
        await plane.settled()
        going = plane.client.get(SERVICE_CIDRS, "", "x")
        assert going is not None
        assert (condition(going, "Ready") or {})["reason"] == "Terminating"
        await plane.client.delete(SERVICES, "default", "web")
        await plane.settled()
        assert plane.client.get(SERVICE_CIDRS, "", "x") is None

"""Virtual IPs of ExternalName Services."""

from collections.abc import AsyncIterator
from ipaddress import IPv4Network

import pytest

from netemu.controllers.externalproxy import mistakes, plan
from netemu.model import resources
from netemu.model.meta import Object, annotations_of
from netemu.model.service import STANDS_IN, VIRTUAL_IP
from tests.support.control import Control, control
from tests.support.pile import Pile

SMALL = IPv4Network("10.96.0.0/30")


def alias(name: str = "web", **annotations: str) -> Object:
    given = {
        key.replace("_", "/").replace("netemu", "netemu.dev"): v for key, v in annotations.items()
    }
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": "default", "name": name, "annotations": given},
        "spec": {"type": "ExternalName", "externalName": "db.example", "ports": [{"port": 5432}]},
    }


@pytest.fixture
async def plane() -> AsyncIterator[Control]:
    async with control() as plane:
        yield plane


def virtual_ip(plane: Control, name: str = "web") -> str:
    return annotations_of(plane.get(resources.SERVICES, name)).get(VIRTUAL_IP, "")


async def test_who_asks_for_it_gets_an_address_of_the_range(plane: Control) -> None:
    await plane.apply(resources.SERVICES, alias(netemu_proxy="true"))
    await plane.apply(resources.SERVICES, alias("other", netemu_proxy="true"))
    await plane.apply(resources.SERVICES, alias("plain"))
    assert virtual_ip(plane) == "10.96.255.253"
    assert virtual_ip(plane, "other") == "10.96.255.252"
    assert virtual_ip(plane, "plain") == ""
    assert "web: Assigned virtual IP 10.96.255.253" in plane.events("IPAllocated")


async def test_who_asks_no_longer_gives_it_back(plane: Control) -> None:
    web = await plane.apply(resources.SERVICES, alias(netemu_proxy="true"))
    annotations = {**annotations_of(web), STANDS_IN: "false"}
    await plane.client.update(
        resources.SERVICES, {**web, "metadata": {**web["metadata"], "annotations": annotations}}
    )
    await plane.settled()
    assert virtual_ip(plane) == ""


@pytest.mark.parametrize(
    ("has", "taken", "expected"),
    [
        ("", (), "10.96.0.2"),
        ("", ("10.96.0.2",), "10.96.0.1"),
        ("10.96.0.1", (), "10.96.0.1"),
        ("10.96.0.2", ("10.96.0.2",), "10.96.0.1"),
        ("192.0.2.1", (), "10.96.0.2"),
        ("nonsense", (), "10.96.0.2"),
        ("", ("10.96.0.1", "10.96.0.2"), ""),
    ],
)
def test_an_address_is_kept_while_it_will_do(
    has: str, taken: tuple[str, ...], expected: str
) -> None:
    pile = Pile()
    web = alias(netemu_proxy="true")
    if has:
        web["metadata"]["annotations"][VIRTUAL_IP] = has
    pile.put(resources.SERVICES, web)
    pile.apply(plan(pile.one(resources.SERVICES), taken, SMALL))
    assert annotations_of(pile.one(resources.SERVICES)).get(VIRTUAL_IP, "") == expected
    if expected:
        assert plan(pile.one(resources.SERVICES), taken, SMALL) == []


@pytest.mark.parametrize(
    ("annotations", "spec", "told"),
    [
        ({"netemu_proxy": "true"}, {}, []),
        ({"netemu_proxy": "false"}, {}, []),
        (
            {"netemu_proxy": "yes"},
            {},
            ['netemu.dev/proxy must be "true" or "false", not "yes"'],
        ),
        (
            {"netemu_proxy": "true"},
            {"type": "ClusterIP"},
            ["netemu.dev/proxy is for Services of type ExternalName"],
        ),
        (
            {"netemu_proxy": "true"},
            {"ports": []},
            ["netemu.dev/proxy forwards the Service's ports, and there are none"],
        ),
        (
            {"netemu_proxy": "true", "netemu_virtual-ip": "192.0.2.1"},
            {},
            ['netemu.dev/virtual-ip must be an address of 10.96.0.0/30, not "192.0.2.1"'],
        ),
        (
            {"netemu_proxy": "true", "netemu_virtual-ip": "10.96.0.2"},
            {},
            ["netemu.dev/virtual-ip: 10.96.0.2 is already allocated"],
        ),
    ],
)
def test_mistakes_in_annotations(
    annotations: dict[str, str], spec: dict[str, object], told: list[str]
) -> None:
    web = alias(**annotations)
    web["spec"] |= spec
    assert list(mistakes(web, ("10.96.0.2",), SMALL)) == told

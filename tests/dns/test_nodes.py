from typing import Any

import pytest

from netemu.dns.names import EndpointName, ReverseName, ServiceName
from netemu.dns.nodes import Finder, Node, View
from netemu.dns.reading import Reading
from netemu.model.meta import Object
from netemu.model.snapshot import Snapshot
from tests.dns.cluster import (
    CLUSTER,
    DOMAIN,
    endpoint,
    endpoint_slice,
    external,
    service,
    snapshot_of,
    text_of,
)


def finder(snapshot: Snapshot) -> Finder:
    return Finder(Reading(snapshot), DOMAIN, View())


def find_in(services: list[Object], slices: list[Object], target: Any) -> Node | None:
    return finder(snapshot_of([], services, slices)).find(target)


def test_a_name_is_derived_from_nothing_unread() -> None:
    for key in CLUSTER.services:
        looked = finder(CLUSTER)
        looked.find(ServiceName(key))
        assert [part.key for part in looked.reading.parts] == [key]


@pytest.mark.parametrize("target", ["bad..name", "x" * 64, "", "é.example"])
def test_an_alias_that_is_no_name_is_none(target: str) -> None:
    assert find_in([external("ext", target)], [], ServiceName(("default", "ext"))) is None


def test_a_service_whose_address_isnt_allocated_yet_exists() -> None:
    assert find_in([service("new")], [], ServiceName(("default", "new"))) == Node()


def test_slices_of_names_are_no_addresses() -> None:
    slices = endpoint_slice("db", endpoint("db.example.org"), ports=("pg:1",))
    slices["addressType"] = "FQDN"
    assert find_in([service("db", "None")], [slices], ServiceName(("default", "db"))) is None


def test_hostnames_are_matched_in_any_case() -> None:
    slices = endpoint_slice("db", endpoint("10.244.0.1", hostname="DB-0"), ports=("pg:1",))
    node = find_in([service("db", "None")], [slices], EndpointName(("default", "db"), "db-0"))
    assert node is not None
    assert node.addresses == ("10.244.0.1",)


def test_a_virtual_ip_points_at_its_service_alone() -> None:
    """Even when somebody lists it as an endpoint."""
    slices = endpoint_slice("proxy", endpoint("10.96.0.1"), ports=("http:80",))
    services = [service("api", "10.96.0.1"), service("proxy", "None")]
    node = find_in(services, [slices], ReverseName("10.96.0.1"))
    assert node is not None
    assert [text_of(name) for name in node.names] == ["api.default.svc.cluster.local"]

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
from msgspec.structs import replace

from netemu.model.addressing import Addressing, canonical

ADDRESSING = Addressing(
    services=IPv4Network("10.96.0.0/12"),
    pods=IPv4Network("10.244.0.0/16"),
    nodes=IPv4Network("172.30.0.0/24"),
    load_balancers=(IPv4Address("172.30.0.240"), IPv4Address("172.30.0.250")),
    block=77,
    mirrored=True,
)


def test_the_well_known_addresses_are_where_clusters_have_them() -> None:
    assert ADDRESSING.api == "10.96.0.1"
    assert ADDRESSING.dns == "10.96.0.10"
    assert ADDRESSING.control_plane == "172.30.0.10"
    assert ADDRESSING.node(1) == "172.30.0.11"


def test_each_node_has_a_24_of_its_own() -> None:
    ranges = [ADDRESSING.pod_range(number) for number in (1, 2, 200)]
    assert [str(each) for each in ranges] == ["10.244.0.0/24", "10.244.1.0/24", "10.244.199.0/24"]


@pytest.mark.parametrize(
    ("address", "mirror"),
    [
        ("10.96.0.1", "127.77.0.1"),
        ("10.96.12.34", "127.77.12.34"),
        ("10.96.255.253", "127.77.255.253"),
        ("10.96.255.254", None),  # where the block's claim is bound
        ("10.97.0.1", None),
        ("10.96.0.0", None),
        ("10.95.255.255", None),
        ("172.30.0.11", None),
        ("fd00::1", None),
        ("nonsense", None),
    ],
)
def test_a_service_address_in_the_first_16_has_one_mirror(address: str, mirror: str | None) -> None:
    assert ADDRESSING.mirror(address) == mirror


def test_the_host_sees_mirrors_where_there_are_some() -> None:
    assert ADDRESSING.host_view("10.96.0.5") == "127.77.0.5"
    assert ADDRESSING.host_view("10.244.0.5") == "10.244.0.5"


IPV6 = Addressing(
    services=IPv6Network("fd00:10:96::/112"),
    pods=IPv6Network("fd00:10:244::/56"),
    nodes=IPv6Network("fd00:172:30::/64"),
    load_balancers=(IPv6Address("fd00:172:30::f0"), IPv6Address("fd00:172:30::fa")),
    block=77,
    mirrored=True,
    node_prefix=64,
)
BOTH = replace(ADDRESSING, secondary=IPV6)
IPV6_FIRST = replace(IPV6, secondary=ADDRESSING)


def test_the_well_known_addresses_of_ipv6() -> None:
    assert (IPV6.family, IPV6.api, IPV6.dns) == ("IPv6", "fd00:10:96::1", "fd00:10:96::a")
    assert (IPV6.control_plane, IPV6.node(1)) == ("fd00:172:30::a", "fd00:172:30::b")
    assert [str(IPV6.pod_range(number)) for number in (1, 2, 200)] == [
        "fd00:10:244::/64",
        "fd00:10:244:1::/64",
        "fd00:10:244:c7::/64",
    ]


def test_families_are_in_their_order() -> None:
    assert [each.family for each in BOTH.families] == ["IPv4", "IPv6"]
    assert [each.family for each in IPV6_FIRST.families] == ["IPv6", "IPv4"]
    assert BOTH.of("IPv6") is IPV6
    assert IPV6_FIRST.of("IPv4") is ADDRESSING
    assert ADDRESSING.of("IPv6") is None


@pytest.mark.parametrize("ranges", [BOTH, IPV6_FIRST], ids=["IPv4 first", "IPv6 first"])
def test_only_ipv4_has_mirrors_and_the_host_is_not_told_what_it_cannot_reach(
    ranges: Addressing,
) -> None:
    assert ranges.mirror("10.96.0.5") == ranges.host_view("10.96.0.5") == "127.77.0.5"
    assert ranges.mirror("fd00:10:96::5") is None
    assert ranges.host_view("fd00:10:96::5") == ""
    assert ranges.cluster_view("127.77.0.5") == "10.96.0.5"


def test_with_an_uplink_the_host_sees_the_addresses_themselves() -> None:
    reached = replace(BOTH, mirrored=False, secondary=replace(IPV6, mirrored=False))
    assert reached.host_view("10.96.0.5") == "10.96.0.5"
    assert reached.host_view("fd00:10:96::5") == "fd00:10:96::5"


@pytest.mark.parametrize(
    ("written", "canonical_form"),
    [
        ("10.96.0.5", "10.96.0.5"),
        ("fd00:10:96:0:0:0:0:5", "fd00:10:96::5"),
        ("FD00:10:96::0005", "fd00:10:96::5"),
        ("nonsense:", "nonsense:"),
    ],
)
def test_an_address_is_written_in_one_way(written: str, canonical_form: str) -> None:
    assert canonical(written) == canonical_form


def test_a_node_is_the_same_in_each_family() -> None:
    for number in (1, 2):
        one, other = BOTH.node(number), IPV6_FIRST.node(number)
        assert BOTH.node_here(one, "IPv6") == other
        assert BOTH.node_here(other, "IPv4") == IPV6_FIRST.node_here(one, "IPv4") == one
    assert BOTH.node_here("192.0.2.1", "IPv6") == ""
    assert ADDRESSING.node_here(ADDRESSING.node(1), "IPv6") == ""

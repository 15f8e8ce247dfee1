from ipaddress import IPv4Address, IPv4Network

import pytest

from netemu.model.addressing import Addressing

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

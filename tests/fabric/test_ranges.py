from ipaddress import IPv4Network, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.config.settings import IpFamily, NetMode, NetworkSettings
from netemu.fabric.ranges import addressing
from netemu.model.addressing import Addressing

DEFAULT = NetworkSettings()


def in_block(nodes: int = 2) -> Addressing:
    return addressing(NetMode.LOOPBACK, DEFAULT, nodes, 77)


@pytest.mark.parametrize("mode", [NetMode.ROOT, NetMode.ROOTLESS])
def test_with_namespaces_the_ranges_are_those_of_the_settings(mode: NetMode) -> None:
    ranges = addressing(mode, DEFAULT, 2, 77)
    assert (ranges.services, ranges.pods, ranges.nodes) == (
        DEFAULT.services,
        DEFAULT.pods,
        DEFAULT.nodes,
    )
    assert ranges.mirror("10.96.0.10") == "127.77.0.10"


def test_in_loopback_mode_an_address_is_its_own_mirror() -> None:
    ranges = in_block()
    assert ranges.mirror(ranges.dns) == ranges.dns == "127.77.0.10"
    assert ranges.host_view("127.77.3.4") == "127.77.3.4"


def test_in_loopback_mode_nothing_overlaps_and_all_is_in_the_block() -> None:
    ranges = in_block()
    block = IPv4Network("127.77.0.0/16")
    networks = [ranges.services, ranges.nodes, ranges.pods]
    assert all(network.subnet_of(block) for network in networks)  # type: ignore[arg-type]  # IPv4
    assert not any(
        one.overlaps(other) for one in networks for other in networks if one is not other
    )
    assert all(address in ranges.nodes for address in ranges.load_balancers)
    assert not any(block[0xFFFE] in network for network in (ranges.services, ranges.nodes))


@given(st.sampled_from(list(NetMode)[1:]), st.integers(1, 200))
def test_every_node_has_its_own_part_of_the_pod_range(mode: NetMode, nodes: int) -> None:
    ranges = addressing(mode, DEFAULT, nodes, 254)
    shares = [ranges.pod_range(number) for number in range(1, nodes + 1)]
    assert all(share.subnet_of(ranges.pods) for share in shares)  # type: ignore[arg-type]  # IPv4
    assert len(set(shares)) == nodes
    assert shares[0].num_addresses >= 128
    assert int(ranges.node(nodes).rpartition(".")[2]) < 240  # where the load balancers are


def test_a_small_pod_range_is_shared_out_evenly() -> None:
    network = NetworkSettings(pods=IPv4Network("10.9.8.0/24"))
    ranges = addressing(NetMode.ROOT, network, 20, 77)
    assert [str(ranges.pod_range(number)) for number in (1, 20)] == [
        "10.9.8.0/29",
        "10.9.8.152/29",
    ]


def test_a_pod_range_too_small_for_the_nodes_is_refused() -> None:
    network = NetworkSettings(pods=IPv4Network("10.9.8.0/24"))
    with pytest.raises(ValueError, match=r"10\.9\.8\.0/24 is too small for 40 nodes"):
        addressing(NetMode.ROOT, network, 40, 77)


FAMILIES = [
    ((IpFamily.IPV6,), ["IPv6"]),
    ((IpFamily.IPV4, IpFamily.IPV6), ["IPv4", "IPv6"]),
    ((IpFamily.IPV6, IpFamily.IPV4), ["IPv6", "IPv4"]),
]


@pytest.mark.parametrize(("asked", "expected"), FAMILIES)
def test_the_families_asked_for_in_their_order(
    asked: tuple[IpFamily, ...], expected: list[str]
) -> None:
    ranges = addressing(NetMode.ROOT, NetworkSettings(ip_families=asked), 200, 77)
    assert [each.family for each in ranges.families] == expected
    for each in ranges.families:
        shares = {each.pod_range(number) for number in range(1, 201)}
        assert len(shares) == 200
        assert all(share.network_address in each.pods for share in shares)


def test_a_range_of_ipv6_too_small_for_the_nodes_is_refused() -> None:
    both = (IpFamily.IPV4, IpFamily.IPV6)
    network = NetworkSettings(ip_families=both, pods6=IPv6Network("fd00::/120"))
    with pytest.raises(ValueError, match=r"network\.pods6: fd00::/120 is too small for 40 nodes"):
        addressing(NetMode.ROOT, network, 40, 77)

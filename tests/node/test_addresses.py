from ipaddress import ip_network

import pytest

from netemu.node.addresses import MOST, NoAddress, PodAddresses


def over(*ranges: str) -> PodAddresses:
    return PodAddresses([ip_network(text) for text in ranges])


def test_addresses_begin_after_the_nodes_own() -> None:
    assert over("10.244.1.0/24").take("a") == ("10.244.1.2",)


def test_a_pod_keeps_what_it_holds() -> None:
    addresses = over("10.244.1.0/24")
    assert addresses.take("a", "10.244.1.99") == ("10.244.1.99",)
    assert addresses.take("a") == ("10.244.1.99",)


def test_a_wanted_address_that_another_holds_is_not_given() -> None:
    addresses = over("10.244.1.0/24")
    addresses.take("a", "10.244.1.99")
    assert addresses.take("b", "10.244.1.99") == ("10.244.1.2",)


def test_an_address_of_another_range_is_not_given() -> None:
    assert over("10.244.1.0/24").take("a", "10.244.2.5") == ("10.244.1.2",)


def test_a_released_address_comes_back_last() -> None:
    addresses = over("10.244.1.0/29")
    first = addresses.take("a")
    addresses.release("a")
    addresses.release("a")
    given = [addresses.take(uid) for uid in "bcdef"]
    assert given[-1] == first
    assert len(set(given)) == 5
    with pytest.raises(NoAddress, match="no IP addresses available in range set: 10.244.1.0/29"):
        addresses.take("g")


def test_with_dual_stack_a_pod_has_the_same_number_in_both_ranges() -> None:
    addresses = over("10.244.1.0/24", "fd00:10:244:1::/64")
    assert addresses.take("a") == ("10.244.1.2", "fd00:10:244:1::2")
    assert addresses.take("b", "10.244.1.99") == ("10.244.1.99", "fd00:10:244:1::63")


def test_whichever_family_comes_first_is_the_one_that_is_asked_for() -> None:
    addresses = over("fd00:10:244:1::/64", "10.244.1.0/24")
    assert addresses.take("a", "fd00:10:244:1::9") == ("fd00:10:244:1::9", "10.244.1.9")
    assert addresses.take("b", "10.244.1.50") == ("fd00:10:244:1::2", "10.244.1.2")


def test_the_smaller_range_says_how_many_pods_there_can_be() -> None:
    addresses = over("fd00:10:244:1::/64", "10.244.1.0/29")
    for uid in "abcde":
        addresses.take(uid)
    with pytest.raises(NoAddress):
        addresses.take("f")


def test_of_a_range_too_large_to_list_a_part_is_used() -> None:
    addresses = over("fd00:10:244:1::/64")
    given = {addresses.take(str(uid)) for uid in range(MOST)}
    assert len(given) == MOST
    with pytest.raises(NoAddress):
        addresses.take("one more")

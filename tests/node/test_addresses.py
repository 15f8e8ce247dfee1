from ipaddress import IPv4Network

import pytest

from netemu.node.addresses import NoAddress, PodAddresses


def test_addresses_begin_after_the_nodes_own() -> None:
    assert PodAddresses(IPv4Network("10.244.1.0/24")).take("a") == "10.244.1.2"


def test_a_pod_keeps_what_it_holds() -> None:
    addresses = PodAddresses(IPv4Network("10.244.1.0/24"))
    assert addresses.take("a", "10.244.1.99") == "10.244.1.99"
    assert addresses.take("a") == "10.244.1.99"


def test_a_wanted_address_that_another_holds_is_not_given() -> None:
    addresses = PodAddresses(IPv4Network("10.244.1.0/24"))
    addresses.take("a", "10.244.1.99")
    assert addresses.take("b", "10.244.1.99") == "10.244.1.2"


def test_an_address_of_another_range_is_not_given() -> None:
    assert PodAddresses(IPv4Network("10.244.1.0/24")).take("a", "10.244.2.5") == "10.244.1.2"


def test_a_released_address_comes_back_last() -> None:
    addresses = PodAddresses(IPv4Network("10.244.1.0/29"))
    first = addresses.take("a")
    addresses.release("a")
    addresses.release("a")
    given = [addresses.take(uid) for uid in "bcdef"]
    assert given[-1] == first
    assert len(set(given)) == 5
    with pytest.raises(NoAddress, match="no IP addresses available in range set: 10.244.1.0/29"):
        addresses.take("g")

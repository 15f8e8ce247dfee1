from netemu.model.ipaddresses import addresses_of, for_service, is_for, is_managed
from tests.support.objects import a_service

WEB, OTHER = a_service("web"), a_service("other")


def test_addresses_are_read_as_they_are_served() -> None:
    held = {"spec": {"clusterIPs": ["010.001.0.7", "FD00::0:1"]}}
    assert addresses_of(held) == {"10.1.0.7", "fd00::1"}
    assert addresses_of({"spec": {"clusterIPs": ["None"]}}) == set()
    assert addresses_of(None) == set()


def test_an_address_says_whose_it_is() -> None:
    obj = for_service("fd00::1", WEB)
    assert obj["metadata"]["labels"] == {
        "ipaddress.kubernetes.io/ip-family": "IPv6",
        "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    }
    assert obj["spec"]["parentRef"] == {
        "resource": "services", "namespace": "default", "name": "web",
    }  # fmt: skip
    assert is_managed(obj)
    assert is_for(obj, WEB)
    assert not is_for(obj, OTHER)


def test_one_that_was_made_by_hand_is_not_managed() -> None:
    assert not is_managed({"metadata": {"name": "10.0.0.1"}})

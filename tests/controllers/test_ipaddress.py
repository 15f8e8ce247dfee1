"""Addresses and their objects, brought in line."""

import pytest

from netemu.controllers.actions import Create, Delete, Tell
from netemu.controllers.ipaddress import plan
from netemu.model.ipaddresses import for_service
from netemu.model.meta import Object
from netemu.model.resources import IP_ADDRESSES
from tests.support.objects import a_service

IP = "10.96.0.7"
WEB, OTHER = a_service("web", clusterIPs=[IP]), a_service("other", clusterIPs=[IP])
OBJ = for_service(IP, WEB)
BY_HAND: Object = {"metadata": {"name": IP}, "spec": OBJ["spec"]}


def test_an_address_without_object_gets_one() -> None:
    create, tell = plan(IP, None, WEB)
    assert create == Create(IP_ADDRESSES, OBJ)
    assert isinstance(tell, Tell)
    assert tell.message == "Cluster IP [IPv4]: 10.96.0.7 is not allocated; repairing"


@pytest.mark.parametrize("service", [None, OTHER])
def test_an_object_without_its_service_goes(service: Object | None) -> None:
    tell, delete = plan(IP, OBJ, service)
    assert isinstance(tell, Tell)
    assert delete == Delete(IP_ADDRESSES, OBJ)


@pytest.mark.parametrize(
    ("obj", "service"), [(OBJ, WEB), (BY_HAND, None), (BY_HAND, WEB), (None, None)]
)
def test_what_is_right_is_left_alone(obj: Object | None, service: Object | None) -> None:
    assert plan(IP, obj, service) == []

from ipaddress import ip_network

import pytest

from netemu.model.meta import Object
from netemu.model.serviceranges import networks_of, ready_networks


def cidr(*ranges: str, ready: str = "True", deleting: bool = False) -> Object:
    metadata = {"name": "x", **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if deleting else {})}
    status = {"conditions": [{"type": "Ready", "status": ready}]} if ready else {}
    return {"metadata": metadata, "spec": {"cidrs": list(ranges)}, "status": status}


def test_host_bits_mean_nothing() -> None:
    found = networks_of(cidr("10.1.1.7/24", "fd00::1/64"))
    assert found == (ip_network("10.1.1.0/24"), ip_network("fd00::/64"))


@pytest.mark.parametrize(
    ("obj", "offered"),
    [
        (cidr("10.1.0.0/24"), True),
        (cidr("10.1.0.0/24", ready="False"), False),
        (cidr("10.1.0.0/24", ready=""), False),
        (cidr("10.1.0.0/24", deleting=True), False),
    ],
    ids=["ready", "not ready", "nobody has looked yet", "going"],
)
def test_new_addresses_come_from_ready_ranges(obj: Object, offered: bool) -> None:
    assert bool(ready_networks([obj, obj])) is offered
    assert len(ready_networks([obj, obj])) <= 1

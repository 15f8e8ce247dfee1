"""Which addresses of Services are made to end in the cluster, and until when."""

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from netemu.daemon.addresses import ForeignAddresses
from netemu.model.meta import Object
from netemu.model.resources import SERVICES
from netemu.model.snapshot import EMPTY, Snapshot, advance

OWN = IPv4Network("172.30.0.0/24")


class Spawner:
    """Notes what it is asked for, as the real one would do it."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.refuses = ""
        self.opened = 0

    async def reach(self, address: str, *, wanted: bool) -> str:
        if address == self.refuses:
            raise OSError(95, "not here")
        if wanted:
            self.reached.append(address)
        else:
            self.reached.remove(address)
        return "it is the host's" if address.startswith("192.0.2.") else ""

    def open(self) -> None:
        self.opened += 1


def service(name: str = "web", *, balanced: str = "", **spec: Any) -> Object:
    ingress = [{"ip": balanced}] if balanced else []
    return {
        "metadata": {"namespace": "default", "name": name},
        "spec": {"type": "LoadBalancer", "ports": [], **spec},
        "status": {"loadBalancer": {"ingress": ingress}},
    }


def snapshot(*services: Object) -> Snapshot:
    result = EMPTY
    for obj in services:
        result = advance(result, SERVICES, None, obj)
    return result


@pytest.fixture
def spawner() -> Spawner:
    return Spawner()


@pytest.fixture
def foreign(spawner: Spawner) -> ForeignAddresses:
    return ForeignAddresses(spawner.reach, lambda ip: IPv4Address(ip) in OWN, spawner.open)


async def test_only_what_is_not_ours_is_asked_for(
    foreign: ForeignAddresses, spawner: Spawner
) -> None:
    ours = service("a", balanced="172.30.0.240", externalIPs=["172.30.0.11", "fd00::1"])
    theirs = service("b", balanced="10.64.140.43", externalIPs=["203.0.113.250"])
    alias = service("c", type="ExternalName", externalIPs=["203.0.113.251"])
    plain = service("d", type="ClusterIP", balanced="10.64.140.44")
    await foreign.follow(snapshot(ours, theirs, alias, plain))
    assert spawner.reached == ["10.64.140.43", "203.0.113.250"]
    assert spawner.opened == 1


async def test_an_address_goes_with_the_last_service_that_has_it(
    foreign: ForeignAddresses, spawner: Spawner
) -> None:
    both = snapshot(*(service(name, balanced="10.64.140.43") for name in "ab"))
    await foreign.follow(both)
    one = advance(both, SERVICES, service("a", balanced="10.64.140.43"), None)
    await foreign.follow(one)
    assert spawner.reached == ["10.64.140.43"]
    await foreign.follow(advance(one, SERVICES, service("b", balanced="10.64.140.43"), None))
    assert spawner.reached == []
    assert spawner.opened == 1


async def test_what_the_host_cannot_reach_is_told(foreign: ForeignAddresses) -> None:
    await foreign.follow(snapshot(service(balanced="192.0.2.9", externalIPs=["203.0.113.250"])))
    assert foreign.notes == {"192.0.2.9": "it is the host's"}


async def test_a_refusal_is_told_and_holds_up_no_other(
    foreign: ForeignAddresses, spawner: Spawner
) -> None:
    spawner.refuses = "10.64.140.43"
    await foreign.follow(snapshot(service(externalIPs=["10.64.140.43", "10.64.140.44"])))
    assert foreign.notes == {"10.64.140.43": "not here"}
    assert spawner.reached == ["10.64.140.44"]


async def test_cluster_ips_of_further_ranges_end_here_too(
    foreign: ForeignAddresses, spawner: Spawner
) -> None:
    ours = service("a", type="ClusterIP", clusterIPs=["172.30.0.7"], clusterIP="172.30.0.7")
    theirs = service("b", type="NodePort", clusterIPs=["10.196.1.7"], clusterIP="10.196.1.7")
    headless = service("c", type="ClusterIP", clusterIPs=["None"], clusterIP="None")
    await foreign.follow(snapshot(ours, theirs, headless))
    assert spawner.reached == ["10.196.1.7"]

"""What Services are given: addresses and ports, each once."""

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from netemu.api.defaults import with_defaults
from netemu.api.strategies import prepare_update
from netemu.model.errors import InternalError
from netemu.model.meta import copied
from tests.api.allocating import (
    ADDRESSING,
    BALANCED,
    LOCAL,
    NODE_PORT,
    SERVICES,
    TINY,
    TWO,
    addresses,
    create,
    node_ports,
    refusal,
    sent,
    update,
)
from tests.support.objects import a_service


def test_a_service_gets_an_address_and_a_family() -> None:
    given = sent()
    before = copied(given)
    obj, _ = addresses().allocate(given, None)
    spec = obj["spec"]
    assert given == before
    assert spec["clusterIPs"] == [spec["clusterIP"]]
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4"], "SingleStack")


def test_addresses_come_from_the_mirrored_part_above_what_people_pick() -> None:
    pool = addresses()
    ips = [IPv4Address(create(pool)["spec"]["clusterIP"]) for _ in range(200)]
    assert len(set(ips)) == 200
    assert all(ip in IPv4Network("10.96.0.0/16") for ip in ips)
    assert min(ips) >= IPv4Address("10.96.1.1")
    assert all(ADDRESSING.mirror(str(ip)) for ip in ips)


def test_a_tiny_range_is_used_up_but_for_the_two_that_are_known() -> None:
    pool = addresses(addressing=TINY)
    ips = {create(pool)["spec"]["clusterIP"] for _ in range(12)}
    assert ips == {f"127.77.0.{n}" for n in range(2, 15)} - {"127.77.0.10"}
    with pytest.raises(InternalError, match="failed to allocate a serviceIP: range is full"):
        create(pool)


def test_an_address_may_be_chosen_once() -> None:
    pool = addresses()
    assert create(pool, clusterIP="10.96.0.1")["spec"]["clusterIPs"] == ["10.96.0.1"]
    assert create(pool, clusterIP="10.100.0.9")["spec"]["clusterIP"] == "10.100.0.9"
    assert refusal(pool, clusterIP="10.96.0.1") == (
        'spec.clusterIPs: Invalid value: []string{"10.96.0.1"}: failed to allocate IP 10.96.0.1: '
        "provided IP is already allocated"
    )


@pytest.mark.parametrize("ip", ["10.95.0.1", "10.96.0.0", "10.111.255.255"])
def test_an_address_elsewhere_cannot_be_had(ip: str) -> None:
    assert refusal(addresses(), clusterIP=ip) == (
        f'spec.clusterIPs: Invalid value: []string{{"{ip}"}}: failed to allocate IP {ip}: the '
        f"provided IP ({ip}) is not in the valid range. The range of valid IPs is 10.96.0.0/12"
    )


@pytest.mark.parametrize(
    "spec", [{"clusterIP": "None"}, {"type": "ExternalName", "externalName": "x.org"}]
)
def test_some_have_no_address(spec: dict[str, Any]) -> None:
    obj = create(addresses(), **spec)
    assert obj["spec"].get("clusterIP") == spec.get("clusterIP")


def test_two_stacks_cannot_be_had() -> None:
    assert refusal(addresses(), ipFamilyPolicy="RequireDualStack") == (
        'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured '
        "for dual-stack services"
    )


def test_stored_services_have_what_they_have() -> None:
    first = addresses()
    stored = create(
        first, clusterIP="10.96.0.7", ports=[{"port": 80, "nodePort": 30080}], **NODE_PORT
    )
    second = addresses(stored)
    assert "already allocated" in refusal(second, clusterIP="10.96.0.7")
    assert "already allocated" in refusal(
        second, ports=[{"port": 80, "nodePort": 30080}], **NODE_PORT
    )


def test_each_port_gets_a_node_port_above_what_people_pick() -> None:
    pool = addresses()
    service = create(
        pool, ports=[{"name": "a", "port": 80}, {"name": "b", "port": 81}], **NODE_PORT
    )
    first, second = node_ports(service)
    assert first != second
    assert all(30086 <= port <= 32767 for port in (first, second))


def test_a_new_services_tcp_and_udp_share_a_node_port() -> None:
    first, second = node_ports(create(addresses(), ports=TWO, **NODE_PORT))
    assert first == second


def test_also_when_one_of_them_is_chosen() -> None:
    chosen = [TWO[0], {**TWO[1], "nodePort": 30053}]
    assert node_ports(create(addresses(), ports=chosen, **NODE_PORT)) == [30053, 30053]


def test_a_port_added_later_has_its_own() -> None:
    pool = addresses()
    old = create(pool, ports=TWO[:1], **NODE_PORT)
    first, second = node_ports(update(pool, old, ports=TWO, **NODE_PORT))
    assert first == node_ports(old)[0] != second


def test_a_node_port_may_be_chosen_once() -> None:
    pool = addresses()
    create(pool, ports=[{"port": 80, "nodePort": 30080}], **NODE_PORT)
    ports = [
        {"name": "a", "port": 80, "nodePort": 30081},
        {"name": "b", "port": 81, "nodePort": 30080},
    ]
    assert refusal(pool, ports=ports, **NODE_PORT) == (
        "spec.ports[1].nodePort: Invalid value: 30080: provided port is already allocated"
    )
    assert create(pool, ports=ports[:1], **NODE_PORT), "the failed write took nothing"


@pytest.mark.parametrize("port", [80, 29999, 32768])
def test_a_node_port_elsewhere_cannot_be_had(port: int) -> None:
    assert refusal(addresses(), ports=[{"port": 80, "nodePort": port}], **NODE_PORT) == (
        f"spec.ports[0].nodePort: Invalid value: {port}: provided port is not in the valid range. "
        "The range of valid ports is 30000-32767"
    )


def test_when_all_node_ports_are_taken_a_service_says_so() -> None:
    pool = addresses(ports=(30000, 30000))
    create(pool, **NODE_PORT)
    with pytest.raises(InternalError, match="failed to allocate a nodePort: range is full"):
        create(pool, **NODE_PORT)


def test_a_balancer_may_do_without_node_ports() -> None:
    pool = addresses()
    without = {**BALANCED, "allocateLoadBalancerNodePorts": False}
    old = create(pool, ports=[{"port": 80}, {"port": 81, "nodePort": 30081}], **without)
    assert node_ports(old) == [0, 30081]
    new = update(pool, old, ports=[{"port": 80}, {"port": 81, "nodePort": 30081}], **BALANCED)
    assert node_ports(new)[0] != 0
    again = update(pool, new, ports=new["spec"]["ports"], **without)
    assert node_ports(again) == node_ports(new)


def test_a_local_balancer_has_a_port_for_health_checks() -> None:
    pool = addresses()
    drawn = create(pool, **LOCAL)["spec"]["healthCheckNodePort"]
    assert 30086 <= drawn <= 32767
    assert create(pool, healthCheckNodePort=30001, **LOCAL)["spec"]["healthCheckNodePort"] == 30001
    with pytest.raises(
        InternalError,
        match="failed to allocate requested HealthCheck NodePort 30001: provided port is already",
    ):
        create(pool, healthCheckNodePort=30001, **LOCAL)


def test_health_checks_and_node_ports_share_one_pool() -> None:
    pool = addresses()
    create(pool, healthCheckNodePort=30001, **LOCAL)
    assert "already allocated" in refusal(
        pool, ports=[{"port": 80, "nodePort": 30001}], **NODE_PORT
    )


def test_what_is_not_committed_was_never_taken() -> None:
    pool = addresses()
    spec: dict[str, Any] = {
        "clusterIP": "10.96.0.7",
        "ports": [{"port": 80, "nodePort": 30080}],
        **NODE_PORT,
    }
    _, reservation = pool.allocate(sent(**spec), None)
    assert "already allocated" in refusal(pool, **spec), "reserved while the write is under way"
    pool.rollback(reservation)
    create(pool, **spec)


def test_what_a_change_gives_back_is_free_when_it_is_stored() -> None:
    pool = addresses()
    spec: dict[str, Any] = {"clusterIP": "10.96.0.7", "ports": [{"port": 80, "nodePort": 30080}]}
    old = create(pool, **spec, **NODE_PORT)
    alias = prepare_update(
        SERVICES,
        with_defaults(SERVICES, a_service(type="ExternalName", externalName="x.org", ports=[])),
        old,
    )
    obj, reservation = pool.allocate(alias, old)
    assert "clusterIP" not in obj["spec"]
    assert "already allocated" in refusal(pool, **spec, **NODE_PORT)
    pool.commit(reservation)
    create(pool, **spec, **NODE_PORT)


def test_a_change_that_fails_gives_nothing_back() -> None:
    pool = addresses()
    old = create(pool, clusterIP="10.96.0.7")
    alias = with_defaults(SERVICES, a_service(type="ExternalName", externalName="x.org"))
    _, reservation = pool.allocate(prepare_update(SERVICES, alias, old), old)
    pool.rollback(reservation)
    assert "already allocated" in refusal(pool, clusterIP="10.96.0.7")


def test_an_alias_that_becomes_a_service_gets_an_address() -> None:
    pool = addresses()
    old = create(pool, type="ExternalName", externalName="x.org")
    assert update(pool, old)["spec"]["clusterIP"].startswith("10.96.")


def test_an_unchanged_service_takes_nothing() -> None:
    pool = addresses()
    old = create(pool, ports=TWO, **LOCAL)
    obj, reservation = pool.allocate(prepare_update(SERVICES, old, old), old)
    assert obj == old
    assert not reservation.taken_ips | reservation.taken_ports
    assert not reservation.freed_ips | reservation.freed_ports


def test_all_is_free_again_when_a_service_is_gone() -> None:
    pool = addresses(ports=(30000, 30002))
    for _ in range(3):
        service = create(pool, clusterIP="10.96.0.7", **LOCAL)
        pool.release(service)

"""Services that are given addresses and ports."""

import random
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from netemu.api.allocation import ServiceAddresses
from netemu.api.defaults import with_defaults
from netemu.api.strategies import prepare_create, prepare_update
from netemu.model.addressing import Addressing
from netemu.model.errors import Invalid
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY
from tests.support.objects import a_service

SERVICES = BY_KEY["services"]
ADDRESSING = Addressing(
    services=IPv4Network("10.96.0.0/12"),
    pods=IPv4Network("10.244.0.0/16"),
    nodes=IPv4Network("172.30.0.0/24"),
    load_balancers=(IPv4Address("172.30.0.240"), IPv4Address("172.30.0.250")),
    block=77,
    mirrored=True,
)
TINY = Addressing(
    services=IPv4Network("127.77.0.0/28"),
    pods=ADDRESSING.pods,
    nodes=ADDRESSING.nodes,
    load_balancers=ADDRESSING.load_balancers,
    block=77,
    mirrored=False,
)
PORTS = (30000, 32767)


def addresses(
    *stored: Object, addressing: Addressing = ADDRESSING, ports: tuple[int, int] = PORTS
) -> ServiceAddresses:
    return ServiceAddresses(addressing, ports, random.Random(1), stored)


def sent(**spec: Any) -> Object:
    return prepare_create(SERVICES, with_defaults(SERVICES, a_service(**spec)))


def create(pool: ServiceAddresses, **spec: Any) -> Any:
    obj, reservation = pool.allocate(sent(**spec), None)
    pool.commit(reservation)
    return obj


def update(pool: ServiceAddresses, old: Object, **spec: Any) -> Any:
    given = with_defaults(SERVICES, a_service(**spec))
    obj, reservation = pool.allocate(prepare_update(SERVICES, given, old), old)
    pool.commit(reservation)
    return obj


def refusal(pool: ServiceAddresses, **spec: Any) -> str:
    with pytest.raises(Invalid) as caught:
        pool.allocate(sent(**spec), None)
    (cause,) = caught.value.causes
    return f"{cause.field}: {cause.message}"


def node_ports(service: Object) -> list[int]:
    return [port.get("nodePort", 0) for port in service["spec"]["ports"]]


NODE_PORT: dict[str, Any] = {"type": "NodePort"}
BALANCED: dict[str, Any] = {"type": "LoadBalancer"}
LOCAL = {**BALANCED, "externalTrafficPolicy": "Local"}
TWO = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53}]

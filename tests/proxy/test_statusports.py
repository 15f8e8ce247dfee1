"""Ports that answer every GET with a small document, asked by real clients."""

import asyncio
import json
from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest
from msgspec import structs

from netemu.model import resources
from netemu.model.service import NodePlace
from netemu.model.snapshot import EMPTY, advance
from netemu.proxy.choose import Address
from netemu.proxy.health import HEALTHZ_PORT, METRICS_PORT, HealthCheck
from netemu.proxy.healthports import HealthPorts
from netemu.proxy.metrics import ProxyMetrics
from netemu.proxy.statusports import PATIENCE_SECONDS, RETRY_SECONDS, Page, StatusPorts
from tests.proxy.harness import BLOCK, SOCKETS, free_port, listening, service_object, slice_object
from tests.support.clock import FakeClock

SERVICE = ("default", "web")
NODES = {
    name: NodePlace(name=name, address=f"127.{BLOCK}.9.{number}")
    for number, name in enumerate(("node-a", "node-b"), 1)
}
ON_A, ON_B = (node.address for node in NODES.values())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def ports(clock: FakeClock) -> AsyncIterator[StatusPorts]:
    ports = StatusPorts(asyncio.get_running_loop(), SOCKETS, clock)
    yield ports
    ports.close()


@pytest.fixture
def health(ports: StatusPorts, clock: FakeClock) -> HealthPorts:
    health = HealthPorts(ports, clock, ProxyMetrics(dict), ())
    health.follow_nodes(NODES)
    return health


async def get(address: Address, path: str = "/", method: str = "GET") -> tuple[int, str, str]:
    """Status, headers and body."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        async with asyncio.timeout(5):
            head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
        return int(head.split()[1]), head, body
    finally:
        writer.close()


def saying_path(path: str) -> Page:
    return Page(HTTPStatus.OK, "text/plain", path)


async def test_a_wanted_port_answers_and_an_unwanted_one_refuses(ports: StatusPorts) -> None:
    address = "127.0.0.1", free_port()
    ports.want(address, saying_path)
    assert (await get(address, "/a?b=c"))[::2] == (200, "/a")
    assert (await get(address, "/a", "HEAD"))[::2] == (200, "")
    ports.want(address, None)
    with pytest.raises(ConnectionRefusedError):
        await get(address)


async def test_a_port_somebody_holds_is_tried_again(ports: StatusPorts, clock: FakeClock) -> None:
    with listening() as held:
        address = held.getsockname()
        ports.want(address, saying_path)
        await clock.advance(RETRY_SECONDS)
    await clock.advance(RETRY_SECONDS)
    assert (await get(address))[0] == 200


async def test_who_does_not_ask_is_not_waited_for(ports: StatusPorts, clock: FakeClock) -> None:
    address = "127.0.0.1", free_port()
    ports.want(address, saying_path)
    reader, writer = await asyncio.open_connection(*address)
    while not ports._clients:
        await asyncio.sleep(0)
    await clock.advance(PATIENCE_SECONDS)
    assert await reader.read() == b""
    writer.close()


async def test_the_proxy_says_how_it_is_on_every_node(health: HealthPorts) -> None:
    for address in (ON_A, ON_B):
        status, _, body = await get((address, HEALTHZ_PORT), "/healthz")
        assert status == 200
        assert set(json.loads(body)) == {"lastUpdated", "currentTime", "nodeEligible"}
        assert (await get((address, METRICS_PORT), "/proxyMode"))[::2] == (200, "userspace")
        status, _, text = await get((address, METRICS_PORT), "/metrics")
        assert status == 200
        assert 'kubeproxy_proxy_healthz_total{code="200"}' in text
        assert (await get((address, METRICS_PORT), "/nope"))[0] == 404


async def test_each_node_counts_the_local_services_that_it_does_not_serve(
    ports: StatusPorts, clock: FakeClock
) -> None:
    metrics = ProxyMetrics(dict)
    health = HealthPorts(ports, clock, metrics, ())
    health.follow_nodes(NODES)
    obj = service_object("web", "10.96.0.5", 80)
    obj["spec"]["internalTrafficPolicy"] = "Local"
    listed = slice_object("web", ("10.244.0.2", 80))
    listed["endpoints"][0]["nodeName"] = "node-a"
    snapshot = advance(EMPTY, resources.SERVICES, None, obj)
    snapshot = advance(snapshot, resources.ENDPOINT_SLICES, None, listed)
    metrics.note_changes(EMPTY, snapshot, [SERVICE], 0.0)
    name = "kubeproxy_sync_proxy_rules_no_local_endpoints_total"
    for address, count in ((ON_A, 0), (ON_B, 1)):
        _, _, text = await get((address, METRICS_PORT), "/metrics")
        assert f'{name}{{traffic_policy="internal"}} {count}' in text
        assert f'{name}{{traffic_policy="external"}} 0' in text


async def test_a_node_that_goes_is_unhealthy_but_lives(
    health: HealthPorts, clock: FakeClock
) -> None:
    going = {**NODES, "node-b": structs.replace(NODES["node-b"], eligible=False)}
    health.follow_nodes(going)
    await clock.advance(30)  # nothing changes for a while: who is healthy was "updated" just now
    for address, status in ((ON_A, 200), (ON_B, 503)):
        status_told, _, body = await get((address, HEALTHZ_PORT), "/healthz")
        told = json.loads(body)
        assert (status_told, told["nodeEligible"]) == (status, status == 200)
        assert (told["lastUpdated"] == told["currentTime"]) == (status == 200)
        assert (await get((address, HEALTHZ_PORT), "/livez"))[0] == 200


async def test_a_health_check_node_port_counts_what_its_node_has(health: HealthPorts) -> None:
    port = free_port()
    health.check(SERVICE, HealthCheck(port, {"node-a": 2}))
    status, head, body = await get((ON_A, port), "/any/path")
    assert status == 200
    assert "Content-Type: application/json" in head
    assert "X-Content-Type-Options: nosniff" in head
    assert json.loads(body) == {
        "service": {"namespace": "default", "name": "web"},
        "localEndpoints": 2,
        "serviceProxyHealthy": True,
    }
    status, _, body = await get((ON_B, port))
    assert (status, json.loads(body)["localEndpoints"]) == (503, 0)


async def test_a_health_check_follows_its_service(health: HealthPorts) -> None:
    port, other = free_port(), free_port()
    health.check(SERVICE, HealthCheck(port, {"node-a": 1}))
    health.check(SERVICE, HealthCheck(port, {}))
    assert (await get((ON_A, port)))[0] == 503
    health.check(SERVICE, HealthCheck(other, {"node-a": 1}))
    assert (await get((ON_A, other)))[0] == 200
    with pytest.raises(ConnectionRefusedError):
        await get((ON_A, port))
    health.check(SERVICE, None)
    with pytest.raises(ConnectionRefusedError):
        await get((ON_A, other))


async def test_ports_go_with_their_node(health: HealthPorts) -> None:
    health.check(SERVICE, HealthCheck(port := free_port(), {"node-a": 1}))
    health.follow_nodes({"node-a": NODES["node-a"]})
    assert (await get((ON_A, port)))[0] == 200
    for gone in (port, HEALTHZ_PORT):
        with pytest.raises(ConnectionRefusedError):
            await get((ON_B, gone))

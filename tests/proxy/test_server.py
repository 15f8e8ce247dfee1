"""The proxy follows the snapshot, with real sockets on loopback."""

import asyncio
import errno
import os
import socket
import time
from dataclasses import replace

import pytest

from netemu.clock import rfc3339_micro
from netemu.model import resources
from netemu.model.service import TRIGGER_TIME, Protocol
from netemu.model.snapshot import EMPTY
from netemu.proxy.site import Backend
from tests.proxy.harness import (
    ON_LOOPBACK,
    ask,
    eventually,
    free_port,
    nobody,
    saying,
    slice_object,
)
from tests.proxy.loopback import Cluster, knock, proxying
from tests.support.clock import FakeClock

WEB = Backend(("default", "web"), "http", Protocol.TCP)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


async def test_a_service_answers_at_its_address(cluster: Cluster) -> None:
    async with saying(b"hello") as pod, proxying(cluster):
        cluster.service()
        cluster.endpoints(pod)
        assert await ask(cluster.front) == b"hello"


async def test_what_is_there_at_the_start_listens_on_entry(cluster: Cluster) -> None:
    async with saying(b"hello") as pod:
        cluster.service()
        cluster.endpoints(pod)
        async with proxying(cluster) as proxy:
            assert await ask(cluster.front) == b"hello"
            assert proxy.listening == 1


async def test_nothing_listens_before_the_first_list_is_in(cluster: Cluster) -> None:
    cluster.latest.replace(replace(EMPTY, synced=False))
    async with saying(b"hello") as pod, proxying(cluster):
        cluster.service()
        cluster.endpoints(pod)
        assert knock(cluster.front) == errno.ECONNREFUSED
        cluster.latest.replace(replace(cluster.latest.value, synced=True))
        assert await ask(cluster.front) == b"hello"


async def test_a_service_without_ready_endpoint_refuses_within_the_turn(cluster: Cluster) -> None:
    async with saying(b"hello") as pod, proxying(cluster):
        cluster.service()
        assert knock(cluster.front) == errno.ECONNREFUSED
        cluster.endpoints(pod)
        assert knock(cluster.front) == 0
        cluster.endpoints()
        assert knock(cluster.front) == errno.ECONNREFUSED
        cluster.endpoints(pod)
        assert await ask(cluster.front) == b"hello"


async def test_a_deleted_service_refuses(cluster: Cluster) -> None:
    async with saying(b"hello") as pod, proxying(cluster) as proxy:
        cluster.service()
        cluster.endpoints(pod)
        cluster.delete(resources.SERVICES, "web")
        assert knock(cluster.front) == errno.ECONNREFUSED
        assert proxy.listening == 0
        assert not proxy.routes


async def test_a_node_port_answers_on_every_node_and_loopback(cluster: Cluster) -> None:
    node_port = free_port()
    async with saying(b"hello") as pod, proxying(cluster) as proxy:
        cluster.service(node_port=node_port)
        cluster.endpoints(pod)
        for address in (ON_LOOPBACK.node(1), ON_LOOPBACK.node(2), "127.0.0.1"):
            assert await ask((address, node_port)) == b"hello"
        assert knock((ON_LOOPBACK.node(3), node_port)) == errno.ECONNREFUSED
        assert proxy.routes[WEB].connections == 3


async def test_clients_meet_every_endpoint(cluster: Cluster) -> None:
    async with saying(b"one") as one, saying(b"two") as two, proxying(cluster):
        cluster.service()
        cluster.endpoints(one, two)
        assert {await ask(cluster.front) for _ in range(40)} == {b"one", b"two"}


async def test_a_sticky_client_meets_one_by_every_path(cluster: Cluster) -> None:
    node_port = free_port()
    async with saying(b"one") as one, saying(b"two") as two, proxying(cluster):
        cluster.service(node_port=node_port, affinity=60)
        cluster.endpoints(one, two)
        paths = [cluster.front, ("127.0.0.1", node_port), (ON_LOOPBACK.node(1), node_port)]
        answers = {await ask(path, source="127.0.0.9") for path in paths * 8}
        assert len(answers) == 1
        others = {await ask(cluster.front, source=f"127.0.0.{n}") for n in range(10, 40)}
        assert others == {b"one", b"two"}


async def test_a_sticky_client_never_sees_that_its_endpoint_failed(cluster: Cluster) -> None:
    async with saying(b"alive") as alive, proxying(cluster) as proxy:
        with nobody() as dead:
            cluster.service(affinity=60)
            cluster.endpoints(dead, alive)
            for _ in range(20):
                assert await ask(cluster.front) == b"alive"
            assert proxy.routes[WEB].failed == 0


async def test_connections_outlive_their_endpoint_and_their_service(cluster: Cluster) -> None:
    async with saying(b"hello") as pod, proxying(cluster) as proxy:
        cluster.service()
        cluster.endpoints(pod)
        reader, writer = await asyncio.open_connection(*cluster.front)
        writer.write(b"?")
        assert await reader.read(9) == b"hello"
        cluster.endpoints()
        cluster.delete(resources.SERVICES, "web")
        writer.write(b"?")
        assert await reader.read(9) == b"hello"
        assert proxy.connections == 1
        writer.close()
        await eventually(lambda: proxy.connections == 0)


async def test_endpoints_that_roll_fail_no_request(cluster: Cluster) -> None:
    """As in a rolling update: the new pod becomes ready, the old one unready, then it ends."""
    clients = 4
    answers: list[list[bytes]] = [[] for _ in range(clients)]
    rolled = asyncio.Event()

    async def request_for_ever(mine: list[bytes]) -> None:
        while not rolled.is_set():
            mine.append(await ask(cluster.front))

    async def somebody_had(answer: bytes) -> None:
        await eventually(lambda: any(answer in mine for mine in answers))

    async def everybody_had_last(answer: bytes) -> None:
        await eventually(lambda: all(mine[-1:] == [answer] for mine in answers))

    async with proxying(cluster) as proxy, asyncio.TaskGroup() as group:
        old = saying(b"pod 0")
        before = await old.__aenter__()
        cluster.service()
        cluster.endpoints(before)
        for mine in answers:
            group.create_task(request_for_ever(mine))
        for number in range(1, 20):
            name = f"pod {number}".encode()
            new = saying(name)
            after = await new.__aenter__()
            cluster.endpoints(before, after)
            await somebody_had(name)
            cluster.endpoints(after)
            await everybody_had_last(name)  # a pod that ends answers what had reached it first
            await old.__aexit__(None, None, None)
            old, before = new, after
        rolled.set()
    await old.__aexit__(None, None, None)
    assert {answer for mine in answers for answer in mine} == {
        f"pod {number}".encode() for number in range(20)
    }
    assert proxy.routes[WEB].failed == 0


async def test_a_port_that_is_taken_is_a_failure_and_the_rest_works(cluster: Cluster) -> None:
    async with saying(b"hello") as pod:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            node_port = taken.getsockname()[1]
            async with proxying(cluster) as proxy:
                cluster.service(node_port=node_port)
                cluster.endpoints(pod)
                ((listener, reason),) = proxy.failures.items()
                assert listener.address == "127.0.0.1"
                assert reason == os.strerror(errno.EADDRINUSE)
                assert await ask(cluster.front) == b"hello"


async def test_leaving_closes_every_listener_and_connection(cluster: Cluster) -> None:
    before = set(os.listdir("/proc/self/fd"))
    async with saying(b"hello") as pod:
        async with proxying(cluster, FakeClock()):
            cluster.service()
            cluster.endpoints(pod)
            reader, writer = await asyncio.open_connection(*cluster.front)
            writer.write(b"?")
            assert await reader.read(9) == b"hello"
        assert knock(cluster.front) == errno.ECONNREFUSED
        assert await reader.read(9) == b""
        writer.close()
        cluster.endpoints()  # nobody listens to the snapshot any more
    await eventually(lambda: set(os.listdir("/proc/self/fd")) <= before)


async def test_who_sticks_to_what_can_be_seen(cluster: Cluster) -> None:
    async with saying(b"hello") as pod, proxying(cluster) as proxy:
        cluster.service(affinity=60)
        cluster.endpoints(pod)
        await ask(cluster.front, source="127.0.0.9")
        [row] = proxy.affinities()
        assert {**row, "secondsLeft": 60.0} == {
            "namespace": "default",
            "service": "web",
            "port": "http",
            "protocol": "TCP",
            "client": "127.0.0.9",
            "endpoint": "{}:{}".format(*pod),
            "pod": "",
            "secondsLeft": 60.0,
        }


async def test_changes_and_their_delay_are_measured(cluster: Cluster) -> None:
    async with proxying(cluster) as proxy:
        cluster.service()
        obj = slice_object("web", ("127.0.0.1", 9))
        obj["metadata"]["annotations"] = {TRIGGER_TIME: rfc3339_micro(time.time())}
        cluster.set(resources.ENDPOINT_SLICES, obj)
        lines = proxy.metrics.all.text().splitlines()
    assert "kubeproxy_sync_proxy_rules_service_changes_total 1" in lines
    assert "kubeproxy_sync_proxy_rules_endpoint_changes_total 1" in lines
    assert "kubeproxy_network_programming_duration_seconds_count 1" in lines

"""One table of cases for both modes and both address families: the relay and the kernel keep the
same promises, whatever the packets look like. Everything is real but the cluster around it.
"""

import asyncio
import socket

import pytest

from netemu.config.settings import ProxyMode
from netemu.proxy.choose import written
from tests.proxy.harness import eventually
from tests.proxy.world import (
    NODE_PORT,
    Case,
    World,
    datagram,
    datagrams_to,
    outcome,
    run,
    several,
    udp,
)
from tests.support.forked import needs_root

pytestmark = needs_root


# The cases: each tells what clients see


async def all_endpoints_serve(world: World) -> object:
    async with world.saying(b"a") as a, world.saying(b"b") as b, world.saying(b"c") as c:
        world.service()
        world.endpoints(a, b, c)
        return await several(world.front, times=40), await several(world.node_front, times=40)


async def without_endpoints_clients_are_refused(world: World) -> object:
    async with world.saying(b"a") as a:
        world.service()
        found = [await outcome(world.front), await outcome(world.node_front)]
        world.endpoints(a)
        found.append(await outcome(world.front))
        world.endpoints()
        return [*found, await outcome(world.front), await outcome(world.node_front)]


async def endpoints_come_and_go(world: World) -> object:
    async with world.saying(b"a") as a, world.saying(b"b") as b:
        world.service()
        found = []
        for ready in ((a,), (a, b), (b,)):
            world.endpoints(*ready)
            found.append(await several(world.front, times=30))
        return found


async def a_removed_service_is_gone(world: World) -> object:
    async with world.saying(b"a") as a:
        world.service()
        world.endpoints(a)
        before = await outcome(world.front), await outcome(world.node_front)
        world.no_service()
        return before, await outcome(world.front), await outcome(world.node_front)


async def clients_stick_on_every_path(world: World) -> object:
    async with world.saying(b"a") as a, world.saying(b"b") as b, world.saying(b"c") as c:
        world.service(affinity=100)
        world.endpoints(a, b, c)
        once = await several(world.front, world.at(11))
        everywhere = once | await several(world.node_front, world.at(11))
        others = [await several(world.front, world.at(n), 3) for n in range(20, 40)]
        return len(once), len(everywhere), {len(each) for each in others}, len(set().union(*others))


async def only_clients_of_a_lost_endpoint_move(world: World) -> object:
    async with world.saying(b"a") as a, world.saying(b"b") as b, world.saying(b"c") as c:
        world.service(affinity=100)
        world.endpoints(a, b, c)
        clients = [world.at(n) for n in range(20, 40)]
        before = [await outcome(world.front, client) for client in clients]
        world.endpoints(a, b)
        after = [await outcome(world.front, client) for client in clients]
        kept = [one == other for one, other in zip(before, after, strict=True) if one != "c"]
        world.endpoints(a, b, c)
        again = [await outcome(world.front, client) for client in clients]
        return all(kept), "c" in after, again == after


async def affinity_can_be_switched(world: World) -> object:
    async with world.saying(b"a") as a, world.saying(b"b") as b:
        found = []
        for seconds in (100, 0, 100):
            world.service(affinity=seconds)
            world.endpoints(a, b)
            found.append(len(await several(world.front, world.at(11), times=30)))
        return found


async def connections_outlive_their_endpoint(world: World) -> object:
    async with world.saying(b"a") as a, world.saying(b"b") as b:
        world.service()
        world.endpoints(a)
        reader, writer = await asyncio.open_connection(*world.front)
        writer.write(b"?")
        found = [await reader.read(10)]
        for ready in ((b,), ()):
            world.endpoints(*ready)
            writer.write(b"?")
            found.append(await reader.read(10))
        writer.close()
        return found, await outcome(world.front)


async def who_has_said_everything_is_still_answered(world: World) -> object:
    """Request and response by half-closed connections: the end of the one isn't the other's."""
    async with world.saying(b"a") as a:
        world.service()
        world.endpoints(a)
        reader, writer = await asyncio.open_connection(*world.front)
        writer.write(b"?")
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        return answer


async def a_local_policy_drops_what_comes_elsewhere(world: World) -> object:
    async with world.saying(b"a") as a:
        world.service(externalTrafficPolicy="Local")
        world.endpoints(a, node="node-2")
        other = world.at(12), NODE_PORT
        return (
            await outcome(other, world.at(90)),
            await outcome(world.node_front, world.at(90)),
            await outcome(world.node_front, world.at(11)),
            await outcome(world.front, world.at(90)),
        )


async def an_internal_policy_drops_clients_of_other_nodes(world: World) -> object:
    async with world.saying(b"a") as a:
        world.service(internalTrafficPolicy="Local")
        world.endpoints(a, node="node-2")
        return (
            await outcome(world.front, world.at(12)),
            await outcome(world.front, world.at(11)),
            await outcome(world.node_front, world.at(11)),
        )


async def udp_flows_follow_their_endpoint(world: World) -> object:
    with udp(world, b"a") as a, udp(world, b"b") as b:
        world.service(protocol="UDP")
        client = socket.socket(world.kind, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        found = []
        with client:
            client.connect(world.front)
            for ready in ((a,), (b,), (), (a,)):
                world.endpoints(*ready, protocol="UDP")
                found.append(await datagram(client))
        return found


async def a_flow_begun_when_none_was_ready_finds_one_later(world: World) -> object:
    with udp(world, b"a") as a, udp(world, b"b") as b, datagrams_to(world.front) as client:
        world.service(protocol="UDP")
        world.endpoints(a, protocol="UDP", ready=False)
        found = [await datagram(client)]
        for listed, ready in ((a, True), (a, False), (b, True)):
            world.endpoints(listed, protocol="UDP", ready=ready)
            found.append(await datagram(client))
        return found


async def a_flow_stays_while_others_come_and_go(world: World) -> object:
    with udp(world, b"a") as a, udp(world, b"b") as b, datagrams_to(world.front) as client:
        world.service(protocol="UDP")
        found = []
        for listed in ((a,), (a, b), (b,), (b, a), (b,)):
            world.endpoints(*listed, protocol="UDP")
            found.append(await datagram(client))
        return found


async def a_removed_udp_port_is_refused_and_may_come_back(world: World) -> object:
    with udp(world, b"a") as a, datagrams_to(world.front) as client:
        found = []
        for protocol in ("UDP", "TCP", "UDP"):
            world.service(protocol=protocol)
            world.endpoints(a, protocol="UDP")
            found.append(await datagram(client))
        world.no_service()
        return [*found, await datagram(client)]


async def what_terminates_serves_when_nothing_else_does(world: World) -> object:
    async with world.saying(b"a") as a, world.saying(b"b") as b:
        world.service()
        found: list[object] = []
        for listed, ready in (((a,), True), ((a,), False)):
            world.endpoints(*listed, ready=ready, terminating=not ready)
            found.append(await several(world.front))
        world.endpoints(b)
        return [*found, await several(world.front)]


def value(row: dict[str, object], name: str) -> float:
    return float(str(row[name]))


async def what_goes_on_can_be_seen(world: World) -> object:
    async with world.saying(b"a") as a:
        world.service(affinity=100)
        world.endpoints(a)
        reader, writer = await asyncio.open_connection(*world.front)
        writer.write(b"?")
        await reader.read(10)
        [row] = world.proxy.open_connections()
        [client] = world.proxy.affinities()
        shown = world.proxy.metrics.all.text().splitlines()
        [gauge] = [line for line in shown if line.startswith("netemu_service_open_connections{")]
        ours = written(writer.get_extra_info("sockname"))
        writer.close()
        await eventually(lambda: not list(world.proxy.open_connections()))
        return (
            (row["service"], row["port"], row["protocol"]),
            (row["client"] == ours, row["endpoint"] == written(a)),
            (value(row, "received") > 0, value(row, "sent") > 0, 0 <= value(row, "seconds") < 20),
            (client["service"], str(client["client"]) in ours, client["endpoint"] == written(a)),
            95 < value(client, "secondsLeft") <= 100,
            (f'endpoint="{written(a)}"' in gauge, gauge.split()[-1]),
        )


async def flows_can_be_seen(world: World) -> object:
    with udp(world, b"a") as a, socket.socket(world.kind, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.connect(world.front)
        world.service(protocol="UDP")
        world.endpoints(a, protocol="UDP")
        answer = await datagram(client)
        [row] = world.proxy.open_connections()
        found = row["protocol"], row["client"] == written(client.getsockname())
        return answer, found, row["endpoint"] == written(a)


CASES: list[tuple[Case, object]] = [
    (all_endpoints_serve, ({"a", "b", "c"}, {"a", "b", "c"})),
    (
        without_endpoints_clients_are_refused,
        ["ECONNREFUSED", "ECONNREFUSED", "a", "ECONNREFUSED", "ECONNREFUSED"],
    ),
    (endpoints_come_and_go, [{"a"}, {"a", "b"}, {"b"}]),
    (a_removed_service_is_gone, (("a", "a"), "ECONNREFUSED", "ECONNREFUSED")),
    (clients_stick_on_every_path, (1, 1, {1}, 3)),
    (only_clients_of_a_lost_endpoint_move, (True, False, True)),
    (affinity_can_be_switched, [1, 2, 1]),
    (connections_outlive_their_endpoint, ([b"a", b"a", b"a"], "ECONNREFUSED")),
    (who_has_said_everything_is_still_answered, b"a"),
    (a_local_policy_drops_what_comes_elsewhere, ("a", "silence", "a", "a")),
    (an_internal_policy_drops_clients_of_other_nodes, ("a", "silence", "a")),
    (udp_flows_follow_their_endpoint, ["a", "b", "refused", "a"]),
    (a_flow_begun_when_none_was_ready_finds_one_later, ["refused", "a", "refused", "b"]),
    (a_flow_stays_while_others_come_and_go, ["a", "a", "b", "b", "b"]),
    (a_removed_udp_port_is_refused_and_may_come_back, ["a", "refused", "a", "refused"]),
    (what_terminates_serves_when_nothing_else_does, [{"a"}, {"a"}, {"b"}]),
    (
        what_goes_on_can_be_seen,
        (
            ("web", "http", "TCP"),
            (True, True),
            (True, True, True),
            ("web", True, True),
            True,
            (True, "1"),
        ),
    ),
    (flows_can_be_seen, ("a", ("UDP", True), True)),
]


@pytest.mark.parametrize("family", ["IPv4", "IPv6"])
@pytest.mark.parametrize("mode", [ProxyMode.USERSPACE, ProxyMode.NFTABLES])
@pytest.mark.parametrize(
    ("case", "expected"),
    CASES,
    ids=[case.__name__ for case, _ in CASES],
)
def test_both_modes_keep(mode: ProxyMode, case: Case, expected: object, family: str) -> None:
    assert run(case, mode, family) == expected


def test_the_mode_changes_while_connections_live() -> None:
    async def case(world: World) -> object:
        async with world.saying(b"a") as a:
            world.service()
            world.endpoints(a)
            found: list[object] = []
            pairs = []
            for mode in (ProxyMode.USERSPACE, ProxyMode.NFTABLES, ProxyMode.AUTO, "userspace"):
                world.proxy.set_mode(ProxyMode(mode))
                pairs.append(await asyncio.open_connection(*world.front))
                for reader, writer in pairs:
                    writer.write(b"?")
                    found.append(await reader.read(10))
                found.append(world.proxy.translated)
            for _, writer in pairs:
                writer.close()
            return found

    one = b"a"
    expected = [one, 0, one, one, 3, one, one, one, 3, one, one, one, one, 0]
    assert run(case, ProxyMode.USERSPACE) == expected


def test_in_the_auto_mode_the_relay_carries_what_only_it_can() -> None:
    async def case(world: World) -> object:
        async with world.saying(b"a") as a:
            world.service()
            world.endpoints(a)
            found: list[object] = []
            reader, writer = await asyncio.open_connection(*world.front)
            for observed in (False, True, False):
                world.service(observed=observed)
                writer.write(b"?")
                found += [await reader.read(10), await outcome(world.front)]
                found.append(world.proxy.translated)
            writer.close()
            return found

    one, other = [b"a", "a", 3], [b"a", "a", 0]
    assert run(case, ProxyMode.AUTO) == [*one, *other, *one]

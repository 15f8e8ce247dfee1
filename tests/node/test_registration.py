from ipaddress import IPv4Network
from pathlib import Path

from msgspec.structs import replace

from netemu.model.conditions import holds
from netemu.model.meta import name_of
from netemu.model.resources import LEASES, NODES
from netemu.store.memory import MemoryStore
from tests.support.clock import FakeClock, settle
from tests.support.node import LOOPBACK, World, world


def names(it: World) -> list[str]:
    return [name_of(node) for node in it.client.list(NODES)]


async def test_nodes_are_there_and_ready_when_the_agent_is_entered(tmp_path: Path) -> None:
    async with world(tmp_path, count=3) as it:
        assert names(it) == ["node-1", "node-2", "node-3"]
        assert all(holds(node, "Ready") for node in it.client.list(NODES))
        ranges = [node["spec"]["podCIDR"] for node in it.client.list(NODES)]
        assert ranges == ["127.98.128.0/24", "127.98.129.0/24", "127.98.130.0/24"]


async def test_fewer_nodes_than_before(tmp_path: Path) -> None:
    store = MemoryStore()
    async with world(tmp_path, store=store, count=3):
        pass
    async with world(tmp_path, store=store, count=1) as it:
        assert names(it) == ["node-1"]


async def test_what_a_user_did_to_a_node_survives(tmp_path: Path) -> None:
    store = MemoryStore()
    async with world(tmp_path, store=store) as it:
        node = it.client.get(NODES, "", "node-2")
        assert node is not None
        cordoned = {**node, "spec": {**node["spec"], "unschedulable": True}}
        await it.client.update(NODES, cordoned)
    async with world(tmp_path, store=store) as it:
        node = it.client.get(NODES, "", "node-2")
        assert node is not None
        assert node["spec"]["unschedulable"] is True


async def test_a_node_whose_range_has_changed_is_a_new_one_with_its_old_marks(
    tmp_path: Path,
) -> None:
    store = MemoryStore()
    other = replace(LOOPBACK, pods=IPv4Network("127.98.192.0/20"))
    async with world(tmp_path, store=store) as it:
        node = it.client.get(NODES, "", "node-1")
        assert node is not None
        await it.client.update(NODES, {**node, "spec": {**node["spec"], "unschedulable": True}})
    async with world(tmp_path, store=store, addressing=other) as it:
        changed = it.client.get(NODES, "", "node-1")
        assert changed is not None
        assert changed["spec"]["podCIDR"] == "127.98.192.0/24"
        assert changed["spec"]["unschedulable"] is True
        assert changed["metadata"]["uid"] != node["metadata"]["uid"]


async def test_leases_are_renewed_every_ten_seconds(tmp_path: Path) -> None:
    clock = FakeClock()
    async with world(tmp_path, clock=clock) as it:
        await settle()
        first = it.client.get(LEASES, "kube-node-lease", "node-1")
        assert first is not None
        assert first["spec"]["renewTime"] == "2023-11-14T22:13:20.000000Z"
        assert first["metadata"]["ownerReferences"][0]["kind"] == "Node"
        await clock.advance(10)
        second = it.client.get(LEASES, "kube-node-lease", "node-1")
        assert second is not None
        assert second["spec"]["renewTime"] == "2023-11-14T22:13:30.000000Z"


async def test_heartbeats_come_every_five_minutes(tmp_path: Path) -> None:
    clock = FakeClock()
    async with world(tmp_path, clock=clock) as it:

        def beat() -> str:
            node = it.client.get(NODES, "", "node-1")
            assert node is not None
            return str(node["status"]["conditions"][-1]["lastHeartbeatTime"])

        assert beat() == "2023-11-14T22:13:20Z"
        await clock.advance(299)
        assert beat() == "2023-11-14T22:13:20Z"
        await clock.advance(1)
        assert beat() == "2023-11-14T22:18:20Z"


async def test_a_node_that_was_deleted_registers_again(tmp_path: Path) -> None:
    clock = FakeClock()
    async with world(tmp_path, clock=clock) as it:
        await it.client.delete(NODES, "", "node-2")
        assert names(it) == ["node-1"]
        await clock.advance(10)
        assert names(it) == ["node-1", "node-2"]

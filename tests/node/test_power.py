"""Nodes that stop, are cut off and come back, over a real API and real processes."""

from pathlib import Path

import pytest

from netemu.model.client import DeleteOptions
from netemu.model.resources import LEASES, NODES, PODS
from netemu.node.node_objects import ADDED
from netemu.node.power import NoSuchNode
from netemu.store.memory import MemoryStore
from tests.support.node import shell, world

STAYS = "echo up; exec sleep 100"


async def test_a_stopped_node_runs_nothing_and_says_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell(STAYS))
        await it.ready()
        before = it.pod()
        await it.agent.power.stop("node-1")
        assert it.runtime.sandboxes == {}
        assert it.pod() == before
        await it.run(shell(STAYS), name="later")
        assert it.pod("later")["status"]["phase"] == "Pending"
        await it.agent.power.start("node-1")
        await it.until(lambda: it.main().get("restartCount") == 1)
        await it.ready()
        await it.ready(name="later")


async def test_what_was_deleted_meanwhile_ends_when_the_node_is_back(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell(STAYS))
        await it.ready()
        await it.agent.power.stop("node-1")
        await it.client.delete(PODS, "default", "web")
        assert it.pod()["metadata"]["deletionTimestamp"]
        await it.agent.power.start("node-1")
        await it.gone()


async def test_a_node_that_is_cut_off_goes_on_and_catches_up(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell(STAYS))
        await it.run(shell(STAYS), name="gone")
        await it.ready()
        await it.ready(name="gone")
        await it.agent.power.cut("node-1")
        assert len(it.runtime.cut_off) == 1
        await it.client.delete(PODS, "default", "gone", DeleteOptions(grace_seconds=0))
        await it.run(shell(STAYS), name="later")
        assert len(it.runtime.sandboxes) == 2, "it has heard of nothing"
        await it.agent.power.heal("node-1")
        assert it.runtime.cut_off == set()
        await it.ready(name="later")
        await it.until(lambda: len(it.runtime.sandboxes) == 2)
        assert it.main()["restartCount"] == 0


async def test_an_added_node_comes_back_at_the_next_start(tmp_path: Path) -> None:
    store = MemoryStore()
    async with world(tmp_path, store=store) as it:
        assert await it.agent.power.add() == "node-3"
        found = it.client.get(NODES, "", "node-3")
        assert found is not None
        assert found["metadata"]["annotations"][ADDED] == "true"
        assert it.client.get(LEASES, "kube-node-lease", "node-3") is not None
    async with world(tmp_path, store=store) as it:
        assert sorted(it.agent.power.nodes) == ["node-1", "node-2", "node-3"]


async def test_what_cannot_be_done(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        with pytest.raises(NoSuchNode, match='nodes "moon" not found'):
            await it.agent.power.stop("moon")
        await it.agent.power.stop("node-1")
        with pytest.raises(NoSuchNode, match="is stopped"):
            await it.agent.power.cut("node-1")
        with pytest.raises(NoSuchNode, match="is stopped"):
            await it.agent.power.heal("node-1")

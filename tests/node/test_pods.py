"""What the agent does with all pods: taking over, stopping, coming back."""

import os
from pathlib import Path

import pytest

from netemu.clock import SystemClock
from netemu.model.meta import Object, uid_of
from netemu.model.resources import PODS
from netemu.store.memory import MemoryStore
from tests.support.node import World, shell, world


def forget_containers(obj: Object) -> tuple[str, int]:
    main = obj["status"]["containerStatuses"][0]
    return obj["status"]["podIP"], main["restartCount"]


async def test_pods_stop_with_the_agent_and_their_objects_stay(tmp_path: Path) -> None:
    store = MemoryStore()
    async with world(tmp_path, store=store) as it:
        await it.run(shell("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"))
        await it.says("up")
        runtime, uid = it.runtime, uid_of(it.pod())
    assert runtime.sandboxes == {}
    assert "bye" in (tmp_path / "pods" / uid / "main" / "0.log").read_text()
    assert [record.key for record in store.list(PODS)] == [("default", "web")]


async def test_what_does_not_stop_in_time_is_killed(tmp_path: Path) -> None:
    began = SystemClock().monotonic()
    async with world(tmp_path) as it:
        await it.run(shell("trap '' TERM; echo up; while :; do sleep 0.05; done"))
        await it.says("up")
        runtime = it.runtime
    assert runtime.sandboxes == {}
    assert SystemClock().monotonic() - began < 5


async def test_the_next_start_finds_the_pods_and_starts_them_again(tmp_path: Path) -> None:
    store = MemoryStore()
    async with world(tmp_path, store=store) as it:
        await it.run(shell("exec sleep 60", readinessProbe={"exec": {"command": ["true"]}}))
        await it.run(shell("exec sleep 60"), name="other")
        await it.ready()
        await it.ready(name="other")
        addresses = {name: it.pod(name)["status"]["podIP"] for name in ("web", "other")}
    async with world(tmp_path, store=store) as it:
        # Entering the agent is enough: nothing of the run before may still look ready.
        assert [it.main(name)["ready"] for name in ("web", "other")] == [False, False]
        await it.ready()
        await it.ready(name="other")
        main = it.main()
        assert main["restartCount"] == 1
        assert main["lastState"]["terminated"]["reason"] == "Unknown"
        assert main["lastState"]["terminated"]["exitCode"] == 255
        assert it.pod()["status"]["phase"] == "Running"
        words = "Pod sandbox changed, it will be killed and re-created."
        assert words in await it.told("SandboxChanged")
        assert {name: it.pod(name)["status"]["podIP"] for name in addresses} == addresses


async def test_pods_that_had_ended_are_left_alone(tmp_path: Path) -> None:
    store = MemoryStore()
    async with world(tmp_path, store=store) as it:
        await it.run(shell("true"), restartPolicy="Never")
        await it.phase("Succeeded")
        version = it.pod()["metadata"]["resourceVersion"]
    async with world(tmp_path, store=store) as it:
        await it.run(shell("exec sleep 60"), name="other")
        await it.ready(name="other")
        assert it.pod()["metadata"]["resourceVersion"] == version
        assert len(it.runtime.sandboxes) == 1
        await it.client.delete(PODS, "default", "web")
        await it.gone()


async def test_a_pod_whose_deletion_was_not_finished_goes(tmp_path: Path) -> None:
    store = MemoryStore()
    async with world(tmp_path, store=store) as it:
        await it.run(shell("trap '' TERM; echo up; while :; do sleep 0.05; done"))
        await it.says("up")
        await it.client.delete(PODS, "default", "web")
        await it.told("Killing")
    async with world(tmp_path, store=store) as it:
        await it.gone()


async def test_folders_go_with_their_pods(tmp_path: Path) -> None:
    stale = tmp_path / "pods" / "of-yesterday"
    stale.mkdir(parents=True)
    async with world(tmp_path) as it:
        assert not stale.exists()
        await it.run(shell("true"), restartPolicy="Never")
        await it.phase("Succeeded")
        folder = tmp_path / "pods" / uid_of(it.pod())
        assert folder.is_dir()
        await it.client.delete(PODS, "default", "web")
        await it.gone()
        await it.until(lambda: not folder.exists())


async def test_pods_of_other_nodes_are_not_ours(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("true"), name="lost", nodeName="elsewhere")
        await it.run(shell("exec sleep 60"))
        await it.ready()
        assert len(it.runtime.sandboxes) == 1


async def test_a_pod_runs_once_it_is_bound(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("exec sleep 60"), nodeName="")
        await it.client.bind("default", "web", "node-2")
        await it.ready()
        assert it.pod()["status"]["hostIP"] == "127.98.64.12"


async def count_descriptors(it: World, rounds: int) -> int:
    for number in range(rounds):
        name = f"web-{number}"
        await it.run(shell("echo hello"), name=name, restartPolicy="Never")
        await it.phase("Succeeded", name)
        await it.client.delete(PODS, "default", name)
        await it.gone(name)
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts descriptors in /proc")
async def test_no_descriptor_is_left_behind(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        before = await count_descriptors(it, 2)
        assert await count_descriptors(it, 4) <= before

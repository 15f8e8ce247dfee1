"""A pod from creation to deletion, with real processes."""

from pathlib import Path

from netemu.api.parts import Part
from netemu.api.writeoptions import WriteOptions
from netemu.model.client import DeleteOptions
from netemu.model.errors import NotFound
from netemu.model.meta import uid_of
from netemu.model.resources import BY_KEY, PODS
from tests.support.clock import FakeClock
from tests.support.node import container, shell, world

STUBBORN = "trap '' TERM; echo up; while :; do sleep 0.05; done"
OBEDIENT = "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done"


async def test_a_pod_comes_up_with_an_address_of_its_node(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("exec sleep 60"))
        await it.ready()
        status = it.pod()["status"]
        assert status["phase"] == "Running"
        assert status["podIP"] == "127.98.128.2"
        assert status["hostIP"] == "127.98.64.11"
        sandbox = it.runtime.sandboxes[uid_of(it.pod())]
        assert sandbox.hostname == "web"
        assert sandbox.address == "127.98.128.2"
        assert sandbox.node_address == "127.98.64.11"
        assert "127.98.128.2\tweb\n" in sandbox.files["/etc/hosts"]
        assert await it.told("Started") == ["Started container main"]


async def test_a_pod_on_the_hosts_network_has_the_nodes_address(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("exec sleep 60"), hostNetwork=True)
        await it.ready()
        assert it.pod()["status"]["podIP"] == "127.98.64.11"
        assert it.runtime.sandboxes[uid_of(it.pod())].address == ""


async def test_deleting_a_pod_ends_it_with_sigterm(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell(OBEDIENT))
        await it.says("up")
        seen = it.client.watch(PODS)
        await it.client.delete(PODS, "default", "web")
        await it.gone()
        last = [change.object for _ in range(2) for change in await seen.batch()][-1]["status"]
        seen.close()
        assert last["phase"] == "Failed"
        assert last["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3
        assert await it.told("Killing") == ["Stopping container main"]
        assert it.runtime.sandboxes == {}


async def test_what_ignores_sigterm_is_killed_after_its_grace_period(tmp_path: Path) -> None:
    clock = FakeClock()
    async with world(tmp_path, clock=clock) as it:
        await it.run(shell(STUBBORN))
        await it.says("up")
        await it.client.delete(PODS, "default", "web", DeleteOptions(grace_seconds=7))
        await it.told("Killing")
        await clock.advance(6.9)
        assert it.main()["ready"] is True
        await clock.advance(0.2)
        await it.gone()


async def test_a_grace_period_that_is_shortened_counts_at_once(tmp_path: Path) -> None:
    clock = FakeClock()
    async with world(tmp_path, clock=clock) as it:
        await it.run(shell(STUBBORN))
        await it.says("up")
        await it.client.delete(PODS, "default", "web")
        await it.told("Killing")
        await clock.advance(2)
        await it.client.delete(PODS, "default", "web", DeleteOptions(grace_seconds=1))
        await it.gone()


async def test_a_pod_deleted_by_force_leaves_no_process(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell(STUBBORN))
        await it.says("up")
        await it.client.delete(PODS, "default", "web", DeleteOptions(grace_seconds=0))
        await it.run(shell("exec sleep 60"), name="next")
        await it.until(lambda: len(it.runtime.sandboxes) == 1 and it.main("next").get("ready"))


async def test_the_address_of_a_pod_that_is_gone_is_not_given_again_soon(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("exec sleep 60"))
        await it.ready()
        first = it.pod()["status"]["podIP"]
        await it.client.delete(PODS, "default", "web", DeleteOptions(grace_seconds=1))
        await it.gone()
        await it.run(shell("exec sleep 60"))
        await it.ready()
        assert it.pod()["status"]["podIP"] != first


async def test_a_pod_that_has_succeeded_frees_its_sandbox_and_stays(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("true"), restartPolicy="Never")
        await it.phase("Succeeded")
        ended = it.main()["state"]["terminated"]
        assert (ended["exitCode"], ended["reason"]) == (0, "Completed")
        assert it.runtime.sandboxes == {}
        await it.client.delete(PODS, "default", "web")
        await it.gone()


async def test_a_sandbox_that_cannot_be_made_is_tried_again(tmp_path: Path) -> None:
    clock = FakeClock()
    async with world(tmp_path, clock=clock) as it:
        it.runtime.refuse = OSError("no room")
        await it.run(shell("exec sleep 60"))
        await it.told("FailedCreatePodSandBox")
        assert await it.told("FailedCreatePodSandBox") == ["Failed to create pod sandbox: no room"]
        it.runtime.refuse = None
        await clock.advance(1)
        await it.ready()


async def test_init_containers_run_in_order_and_to_their_end(tmp_path: Path) -> None:
    order = tmp_path / "order"
    inits = [shell(f"echo {n} >> {order}", f"init-{n}") for n in (1, 2)]
    async with world(tmp_path / "home") as it:
        await it.run(shell(f"echo main >> {order}; exec sleep 60"), initContainers=inits)
        await it.ready()
        await it.until(lambda: order.read_text() == "1\n2\nmain\n")
        statuses = it.pod()["status"]["initContainerStatuses"]
        assert [status["ready"] for status in statuses] == [True, True]


async def test_a_failing_init_container_ends_a_pod_that_never_restarts(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        init = shell("exit 4", "setup")
        await it.run(container(), initContainers=[init], restartPolicy="Never")
        await it.phase("Failed")
        assert it.main()["state"]["waiting"]["reason"] == "PodInitializing"


async def test_a_sidecar_starts_first_and_ends_with_the_work(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        sidecar = shell("exec sleep 60", "proxy", restartPolicy="Always")
        await it.run(shell("sleep 0.05"), initContainers=[sidecar], restartPolicy="Never")
        await it.phase("Succeeded")
        assert await it.told("Killing") == ["Stopping container proxy"]


async def test_a_status_is_written_only_when_it_changes(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("exec sleep 60"))
        await it.ready()
        version = it.pod()["metadata"]["resourceVersion"]
        labelled = {**it.pod(), "metadata": {**it.pod()["metadata"], "labels": {"a": "b"}}}
        changed = await it.client.update(PODS, labelled)
        await it.run(shell("exec sleep 60"), name="other")
        await it.ready(name="other")
        assert changed["metadata"]["resourceVersion"] == it.pod()["metadata"]["resourceVersion"]
        assert changed["metadata"]["resourceVersion"] != version


async def test_a_pod_that_is_already_gone_ends_quietly(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("exec sleep 60"))
        for _ in range(2):
            try:
                options = DeleteOptions(grace_seconds=0)
                await it.client.delete(PODS, "default", "web", options)
            except NotFound:
                break
        await it.run(shell("exec sleep 60"), name="next")
        await it.ready(name="next")


async def test_a_pod_that_somebody_declares_failed_is_stopped_and_stays_so(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("exec sleep 60"))
        await it.ready()
        obj = it.pod()
        failed = {**obj["status"], "phase": "Failed"}
        await it.client.update_status(PODS, {**obj, "status": failed})
        await it.state("terminated")
        assert it.pod()["status"]["phase"] == "Failed"
        assert it.runtime.sandboxes == {}


async def test_an_ephemeral_container_joins_a_pod_that_runs(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("exec sleep 60"))
        await it.ready()
        debugger = shell("echo looked; exit 3", "debug", targetContainerName="main")
        obj = it.pod()
        spec = {**obj["spec"], "ephemeralContainers": [debugger]}
        await it.registry.update(
            BY_KEY[PODS],
            ("default", "web"),
            lambda pod: {**pod, "spec": spec},
            WriteOptions(manager="tests"),
            Part.EPHEMERAL,
        )

        def ended() -> bool:
            [status] = it.pod()["status"].get("ephemeralContainerStatuses") or [{}]
            return bool((status.get("state") or {}).get("terminated", {}).get("exitCode") == 3)

        await it.until(ended)
        assert it.pod()["status"]["phase"] == "Running"
        assert it.main()["ready"] is True
        assert it.pod()["status"]["ephemeralContainerStatuses"][0]["restartCount"] == 0
        assert "Started container debug" in it.events("Started")

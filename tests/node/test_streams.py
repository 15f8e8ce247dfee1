import socket
from pathlib import Path

import pytest

from netemu.model.errors import BadRequest
from netemu.model.resources import PODS
from netemu.model.streams import LogOptions
from tests.support.node import World, container, pod, shell, world


async def logs(it: World, name: str = "web", container: str = "main", **options: bool) -> str:
    wanted = LogOptions(container=container, **options)
    return b"".join([p async for p in it.agent.streams.logs(it.pod(name), wanted)]).decode()


async def test_the_log_of_a_container_that_runs(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("echo out; echo err >&2; echo done; exec sleep 60"))
        await it.says("done")
        assert sorted((await logs(it)).splitlines()) == ["done", "err", "out"]


async def test_following_ends_with_the_container(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    async with world(tmp_path / "home") as it:
        script = f"echo one; while ! test -e {flag}; do sleep 0.02; done; echo two"
        await it.run(shell(script), restartPolicy="Never")
        await it.says("one")
        await it.phase("Running")
        options = LogOptions(container="main", follow=True)
        pieces = []
        async for piece in it.agent.streams.logs(it.pod(), options):
            pieces.append(piece)
            flag.touch()
        assert b"".join(pieces) == b"one\ntwo\n"
        await it.phase("Succeeded")
        assert await logs(it) == "one\ntwo\n"


async def test_the_previous_life(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    async with world(tmp_path / "home") as it:
        script = f"if test -e {flag}; then echo second; exec sleep 60; fi; touch {flag}; echo first"
        await it.run(shell(script))
        await it.says("second")
        assert await logs(it) == "second\n"
        assert await logs(it, previous=True) == "first\n"


async def test_an_init_containers_log(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("exec sleep 60"), initContainers=[shell("echo set up", "setup")])
        await it.ready()
        assert await logs(it, container="setup") == "set up\n"


async def test_why_there_is_no_log(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(container(image="shop/cart"))
        await it.state("waiting", "ErrImagePull")
        with pytest.raises(BadRequest, match="is waiting to start: image can't be pulled"):
            await logs(it)
        with pytest.raises(BadRequest, match="container other is not valid for pod web"):
            await logs(it, container="other")
        with pytest.raises(BadRequest, match='previous terminated container "main" in pod "web"'):
            await logs(it, previous=True)


async def test_pods_that_no_node_knows_yet(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        options = LogOptions(container="main")
        with pytest.raises(BadRequest, match="is waiting to start: ContainerCreating"):
            await anext(it.agent.streams.logs(pod(), options))
        with pytest.raises(BadRequest, match="pod web does not have a host assigned"):
            await anext(it.agent.streams.logs(pod(nodeName=""), options))
        gone = {**pod(), "status": {"containerStatuses": [{}]}}
        with pytest.raises(BadRequest, match='container "main" in pod "web" is not available'):
            await anext(it.agent.streams.logs(gone, options))


async def test_logs_outlive_the_agent(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        store = it.registry.store
        await it.run(shell("echo hello"), restartPolicy="Never")
        await it.phase("Succeeded")
    async with world(tmp_path, store=store) as it:
        assert await logs(it) == "hello\n"
        assert it.client.get(PODS, "default", "web") is not None


async def test_a_connection_to_a_pod(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("exec sleep 60"))
        await it.ready()
        address = it.pod()["status"]["podIP"]
        with socket.create_server((address, 0)) as listener:
            made = await it.agent.streams.connect(it.pod(), listener.getsockname()[1])
            made.close()
            port = listener.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            await it.agent.streams.connect(it.pod(), port)

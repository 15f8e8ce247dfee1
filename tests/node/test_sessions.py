import asyncio
from pathlib import Path
from typing import Any

import pytest

from netemu.model.streams import ExecOptions, NotRunning, NotStarted, Output, Session
from netemu.node.taps import TAP_LIMIT
from tests.support.node import World, shell, world


def options(*command: str, **more: Any) -> ExecOptions:
    return ExecOptions(container="main", command=command, **more)


async def all_of(session: Session, output: Output) -> bytes:
    data = b""
    async with asyncio.timeout(10):
        while piece := await session.read(output):
            data += piece
    return data


async def sleeping(it: World, **fields: Any) -> None:
    await it.run(shell("exec sleep 60", **fields))
    await it.ready()


async def test_a_command_beside_the_container(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await sleeping(it, env=[{"name": "GREETING", "value": "hello"}], workingDir="/tmp")
        wanted = options("sh", "-c", "cat; echo $GREETING; pwd; echo err >&2; exit 3", stdin=True)
        async with it.agent.streams.exec(it.pod(), wanted) as session:
            await session.write(b"typed ")
            session.close_stdin()
            session.resize(80, 24)  # nothing without a terminal
            assert await all_of(session, Output.STDOUT) == b"typed hello\n/tmp\n"
            assert await all_of(session, Output.STDERR) == b"err\n"
            assert await session.wait() == 3


async def test_outputs_nobody_asked_for_go_nowhere(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await sleeping(it)
        wanted = options("sh", "-c", "echo out; echo err >&2", outputs=frozenset({Output.STDERR}))
        async with it.agent.streams.exec(it.pod(), wanted) as session:
            assert await all_of(session, Output.STDOUT) == b""
            assert await all_of(session, Output.STDERR) == b"err\n"


async def test_a_terminal(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await sleeping(it)
        async with it.agent.streams.exec(it.pod(), options("sh", tty=True, stdin=True)) as session:
            session.resize(100, 40)
            session.close_stdin()  # a terminal ends by what is typed
            await session.write(b"stty size; echo $TERM; exit\n")
            said = await all_of(session, Output.STDOUT)
            assert b"40 100\r\nxterm\r\n" in said


async def test_a_command_that_cannot_start(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await sleeping(it)
        with pytest.raises(NotStarted, match='process: exec: "nope": executable file not found'):
            async with it.agent.streams.exec(it.pod(), options("nope")):
                pass


async def test_what_does_not_run_has_no_streams(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("exit 0"), restartPolicy="Never")
        await it.phase("Succeeded")
        streams = it.agent.streams
        for open_session in (streams.exec, streams.attach):
            with pytest.raises(NotRunning, match=r'^container not found \("main"\)$'):
                async with open_session(it.pod(), options("true")):
                    pass
        with pytest.raises(NotRunning):
            streams.require_running(it.pod(), "main")
        with pytest.raises(NotRunning, match=r'pod not found \("web_default"\)'):
            await streams.connect(it.pod(), 80)


async def test_several_clients_share_a_containers_process(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("while read line; do echo got $line; done", stdin=True))
        await it.ready()
        attach = it.agent.streams.attach
        async with (
            attach(it.pod(), options(stdin=True)) as one,
            attach(it.pod(), options()) as other,
        ):
            await one.write(b"this\n")
            assert await one.read(Output.STDOUT) == b"got this\n"
            assert await other.read(Output.STDOUT) == b"got this\n"
        await it.says("got this")
        async with attach(it.pod(), options(stdin=True)) as again:
            await again.write(b"that\n")
            assert await again.read(Output.STDOUT) == b"got that\n"
        assert it.main()["restartCount"] == 0


async def test_a_client_that_does_not_read_holds_up_the_container(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("read go; yes | head -c 2000000; exec sleep 60", stdin=True))
        await it.ready()
        async with it.agent.streams.attach(it.pod(), options(stdin=True)) as session:
            await session.write(b"go\n")
            data = await session.read(Output.STDOUT)
            await asyncio.sleep(0.1)
            while len(data) < 2_000_000:
                data += await session.read(Output.STDOUT)
        assert TAP_LIMIT < 2_000_000 == len(data)


async def test_one_that_leaves_holds_up_nobody(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        script = "read go; yes | head -c 2000000; echo written; exec sleep 60"
        await it.run(shell(script, stdin=True))
        await it.ready()
        async with it.agent.streams.attach(it.pod(), options(stdin=True)) as session:
            await session.write(b"go\n")
            await session.read(Output.STDOUT)
        await it.says("written")

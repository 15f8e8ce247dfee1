"""Sessions with real processes, by SPDY in memory."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from netemu.api import remotecommand, remotespdy
from netemu.api.remotecommand import SUCCESS
from netemu.api.remotespdy import SpdyClient
from netemu.model.streams import ExecOptions, Output
from netemu.tasks import task_group
from tests.support.duplex import MemoryDuplex, SpdySpeaker
from tests.support.node import World, shell, world


@asynccontextmanager
async def speaking(
    it: World, *command: str, protocol: str = "v4.channel.k8s.io", **more: Any
) -> AsyncIterator[SpdySpeaker]:
    options = ExecOptions(container="main", command=command, **more)
    speaker = SpdySpeaker(MemoryDuplex())
    client = SpdyClient(speaker.duplex, protocol, options)
    opened = it.agent.streams.exec(it.pod(), options)
    async with task_group() as tasks:
        serving = tasks.start(remotecommand.serve(client, opened, options), name="serve")
        yield speaker
        speaker.duplex.say(None)
        async with asyncio.timeout(10):
            await serving


@asynccontextmanager
async def sleeping(folder: Path) -> AsyncIterator[World]:
    async with world(folder) as it:
        await it.run(shell("exec sleep 60"))
        await it.ready()
        yield it


async def test_a_stream_for_each_channel(tmp_path: Path) -> None:
    async with (
        sleeping(tmp_path) as it,
        speaking(it, "sh", "-c", "cat; echo err >&2; exit 3", stdin=True) as speaker,
    ):
        error, stdin, out, err = (
            speaker.open(streamtype=kind) for kind in ("error", "stdin", "stdout", "stderr")
        )
        speaker.say(stdin, b"typed")
        speaker.say(stdin, finished=True)
        assert await speaker.all_of(out) == b"typed"
        assert await speaker.all_of(err) == b"err\n"
        status = json.loads(await speaker.all_of(error))
        assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]


async def test_nothing_starts_before_every_stream_is_there(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    async with sleeping(tmp_path / "home") as it, speaking(it, "touch", str(flag)) as speaker:
        error, out = speaker.open(streamtype="error"), speaker.open(streamtype="stdout")
        await asyncio.sleep(0.1)
        assert not flag.exists()
        speaker.open(streamtype="stderr")
        assert json.loads(await speaker.all_of(error)) == SUCCESS
        assert await speaker.all_of(out) == b""
        assert flag.exists()


async def test_a_client_that_opens_none_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remotespdy, "STREAMS_SECONDS", 0.05)
    async with sleeping(tmp_path) as it:
        options = ExecOptions(container="main", command=["true"])
        duplex = MemoryDuplex()
        opened = it.agent.streams.exec(it.pod(), options)
        client = SpdyClient(duplex, "v4.channel.k8s.io", options)
        async with asyncio.timeout(10):
            await remotecommand.serve(client, opened, options)
        assert duplex.sent.empty()


async def test_before_version_4_the_end_is_what_went_wrong(tmp_path: Path) -> None:
    async with (
        sleeping(tmp_path) as it,
        speaking(it, "sh", "-c", "exit 3", protocol="channel.k8s.io") as speaker,
    ):
        error = speaker.open(streamtype="error")
        speaker.open(streamtype="stdout")
        speaker.open(streamtype="stderr")
        said = await speaker.all_of(error)
        assert said.startswith(b"command terminated with non-zero exit code")


async def test_sizes_come_on_a_stream_of_their_own(tmp_path: Path) -> None:
    only = frozenset({Output.STDOUT})
    async with (
        sleeping(tmp_path) as it,
        speaking(it, "sh", stdin=True, tty=True, outputs=only) as speaker,
    ):
        error, stdin, out, resize = (
            speaker.open(streamtype=kind) for kind in ("error", "stdin", "stdout", "resize")
        )
        speaker.say(resize, b'{"Width":80,"Height":24}\n{"Width":100,')
        speaker.say(resize, b'"Height":40}\n')
        await asyncio.sleep(0.05)
        speaker.say(stdin, b"stty size; exit\n")
        assert b"40 100" in await speaker.all_of(out)
        assert json.loads(await speaker.all_of(error)) == SUCCESS


async def test_nonsense_ends_the_session(tmp_path: Path) -> None:
    async with sleeping(tmp_path) as it, speaking(it, "sleep", "60") as speaker:
        speaker.duplex.say(b"GET / HTTP/1.1\r\n\r\n")

"""Sessions with real processes, by WebSocket messages in memory."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from netemu.api import remotecommand
from netemu.api.remotecommand import SUCCESS, ended, failed, size_from
from netemu.api.remotewebsocket import DIALECTS, WebSocketClient
from netemu.model.streams import ExecOptions, Output
from netemu.tasks import task_group
from tests.support.duplex import MemoryDuplex
from tests.support.node import World, shell, world


def test_the_exit_code_is_a_cause() -> None:
    assert ended(["true"], 0) == SUCCESS
    status = ended(["sh", "-c", "exit 3"], 3)
    assert status["reason"] == "NonZeroExitCode"
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]
    assert status["message"] == (
        "command terminated with non-zero exit code: "
        "error executing command [sh -c exit 3], exit code 3"
    )


def test_what_could_not_be_run_is_an_internal_error() -> None:
    status = failed("why")
    assert (status["reason"], status["code"]) == ("InternalError", 500)
    assert status["message"] == (
        "Internal error occurred: error executing command in container: why"
    )


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (b'{"Width":80,"Height":24}', (80, 24)),
        (b'{"Width":70000,"Height":24}', None),
        (b'{"Width":"x","Height":24}', None),
        (b"nonsense", None),
    ],
)
def test_sizes(text: bytes, size: tuple[int, int] | None) -> None:
    assert size_from(text) == size


class Talk:
    """What a client says and hears."""

    def __init__(self, duplex: MemoryDuplex) -> None:
        self.duplex = duplex
        self.heard: dict[int, bytes] = {}

    async def until(self, channel: int, text: bytes) -> None:
        async with asyncio.timeout(10):
            while text not in self.heard.get(channel, b""):
                message = await self.duplex.sent.get()
                self.heard[message[0]] = self.heard.get(message[0], b"") + message[1:]

    async def status(self) -> Any:
        await self.until(3, b"}")
        return json.loads(self.heard[3])


@asynccontextmanager
async def talking(
    it: World, *command: str, attach: bool = False, **more: Any
) -> AsyncIterator[Talk]:
    options = ExecOptions(container="main", command=command, **more)
    streams = it.agent.streams
    opened = (streams.attach if attach else streams.exec)(it.pod(), options)
    duplex = MemoryDuplex()
    client = WebSocketClient(duplex, DIALECTS["v5.channel.k8s.io"])
    async with task_group() as tasks:
        serving = tasks.start(remotecommand.serve(client, opened, options), name="serve")
        yield Talk(duplex)
        duplex.say(None)
        async with asyncio.timeout(10):
            await serving


async def test_outputs_are_unmixed_and_the_exit_code_is_told(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("exec sleep 60"))
        await it.ready()
        async with talking(it, "sh", "-c", "echo out; echo err >&2; exit 3") as talk:
            status = await talk.status()
            assert status["details"]["causes"][0]["message"] == "3"
            assert (talk.heard[1], talk.heard[2]) == (b"out\n", b"err\n")


async def test_input_ends_when_the_client_says_so(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("exec sleep 60"))
        await it.ready()
        async with talking(it, "sh", "-c", "cat; echo done", stdin=True) as talk:
            talk.duplex.say(b"\x00typed", b"\xff\x00")
            assert await talk.status() == SUCCESS
            assert talk.heard[1] == b"typeddone\n"


async def test_a_command_ends_with_its_client(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("exec sleep 60"))
        await it.ready()
        async with talking(it, "sh", "-c", "echo $$; exec sleep 60") as talk:
            await talk.until(1, b"\n")
            pid = int(talk.heard[1])
        await it.until(lambda: not Path(f"/proc/{pid}/cmdline").exists())


async def test_what_it_leaves_behind_does_not_hold_up_the_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remotecommand, "DRAIN_SECONDS", 0.1)
    async with world(tmp_path) as it:
        await it.run(shell("exec sleep 60"))
        await it.ready()
        async with talking(it, "sh", "-c", "sleep 5 & echo started") as talk:
            assert await talk.status() == SUCCESS
            assert talk.heard[1] == b"started\n"


async def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("exec sleep 60"))
        await it.ready()
        async with talking(it, "no-such-program") as talk:
            status = await talk.status()
            assert 'exec: "no-such-program": executable file not found' in status["message"]


async def test_the_end_of_an_attached_process_is_a_success(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        main = shell("cat; exit 4", stdin=True, stdinOnce=True)
        await it.run(main, restartPolicy="Never")
        await it.ready()
        async with talking(it, attach=True, stdin=True) as talk:
            talk.duplex.say(b"\x00typed", b"\xff\x00")
            assert await talk.status() == SUCCESS
            assert talk.heard[1] == b"typed"
        await it.phase("Failed")


async def test_a_terminal_has_the_size_of_the_clients_window(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell("exec sleep 60"))
        await it.ready()
        only = frozenset({Output.STDOUT})
        async with talking(it, "sh", stdin=True, tty=True, outputs=only) as talk:
            talk.duplex.say(b'\x04{"Width":100,"Height":40}', b"\x00stty size; exit 5\n")
            status = await talk.status()
            assert status["details"]["causes"][0]["message"] == "5"
            assert b"40 100" in talk.heard[1]

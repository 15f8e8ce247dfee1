import asyncio
import os
import socket
from collections.abc import AsyncIterator

import pytest

from netemu.clock import SystemClock
from netemu.node.handlers import OUTPUT_LIMIT, Target, carry_out
from netemu.node.probe import Exec, Handler, HttpGet, Outcome, Result, Sleep, TcpSocket
from netemu.node.runtime import SandboxSpec
from tests.support.clock import FakeClock
from tests.support.runtime import PlainRuntime

HOST = "127.0.0.1"
CLOCK = SystemClock()
SANDBOX = SandboxSpec(id="pod", hostname="web", address=HOST, node_address=HOST, files={})


@pytest.fixture
async def runtime() -> AsyncIterator[PlainRuntime]:
    runtime = PlainRuntime()
    await runtime.create_sandbox(SANDBOX)
    yield runtime
    await runtime.close()


def target(*ports: dict[str, object]) -> Target:
    env = {"PATH": os.environ["PATH"], "COLOR": "blue"}
    return Target(sandbox="pod", address=HOST, pid=1, env=env, cwd="/", ports=ports)


async def run(handler: Handler, runtime: PlainRuntime, seconds: float = 5.0) -> Outcome:
    return await carry_out(handler, target(), runtime, CLOCK, seconds)


async def test_a_command_that_succeeds(runtime: PlainRuntime) -> None:
    outcome = await run(Exec(("sh", "-c", "echo $COLOR; pwd")), runtime)
    assert outcome == Outcome(Result.SUCCESS, "blue\n/\n")


async def test_a_command_that_fails_says_why(runtime: PlainRuntime) -> None:
    outcome = await run(Exec(("sh", "-c", "echo no >&2; exit 3")), runtime)
    assert outcome == Outcome(Result.FAILURE, "no\n")


async def test_a_command_that_takes_too_long(runtime: PlainRuntime) -> None:
    outcome = await run(Exec(("sleep", "30")), runtime, 0.05)
    words = 'command timed out: "sleep 30" timed out after 0.05s'
    assert outcome == Outcome(Result.FAILURE, words)


async def test_a_command_that_says_too_much(runtime: PlainRuntime) -> None:
    outcome = await run(Exec(("head", "-c", "300000", "/dev/zero")), runtime)
    assert outcome.result is Result.SUCCESS
    assert len(outcome.message) == OUTPUT_LIMIT


async def test_a_command_that_is_not_there_is_no_answer(runtime: PlainRuntime) -> None:
    outcome = await run(Exec(("no-such-program",)), runtime)
    assert outcome.result is Result.ERROR


async def test_a_connection(runtime: PlainRuntime) -> None:
    with socket.create_server((HOST, 0)) as listening:
        port = listening.getsockname()[1]
        assert await run(TcpSocket(port), runtime) == Outcome(Result.SUCCESS)
    outcome = await run(TcpSocket(port), runtime)
    words = f"dial tcp 127.0.0.1:{port}: connect: connection refused"
    assert outcome == Outcome(Result.FAILURE, words, refused=True)


async def test_a_port_by_its_name(runtime: PlainRuntime) -> None:
    with socket.create_server((HOST, 0)) as listening:
        named = target({"name": "web", "containerPort": listening.getsockname()[1]})
        assert (await carry_out(TcpSocket("web"), named, runtime, CLOCK, 5.0)).ok
    outcome = await carry_out(TcpSocket("other"), named, runtime, CLOCK, 5.0)
    words = 'strconv.Atoi: parsing "other": invalid syntax'
    assert outcome == Outcome(Result.ERROR, words)


async def test_an_http_server_that_never_answers(runtime: PlainRuntime) -> None:
    with socket.create_server((HOST, 0)) as listening:
        port = listening.getsockname()[1]
        outcome = await run(HttpGet(port=port), runtime, 0.05)
    words = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    assert outcome == Outcome(Result.FAILURE, f'Get "http://127.0.0.1:{port}/": {words}')


async def test_sleeping_is_by_the_clock_and_cut_by_the_deadline(runtime: PlainRuntime) -> None:
    clock = FakeClock()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(carry_out(Sleep(60.0), target(), runtime, clock, 5.0))
        await clock.advance(5.0)
        assert task.done()

import asyncio
import contextlib
import errno
import os
import resource
import signal
import socket
import time
from pathlib import Path

import pytest

from netemu.config.settings import NetMode
from netemu.node.runtime import StartError
from netemu.node.spawner.launch import Launched
from netemu.node.spawner.spawned import SpawnerLostError
from tests.support import instance


def test_losing_the_spawner_is_noticed_by_everybody(mode: NetMode) -> None:
    async def body(launched: Launched) -> tuple[bool, bool, bool]:
        await instance.add_pod(launched, "web")
        process = await instance.start(launched, "web", "sleep", "300")
        os.kill(launched.spawner, signal.SIGKILL)
        async with asyncio.timeout(5):
            with pytest.raises(SpawnerLostError):
                await launched.runtime.run()
            with pytest.raises(SpawnerLostError):
                await process.wait()
            with pytest.raises(SpawnerLostError):
                await instance.add_pod(launched, "other")
        return True, gone(process.pid), process.pid > 0

    assert instance.in_instance(mode, body) == (True, True, True)


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_what_nobody_waits_for_any_more_does_not_stay(mode: NetMode) -> None:
    """A start that was cancelled leaves no process behind."""

    async def body(launched: Launched) -> int:
        await instance.add_pod(launched, "web")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await instance.start(launched, "web", "sleep", "316.28")
        await instance.shell(launched, "web", "true")  # a round trip later
        async with asyncio.timeout(5):
            while launched.runtime._processes:
                await asyncio.sleep(0.01)
        return sum("316.28" in command for command in commands())

    assert instance.in_instance(mode, body) == 0


def commands() -> list[str]:
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found.append(Path(f"/proc/{pid}/cmdline").read_text())
        except OSError:
            continue
    return found


def test_many_pods_at_once(mode: NetMode) -> None:
    """More requests than may be on their way, from sandboxes that come and go side by side."""
    count = 60

    async def body(launched: Launched) -> tuple[list[str], bool]:
        descriptors = len(os.listdir("/proc/self/fd"))

        async def one(number: int) -> str:
            # chr, so that each has an address of its own
            name = chr(40 + number)
            await instance.add_pod(launched, name)
            text = await instance.shell(launched, name, f"echo {number}")
            await launched.runtime.remove_sandbox(name)
            return text.strip()

        # The outputs' pipes are read without waiting for more than their processes' ends.
        texts = await asyncio.gather(*(one(number) for number in range(count)))
        return texts, len(os.listdir("/proc/self/fd")) == descriptors

    texts, same = instance.in_instance(mode, body)
    assert texts == [str(number) for number in range(count)]
    assert same


def test_a_sandbox_cannot_be_made_twice(mode: NetMode) -> None:
    async def body(launched: Launched) -> str:
        await instance.add_pod(launched, "web")
        with pytest.raises(FileExistsError) as refusal:
            await instance.add_pod(launched, "web")
        return refusal.value.strerror or ""

    assert instance.in_instance(mode, body) == "sandbox web exists"


def test_when_descriptors_run_out_the_spawner_goes_on(isolated: NetMode) -> None:
    """What can't be made is refused and leaves nothing; what is there can be used and removed."""

    async def body(launched: Launched) -> tuple[set[int | None], bool, str]:
        folder = f"/proc/{launched.spawner}/fd"
        await instance.add_pod(launched, "web")
        before = len(os.listdir(folder))
        _, hard = resource.prlimit(launched.spawner, resource.RLIMIT_NOFILE)
        refusals = set()
        for room in range(12):
            limit = (before + room, hard)
            resource.prlimit(launched.spawner, resource.RLIMIT_NOFILE, limit)
            try:
                await instance.add_pod(launched, "other")
                await launched.runtime.remove_sandbox("other")
            except OSError as error:
                refusals.add(error.errno)
            with contextlib.suppress(StartError):
                await instance.shell(launched, "web", "true")
        resource.prlimit(launched.spawner, resource.RLIMIT_NOFILE, (hard, hard))
        text = await instance.shell(launched, "web", "echo here")
        return refusals, len(os.listdir(folder)) == before, text

    assert instance.in_instance(isolated, body) == ({errno.EMFILE}, True, "here\n")


def test_a_socket_in_a_pods_own_network(isolated: NetMode) -> None:
    async def body(launched: Launched) -> str:
        await instance.add_pod(launched, "web")
        made = await launched.runtime.tcp_socket("web", socket.AF_INET)
        here = socket.socket()
        with made, here:
            here.bind(("127.0.0.1", 0))
            made.bind(here.getsockname())  # taken here, free in there
        return "bound"

    assert instance.in_instance(isolated, body) == "bound"


def test_without_networks_of_their_own_a_socket_is_a_socket() -> None:
    async def body(launched: Launched) -> bool:
        with await launched.runtime.tcp_socket("web", socket.AF_INET) as made:
            return made.getblocking()

    assert instance.in_instance(NetMode.LOOPBACK, body) is False

"""Instances of the fabric in children of the test: launched as the daemon does, in every mode.

As root, each gets a network namespace that plays the host's, so neither the machine nor other
tests have to do with it; the unprivileged modes then run as the user nobody.
"""

import asyncio
import json
import os
import signal
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from netemu.config.settings import NetMode, NetworkSettings, Settings
from netemu.fabric import modes
from netemu.node.runtime import Exited, ProcessSpec, SandboxSpec
from netemu.node.spawner.launch import Launched, launch
from netemu.node.spawner.spawned import SpawnedProcess
from tests.support import forked

T = TypeVar("T")

PATH = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

Body = Callable[[Launched], Awaitable[T]]


def on_host(mode: NetMode, function: Callable[[], T]) -> T:
    """Run a function where an instance of that mode can be launched, in a child."""

    def inside() -> T:
        if os.geteuid() == 0:
            forked.own_network()
            if mode is not NetMode.ROOT:
                forked.become_nobody()
        return function()

    return forked.run(inside)


def possible(mode: NetMode) -> bool:
    """Whether this machine allows the mode."""
    return on_host(mode, lambda: modes.attempt(mode)) is None


def settings(mode: NetMode, name: str = "test", **network: Any) -> Settings:
    return Settings(
        name=name, state_dir=Path("/nowhere"), net=mode, network=NetworkSettings(**network)
    )


def launched(given: Settings, body: Body[T]) -> T:
    """Launch in this process, run the body, stop."""
    instance = launch(given).ready()
    try:
        return asyncio.run(_run(instance, body))
    finally:
        instance.stop()


async def _run(instance: Launched, body: Body[T]) -> T:
    return await body(instance)


def in_instance(mode: NetMode, body: Body[T], **network: Any) -> T:
    """Run the body with a launched instance, in a child."""
    return on_host(mode, lambda: launched(settings(mode, **network), body))


@dataclass(frozen=True, slots=True)
class Daemon:
    """A process that launched an instance and then waits, as the daemon does."""

    pid: int
    told: Any
    """What its body returned."""

    def kill(self) -> None:
        """As if it had crashed."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def stop(self) -> None:
        """As by `netemu down`."""
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)


def start_daemon(given: Settings, body: Body[Any]) -> Daemon:
    """Fork a daemon; return when its body has."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            instance = launch(given).ready()
            asyncio.run(_stay(instance, body, writer))
            instance.stop()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read()
    assert told, "the daemon has ended"
    return Daemon(pid, json.loads(told))


async def _stay(instance: Launched, body: Body[Any], writer: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    told = await body(instance)
    with os.fdopen(writer, "wb") as pipe:
        pipe.write(json.dumps(told).encode())
    await stop.wait()


async def add_pod(
    instance: Launched,
    id: str,
    *,
    node: int = 1,
    host_network: bool = False,
    files: Mapping[str, str] | None = None,
) -> str:
    """Make a sandbox with the address that a pod of that name gets; give the address."""
    addressing = instance.addressing
    # Tests name few pods, so the sum of the letters tells them apart.
    address = "" if host_network else str(addressing.pod_range(node)[sum(id.encode()) % 100 + 2])
    await instance.runtime.create_sandbox(
        SandboxSpec(
            id=id,
            hostname=id,
            address=address,
            node_address=addressing.node(node),
            files=files or {},
        )
    )
    return address


async def start(instance: Launched, sandbox: str, *argv: str, **more: Any) -> SpawnedProcess:
    """Start a process in a sandbox."""
    spec = ProcessSpec(sandbox=sandbox, argv=argv, env=more.pop("env", PATH), **more)
    return await instance.runtime.start(spec)


async def output(instance: Launched, sandbox: str, *argv: str, **more: Any) -> tuple[str, Exited]:
    """What a process in a sandbox writes, and how it ends; at most what fits a pipe."""
    reader, writer = os.pipe()
    try:
        process = await start(instance, sandbox, *argv, stdout=writer, stderr=writer, **more)
    finally:
        os.close(writer)
    exited = await process.wait()
    with os.fdopen(reader, "rb") as pipe:
        return pipe.read().decode(), exited


async def shell(instance: Launched, sandbox: str, script: str, **more: Any) -> str:
    """What a shell script in a sandbox writes."""
    text, _ = await output(instance, sandbox, "/bin/sh", "-c", script, **more)
    return text

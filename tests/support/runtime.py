"""A runtime of plain processes: no namespaces, one process group per container."""

import asyncio
import os
import signal
import socket

from netemu.model.addressing import IpNetwork
from netemu.node.runtime import Exited, ProcessSpec, SandboxSpec, StartError


class PlainProcess:
    """A subprocess as a `Process`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> Exited:
        code = await self._process.wait()
        return Exited(code) if code >= 0 else Exited(128 - code, -code)

    def signal(self, number: int) -> None:
        if self._process.returncode is None:
            self._process.send_signal(number)

    @property
    def ended(self) -> bool:
        return self._process.returncode is not None

    def kill_group(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


class PlainRuntime:
    """Runs sandboxes and processes; `sandboxes` shows what is there."""

    isolated = False

    def __init__(self) -> None:
        self.sandboxes: dict[str, SandboxSpec] = {}
        self.refuse: OSError | None = None
        """What the next sandboxes fail with."""
        self.cut_off: set[IpNetwork] = set()
        self._processes: dict[str, list[PlainProcess]] = {}

    async def cut(self, pods: IpNetwork, node: str, off: bool) -> None:
        (self.cut_off.add if off else self.cut_off.discard)(pods)

    def terminal(self) -> tuple[int, int]:
        ours, theirs = os.openpty()
        return ours, theirs

    async def create_sandbox(self, spec: SandboxSpec) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.sandboxes[spec.id] = spec
        self._processes[spec.id] = []

    async def remove_sandbox(self, id: str) -> None:
        self.sandboxes.pop(id, None)
        for process in self._processes.pop(id, ()):
            process.kill_group()
            await process.wait()

    async def start(self, spec: ProcessSpec) -> PlainProcess:
        try:
            process = await asyncio.create_subprocess_exec(
                *spec.argv,
                env=dict(spec.env),
                cwd=spec.cwd,
                stdin=asyncio.subprocess.DEVNULL if spec.stdin is None else spec.stdin,
                stdout=spec.stdout,
                stderr=spec.stderr,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            name = spec.argv[0]
            words = f'exec: "{name}": executable file not found in $PATH'
            raise StartError(words, 127) from error
        except OSError as error:
            raise StartError(str(error)) from error
        started = PlainProcess(process)
        self._processes[spec.sandbox].append(started)
        return started

    def ended(self) -> int:
        """How many processes have been started and have ended."""
        return sum(process.ended for found in self._processes.values() for process in found)

    async def tcp_socket(self, sandbox: str, family: socket.AddressFamily) -> socket.socket:
        return socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)

    async def close(self) -> None:
        """End whatever still runs."""
        for id in tuple(self._processes):
            await self.remove_sandbox(id)

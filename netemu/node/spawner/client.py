"""The daemon's side of the spawner: implements `netemu.node.runtime.Runtime`.

Every request waits for its own answer; how processes end arrives unasked. If the channel closes,
all that waits gets `SpawnerLostError`, and so does `run`.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from itertools import count

from netemu.fabric.enter import Entrance
from netemu.fabric.inside import tcp_socket
from netemu.model.addressing import IpNetwork
from netemu.node.runtime import Exited, ProcessSpec, SandboxSpec, StartError
from netemu.node.spawner import protocol
from netemu.node.spawner.process import OTHER
from netemu.node.spawner.spawned import SpawnedProcess, SpawnerLostError
from netemu.node.spawner.terminals import open_terminal

CONCURRENCY = 32
"""Requests on their way at once: the spawner does one after the other, and so many packets fit the
socket's buffer."""

ANSWER_SECONDS = 30.0
"""Longest wait for an answer; a busy machine's slowest pod takes a fraction of a second."""

OWN_SANDBOX = "netemu-cluster"
"""The sandbox that shows the cluster's own network; pods' uids look different."""

Reply = tuple[protocol.Answer, list[int]]


class SpawnerClient:
    """Runs sandboxes and processes by the spawner's hand."""

    def __init__(
        self,
        channel: socket.socket,
        spawner: int,
        *,
        isolated: bool,
        user: bool,
        terminals: int | None = None,
    ) -> None:
        """`spawner`: its pid; `user`: whether it lives in a user namespace of its own;
        `terminals`: a descriptor of the folder in which pods' terminals are made.
        """
        channel.settimeout(protocol.SEND_SECONDS)
        self._channel = channel
        self._spawner = spawner
        self._isolated = isolated
        self._user = user
        self._terminals = terminals
        self._numbers = count(1)
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._processes: dict[int, SpawnedProcess] = {}
        self._addresses: dict[str, str] = {}
        self._inodes: dict[str, int] = {}
        self.hosted: dict[int, str] = {}
        """The address of the node whose network a sandbox is in, by the inode of the sandbox'
        hostname namespace; pods with a network of their own aren't here."""
        self._own_files: Mapping[str, str] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lost = asyncio.Event()

    @property
    def isolated(self) -> bool:
        """False in loopback mode: no namespaces."""
        return self._isolated

    async def run(self) -> None:
        """Run until the spawner ends. Raises SpawnerLostError then."""
        self._listen()
        await self._lost.wait()
        raise SpawnerLostError("the spawner has ended, and every pod with it")

    def close(self) -> None:
        """Close the channel, which ends the spawner if it still runs; what waits here fails."""
        self._lose()
        self._channel.close()
        if self._terminals is not None:
            os.close(self._terminals)
            self._terminals = None

    def terminal(self) -> tuple[int, int]:
        """A terminal: our end and the process'. Raises OSError."""
        return open_terminal(self._terminals)

    async def create_sandbox(self, spec: SandboxSpec) -> None:
        """Make a pod's sandbox. Raises OSError."""
        request = protocol.CreateSandbox(
            next(self._numbers),
            spec.id,
            spec.hostname,
            spec.address,
            spec.node_address,
            dict(spec.files),
            [(item.path, item.size) for item in spec.memory],
            spec.secondary,
        )
        _raise_failure(await self._ask(request))
        self._addresses[spec.id] = spec.address
        if self._isolated and not spec.address and spec.id != OWN_SANDBOX:
            inode = await self._hostname_namespace(spec.id)
            self.hosted[inode] = spec.node_address
            self._inodes[spec.id] = inode

    async def _hostname_namespace(self, id: str) -> int:
        reply = await self._ask(protocol.Describe(next(self._numbers), id))
        _raise_failure(reply)
        description, _ = reply
        assert isinstance(description, protocol.Description)
        return os.stat(f"/proc/{self._spawner}/fd/{description.handles['uts']}").st_ino

    async def remove_sandbox(self, id: str) -> None:
        """End all its processes (SIGKILL) and remove it; nothing happens if it isn't there.

        Raises OSError.
        """
        _raise_failure(await self._ask(protocol.RemoveSandbox(next(self._numbers), id)))
        self._addresses.pop(id, None)
        self.hosted.pop(self._inodes.pop(id, 0), None)

    async def cut(self, pods: IpNetwork, node: str, off: bool) -> None:
        """Cut a node and its range of pods off from all others, or undo it. Raises OSError."""
        _raise_failure(await self._ask(protocol.Cut(next(self._numbers), str(pods), node, off)))

    async def reach(self, address: str, *, wanted: bool) -> str:
        """Have an address outside the instance's ranges end in the cluster, or no longer; why the
        host doesn't reach it, "" if it does. Raises OSError.
        """
        request = protocol.Reach(
            next(self._numbers), f"{address}/{128 if ':' in address else 32}", wanted
        )
        reply = await self._ask(request)
        _raise_failure(reply)
        answer, _ = reply
        assert isinstance(answer, protocol.Reached)
        return answer.note

    async def start(self, spec: ProcessSpec) -> SpawnedProcess:
        """Start a process. Raises StartError."""
        join = None if spec.join is None else self._number(spec.join)
        stdio = (spec.stdin, spec.stdout, spec.stderr)
        one, two, three = (fd is not None for fd in stdio)
        request = protocol.Start(
            next(self._numbers),
            spec.sandbox,
            list(spec.argv),
            dict(spec.env),
            spec.cwd,
            (one, two, three),
            join,
            [protocol.Mount(item.source, item.target, item.read_only) for item in spec.mounts],
            spec.security,
        )
        process = SpawnedProcess(spec.sandbox, first=join is None)
        try:
            given = [fd for fd in stdio if fd is not None]
            answer, _ = await self._ask(request, given, process)
        except protocol.MessageTooLargeError as error:
            text = f"exec {spec.argv[0]}: argument list too long"
            raise StartError(text, OTHER) from error
        if isinstance(answer, protocol.NotStarted):
            raise StartError(answer.text, answer.code)
        return process

    async def tcp_socket(self, sandbox: str, family: socket.AddressFamily) -> socket.socket:
        """An unconnected, non-blocking TCP socket in a sandbox's own network, if it has one.

        Raises OSError.
        """
        if not self._isolated:
            return socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        entrance = await self.entrance(sandbox)
        return await tcp_socket(entrance.namespaces["net"], family)

    async def entrance(
        self, sandbox: str | None = None, files: Mapping[str, str] | None = None
    ) -> Entrance:
        """How a process outside gets into a pod's sandbox; None: into the cluster's own network,
        where `files` (path to text) show instead of the host's. Raises OSError.
        """
        if not self._isolated:
            address = self._addresses.get(sandbox or "", "")
            return Entrance(env={"POD_IP": address, "HOST": address} if address else {})
        first = self._first_process(sandbox)
        if sandbox is None:
            sandbox = await self._own_sandbox(files or {})
        reply = await self._ask(protocol.Describe(next(self._numbers), sandbox))
        _raise_failure(reply)
        description, _ = reply
        assert isinstance(description, protocol.Description)
        return self._entrance(description.handles, first)

    def _entrance(self, handles: Mapping[str, int], first: SpawnedProcess | None) -> Entrance:
        spawner = f"/proc/{self._spawner}"
        paths = {"user": f"{spawner}/ns/user"} if self._user else {}
        paths["net"] = f"{spawner}/ns/net"
        paths |= {kind: f"{spawner}/fd/{fd}" for kind, fd in handles.items()}
        if first is not None:
            paths |= {kind: f"/proc/{first.pid}/ns/{kind}" for kind in ("mnt", "pid")}
        return Entrance(namespaces=paths)

    async def _own_sandbox(self, files: Mapping[str, str]) -> str:
        """The sandbox that is the cluster's own network; made anew when its files change."""
        if files != self._own_files:
            await self.remove_sandbox(OWN_SANDBOX)
            await self.create_sandbox(
                SandboxSpec(
                    id=OWN_SANDBOX,
                    hostname=socket.gethostname(),
                    address="",
                    node_address="",
                    files=files,
                )
            )
            self._own_files = files
        return OWN_SANDBOX

    def _first_process(self, sandbox: str | None) -> SpawnedProcess | None:
        """A container's first process in a sandbox, if one runs."""
        for process in self._processes.values():
            if process.sandbox == sandbox and process.first and process.pid > 0:
                return process
        return None

    def _number(self, pid: int) -> int:
        """The number of a running process. Raises StartError."""
        for number, process in self._processes.items():
            if process.pid == pid:
                return number
        raise StartError("cannot exec in a stopped container", OTHER)

    async def _ask(
        self,
        request: protocol.Ask,
        fds: Sequence[int] = (),
        process: SpawnedProcess | None = None,
    ) -> Reply:
        """Send a request, wait for its answer; `process` is the one it is to start."""
        self._listen()
        async with asyncio.timeout(ANSWER_SECONDS), self._slots:
            if self._lost.is_set():
                raise SpawnerLostError("the spawner has ended")
            answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
            self._waiting[request.request] = answer
            try:
                protocol.send(self._channel, request, fds)
                if process is not None:
                    # It is kept even if its starter goes away now: it may be about to run.
                    self._processes[request.request] = process
                return await answer
            except BrokenPipeError as error:
                raise SpawnerLostError("the spawner has ended") from error
            finally:
                del self._waiting[request.request]

    def _listen(self) -> None:
        if self._loop is None and not self._lost.is_set():
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._channel, self._on_readable)

    def _on_readable(self) -> None:
        received = protocol.receive(self._channel)
        if received is None:
            self._lose()
            return
        event, fds = protocol.decode_event(received[0]), received[1]
        match event:
            case protocol.Ended():
                process = self._processes.pop(event.process, None)
                if process is not None:
                    process.ended(Exited(event.code, event.signal))
            case protocol.Ready():
                raise AssertionError("the cluster namespace was made twice")
            case _:
                self._take_answer(event, fds)

    def _take_answer(self, answer: protocol.Answer, fds: list[int]) -> None:
        waiting = self._waiting.get(answer.request)
        wanted = waiting is not None and not waiting.done()
        if isinstance(answer, protocol.NotStarted):
            self._processes.pop(answer.request, None)
        if isinstance(answer, protocol.Started) and not fds:
            # Its descriptor found no room here, so nobody can have it: it ends with its sandbox.
            self._processes.pop(answer.request, None)
            answer = protocol.NotStarted(answer.request, OTHER, "too many open files")
        if isinstance(answer, protocol.Started):
            # Now, not when its starter wakes: the next message may already tell of its end.
            process = self._processes[answer.request]
            process.started(fds[0])
            if not wanted:
                process.signal(signal.SIGKILL)
        if waiting is not None and wanted:
            waiting.set_result((answer, fds))

    def _lose(self) -> None:
        """The spawner is gone: everybody who waits is told."""
        if self._loop is not None:
            self._loop.remove_reader(self._channel)
            self._loop = None
        self._lost.set()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(SpawnerLostError("the spawner has ended"))
        for process in self._processes.values():
            process.ended(None)
        self._processes.clear()


def _raise_failure(reply: Reply) -> None:
    answer, _ = reply
    if isinstance(answer, protocol.Failed):
        raise OSError(answer.number, answer.text or os.strerror(answer.number))

"""Streams from and to pods, for the API: logs, commands, containers' own streams, connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from netemu.late import late
from netemu.model.errors import BadRequest
from netemu.model.meta import Object, name_of, namespace_of, uid_of
from netemu.model.streams import ExecOptions, LogOptions, NotRunning, Session
from netemu.node.folders import log_folder
from netemu.node.runtime import Runtime

if TYPE_CHECKING:
    from netemu.node import log_choice, log_reader, sessions
    from netemu.node import logs as log_files
    from netemu.node.run import Run
    from netemu.node.worker import PodWorker
else:
    log_choice = late("netemu.node.log_choice")
    log_files = late("netemu.node.logs")
    log_reader = late("netemu.node.log_reader")
    sessions = late("netemu.node.sessions")

CONNECT_SECONDS = 10.0
"""Longest wait for a pod to take a connection; on one machine it answers at once or never."""


class Streams:
    """Implements `model.streams.PodStreams` over the workers, by uid."""

    def __init__(self, workers: Mapping[str, PodWorker], home: Path, runtime: Runtime) -> None:
        self._workers = workers
        self._home = home
        self._runtime = runtime

    async def logs(self, pod: Object, options: LogOptions) -> AsyncIterator[bytes]:
        """A container's log in pieces of whole lines. Raises BadRequest before the first piece when
        there is none.
        """
        worker = self._worker(pod, options.container)
        try:
            spec = worker.pod.spec(options.container)
        except KeyError:
            words = f"container {options.container} is not valid for pod {name_of(pod)}"
            raise BadRequest(words) from None
        container = worker.container(spec.name)
        number = log_choice.chosen_life(worker.pod, spec, container, options.previous)
        folder = log_folder(self._home, worker.pod.uid, spec.name)
        path = log_files.log_path(folder, number)
        live = worker.containers.log_of(spec.name)
        if live is not None and live.path != path:
            live = None
        async for piece in log_reader.read_log(path, live, options):
            yield piece

    def require_running(self, pod: Object, container: str) -> None:
        """Raises NotRunning unless the container runs."""
        self._running(pod, container)

    @asynccontextmanager
    async def exec(self, pod: Object, options: ExecOptions) -> AsyncIterator[Session]:
        """Run a command beside a container; leaving the block ends it.

        Raises NotRunning, NotStarted.
        """
        run = self._running(pod, options.container)
        containers = self._workers[uid_of(pod)].containers
        argv = containers.called(options.container, options.command)
        options = replace(options, command=argv)
        async with sessions.command(self._runtime, run.target, options) as session:
            yield session

    @asynccontextmanager
    async def attach(self, pod: Object, options: ExecOptions) -> AsyncIterator[Session]:
        """Share the streams of a container's own process, which outlives the block.

        Raises NotRunning.
        """
        async with sessions.attached(self._running(pod, options.container), options) as session:
            yield session

    async def connect(self, pod: Object, port: int) -> socket.socket:
        """A connection to a port of a pod. Raises NotRunning, OSError."""
        worker = self._workers.get(uid_of(pod))
        if worker is None or not worker.state.sandbox:
            raise NotRunning(f'pod not found ("{name_of(pod)}_{namespace_of(pod)}")')
        last: OSError | None = None
        for family, address in self._addresses(worker):
            made = await self._runtime.tcp_socket(worker.pod.uid, family)
            try:
                await _connected(made, address, port)
            except OSError as error:
                made.close()
                last = last or error
            except BaseException:
                made.close()
                raise
            else:
                return made
        assert last is not None
        raise last

    def _addresses(self, worker: PodWorker) -> list[tuple[socket.AddressFamily, str]]:
        """Where to try: inside the pod, as a kubelet does; programs may listen there alone."""
        address = worker.state.address
        own = (socket.AF_INET6 if ":" in address else socket.AF_INET, address)
        if not self._runtime.isolated:
            return [own]
        inside = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
        return [own, *inside] if worker.pod.host_network else inside

    def _running(self, pod: Object, container: str) -> Run:
        worker = self._workers.get(uid_of(pod))
        run = None if worker is None else worker.containers.running(container)
        if run is None:
            raise NotRunning(f'container not found ("{container}")')
        return run

    def _worker(self, pod: Object, container: str) -> PodWorker:
        worker = self._workers.get(uid_of(pod))
        if worker is not None:
            return worker
        if not pod["spec"].get("nodeName"):
            raise BadRequest(f"pod {name_of(pod)} does not have a host assigned")
        # Bound a moment ago and not yet seen here, or about to be gone.
        words = "is not available"
        if not (pod.get("status") or {}).get("containerStatuses"):
            words = "is waiting to start: ContainerCreating"
        raise BadRequest(f'container "{container}" in pod "{name_of(pod)}" {words}')


async def _connected(made: socket.socket, address: str, port: int) -> None:
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    async with asyncio.timeout(CONNECT_SECONDS):
        await asyncio.get_running_loop().sock_connect(made, (address, port))

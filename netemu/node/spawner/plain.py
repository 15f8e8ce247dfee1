"""Sandboxes made of nothing, for loopback mode: processes of a pod are only told apart.

Without PID namespaces a program can slip away from its parent by forking twice. But orphans come
to the spawner, which has made itself their adoptive parent, and the environment says whose they
are: everything started here inherits MARK. (Jenkins finds a build's stray processes like this.)
"""

import errno
import os
import signal
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from netemu.model.addressing import IpNetwork
from netemu.node.spawner.process import Program, become
from netemu.node.spawner.protocol import CreateSandbox
from netemu.node.spawner.sandboxes import Sandbox

MARK = "NETEMU_POD"
"""The environment variable that says which sandbox a process belongs to."""

CLOSE_SECONDS = 3.0
"""How long to try at the end; what has become another user's can't be killed."""

KILL_PAUSE = 0.002
"""Seconds for the killed to end, before a look at who is left."""


class PlainSandboxes:
    """Keeps a record of pods that share the host's network and files."""

    def __init__(self) -> None:
        self._self = os.getpid()

    def create(self, spec: CreateSandbox) -> Sandbox:
        """Nothing to make."""
        return Sandbox(spec.id, (spec.address,))

    def fork(self, sandbox: Sandbox, program: Program, errors: int, beside: int | None) -> int:
        """Fork a process that becomes `program`, in a session of its own."""
        pid = os.fork()
        if pid == 0:
            marked = replace(program, env={**program.env, MARK: sandbox.id})
            become(marked, self._check_parent, errors)
        return pid

    def _check_parent(self) -> None:
        # It may have ended before we asked to be told about that.
        if os.getppid() != self._self:
            os._exit(1)

    def kill(self, sandbox: Sandbox, pids: Collection[int]) -> bool:
        """Kill the pod's processes with all their descendants."""
        parents = _parents()
        left = set(pids) | {pid for pid in _tree(parents, self._self) if _belongs(pid, sandbox.id)}
        for root in tuple(left):
            left.update(_tree(parents, root))
        _kill(left)
        return not left

    def remove(self, sandbox: Sandbox) -> None:
        """Nothing to remove."""

    def cut(self, pods: IpNetwork, node: str, *, off: bool) -> None:
        """Not possible: the network is the host's own. Undoing it is."""
        if off:
            raise OSError(errno.EOPNOTSUPP, "pods share the host's network in loopback mode")

    def close(self) -> None:
        """Kill every descendant of the spawner."""
        deadline = time.monotonic() + CLOSE_SECONDS
        while (left := _tree(_parents(), self._self)) and time.monotonic() < deadline:
            _kill(left)
            _reap()


def _kill(pids: Collection[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    time.sleep(KILL_PAUSE)


def _parents() -> dict[int, int]:
    """Every process that still runs, and its parent."""
    return dict(_stats())


def _stats() -> Iterator[tuple[int, int]]:
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with suppress(OSError):
                # The name in parentheses may hold anything (proc_pid_stat(5)).
                fields = Path("/proc", entry, "stat").read_bytes().rpartition(b")")[2].split()
                yield int(entry), int(fields[1])


def _tree(parents: dict[int, int], root: int) -> set[int]:
    """All descendants of a process."""
    found: set[int] = set()
    fresh = {root}
    while fresh:
        fresh = {pid for pid, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return found


def _belongs(pid: int, sandbox: str) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"{MARK}={sandbox}".encode() in environment

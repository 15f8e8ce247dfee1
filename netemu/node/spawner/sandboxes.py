"""Sandboxes made of namespaces: one network, hostname, IPC and file system view per pod.

The spawner is alone in its process, so it simply goes into the new namespaces, arranges them and
comes back, keeping a descriptor of each; no process has to live in them. Containers are children
forked into them, each the first process of a PID namespace of its own.
"""

import os
import signal
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from netemu.fabric import cluster, cut, link
from netemu.fabric.namespaces import (
    Namespace,
    excursion,
    handle,
    private_mounts,
    return_to,
    sethostname,
    setns,
    unshare,
)
from netemu.fabric.rtnetlink import Netlink
from netemu.model.addressing import IpNetwork
from netemu.node.spawner import mounts, view
from netemu.node.spawner.process import Program, become
from netemu.node.spawner.protocol import CreateSandbox

KINDS = {
    "net": Namespace.NET,
    "uts": Namespace.UTS,
    "ipc": Namespace.IPC,
    "mnt": Namespace.MOUNT,
}
"""The namespaces a pod's containers share. The mounts come last: /proc is needed for the others."""

BESIDE = Namespace.NET | Namespace.UTS | Namespace.IPC | Namespace.MOUNT
"""The namespaces to enter for a process that runs beside a container's, but for the PID one."""


@dataclass(slots=True)
class Sandbox:
    """What is kept of a pod."""

    id: str
    addresses: tuple[str, ...] = ()
    """The pod's own; none if it shares a network."""
    handles: dict[str, int] = field(default_factory=dict)
    """Descriptors of its namespaces, by kind."""


class Sandboxes(Protocol):
    """A way to keep pods apart."""

    def create(self, spec: CreateSandbox) -> Sandbox:
        """Make a sandbox. Raises OSError, and then nothing is left of it."""

    def fork(self, sandbox: Sandbox, program: Program, errors: int, beside: int | None) -> int:
        """Fork a process that becomes `program` in a sandbox, and tell its pid.

        `beside`: a pidfd of the process whose namespaces it shares; None: it is a container's
        first. Raises OSError.
        """

    def kill(self, sandbox: Sandbox, pids: Collection[int]) -> bool:
        """Kill what is left in a sandbox, `pids` being our children in it; True: nothing is."""

    def remove(self, sandbox: Sandbox) -> None:
        """Remove a sandbox in which nothing runs. Raises OSError."""

    def cut(self, pods: IpNetwork, node: str, *, off: bool) -> None:
        """Cut a node and its range of pods off from all others, or undo it. Raises OSError."""

    def close(self) -> None:
        """Leave nothing behind when the spawner ends."""


class IsolatedSandboxes:
    """Keeps pods apart by namespaces."""

    def __init__(self, links: Netlink) -> None:
        """`links` is the cluster namespace's, in which the calling process lives."""
        self._links = links
        self._pid_home = handle("pid")
        self._numbers = count(1)

    def create(self, spec: CreateSandbox) -> Sandbox:
        """Make a sandbox. Raises OSError, and then nothing is left of it."""
        kinds = KINDS if spec.address else {k: v for k, v in KINDS.items() if k != "net"}
        ends = _ends(spec)
        sandbox = Sandbox(spec.id, tuple(each.pod for each in ends))
        links = None
        try:
            with excursion(kinds):
                self._arrange(spec, kinds)
                for kind in kinds:
                    sandbox.handles[kind] = handle(kind)
                links = Netlink() if "net" in kinds else None
            if links is not None:
                self._connect(links, sandbox, ends)
        except OSError:
            _close_handles(sandbox)
            raise
        finally:
            if links is not None:
                links.close()
        return sandbox

    def _arrange(self, spec: CreateSandbox, kinds: Collection[str]) -> None:
        """Make the namespaces and what is in them; nobody else is in there yet."""
        unshare(Namespace.UTS | Namespace.IPC)
        private_mounts()
        sethostname(spec.hostname)
        view.build(spec.files)
        view.own_devices()
        mounts.cover(spec.memory)
        if "net" in kinds:
            unshare(Namespace.NET)
            cluster.allow_ping()
            if any(":" in each.pod for each in _ends(spec)):
                cluster.allow_ipv6()

    def _connect(self, links: Netlink, sandbox: Sandbox, ends: Sequence[link.Ends]) -> None:
        link.connect(
            self._links,
            links,
            sandbox.handles["net"],
            device=f"veth{next(self._numbers)}",
            ends=ends,
        )

    def fork(self, sandbox: Sandbox, program: Program, errors: int, beside: int | None) -> int:
        """Fork a process that becomes `program` in a sandbox, and tell its pid."""
        if beside is None:
            unshare(Namespace.PID)
        else:
            setns(beside, Namespace.PID)
        try:
            pid = os.fork()
            if pid == 0:
                become(program, _way_in(sandbox, beside, program), errors)
        finally:
            return_to(self._pid_home, Namespace.PID)
        return pid

    def kill(self, sandbox: Sandbox, pids: Collection[int]) -> bool:
        """Kill what is left: with the first process of a PID namespace end all others in it."""
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not pids

    def remove(self, sandbox: Sandbox) -> None:
        """Remove a sandbox; its address can be used again at once."""
        link.disconnect(self._links, sandbox.addresses)
        _close_handles(sandbox)

    def cut(self, pods: IpNetwork, node: str, *, off: bool) -> None:
        """Let the packets of a node vanish, or pass again."""
        (cut.cut if off else cut.heal)(self._links, pods, node)

    def close(self) -> None:
        """Nothing to do: namespaces and all in them end with the spawner."""


def _way_in(sandbox: Sandbox, beside: int | None, program: Program) -> Callable[[], None]:
    def enter() -> None:
        if beside is not None:
            setns(beside, BESIDE)
            return
        for kind, fd in sandbox.handles.items():
            setns(fd, KINDS[kind])
        private_mounts()
        mounts.place(program.mounts)
        view.fresh_proc()
        if program.security.read_only_root:
            mounts.lock_root(item.target for item in program.mounts)

    return enter


def _ends(spec: CreateSandbox) -> list[link.Ends]:
    ends = [link.Ends(spec.address, spec.node_address)] if spec.address else []
    return ends if spec.secondary is None else [*ends, link.Ends(*spec.secondary)]


def _close_handles(sandbox: Sandbox) -> None:
    for fd in sandbox.handles.values():
        os.close(fd)
    sandbox.handles = {}

"""Starts the spawner and moves the daemon into the cluster's network.

`launch` comes first in the daemon's life: a user namespace can only be entered by a process with
one thread, and a fork is cheap only while little is imported. Then the spawner makes the cluster
namespace while the daemon imports the rest; `Launching.ready` waits for it, leaves a thread behind
in the host's network and moves the calling thread.
"""

import os
import select
import signal
import socket
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from msgspec import Struct
from msgspec.structs import replace

from netemu.config.settings import NetMode, Settings
from netemu.fabric import modes, ranges
from netemu.fabric.block import Block, claim
from netemu.fabric.namespaces import Namespace, adopt_orphans, map_root, setns, unshare
from netemu.model.addressing import Addressing
from netemu.model.sockets import Sockets
from netemu.node.spawner import protocol

if TYPE_CHECKING:
    from netemu.fabric.host import HostSockets, LocalSockets
    from netemu.node.spawner.client import SpawnerClient

READY_SECONDS = 20.0
"""Longest wait for the cluster namespace; it takes a few milliseconds."""

NO_MOUNTS = (
    "volumes can't be mounted without namespaces; containers are told where they are by "
    "NETEMU_VOLUME_<NAME>"
)

NO_MIRROR6 = (
    "the host reaches IPv6 addresses of the cluster from inside only (netemu exec, kubectl): "
    "its own loopback has but one, ::1"
)

STOP_SECONDS = 5.0
"""Longest wait for the spawner to end everything, before it is killed; then the kernel does."""


class Launching(Struct, frozen=True, kw_only=True):
    """The spawner is at work."""

    choice: modes.Choice
    addressing: Addressing
    """As it will be, except for `mirrored`."""
    block: Block
    channel: socket.socket
    spawner: int

    def ready(self) -> "Launched":
        """Wait for the cluster namespace and move the calling thread into it.

        Call it from the main thread. Raises OSError; then `abandon` is what is left to do.
        """
        # Late, because of asyncio: `launch` must come before heavy imports.
        from netemu.fabric.host import HostSockets, LocalSockets
        from netemu.node.spawner.client import SpawnerClient

        event, fds = self._first_event()
        isolated = self.choice.mode is not NetMode.LOOPBACK
        host = HostSockets() if isolated else LocalSockets()
        if isolated:
            setns(fds[0], Namespace.NET)
            os.close(fds[0])
        return Launched(
            mode=self.choice.mode,
            refused=self.choice.refused,
            addressing=_reached(self.addressing, event.uplinks) if isolated else self.addressing,
            uplink=bool(event.uplinks),
            notes=tuple(filter(None, self._notes(event))),
            cluster=LocalSockets(),
            host=host,
            runtime=SpawnerClient(
                self.channel,
                self.spawner,
                isolated=isolated,
                user=self.choice.mode is NetMode.ROOTLESS,
                terminals=fds[1] if len(fds) > 1 else None,
            ),
            block=self.block,
            channel=self.channel,
            spawner=self.spawner,
        )

    def abandon(self) -> None:
        """Stop the spawner without having waited for it."""
        _end_spawner(self.channel, self.spawner)
        self.channel.close()
        self.block.release()

    def _notes(self, event: protocol.Ready) -> tuple[str, ...]:
        if self.choice.mode is NetMode.LOOPBACK:
            return event.note, NO_MOUNTS
        ranges = self.addressing.of("IPv6")
        return event.note, "" if ranges is None or ranges.family in event.uplinks else NO_MIRROR6

    def _first_event(self) -> tuple[protocol.Ready, list[int]]:
        self.channel.settimeout(READY_SECONDS)
        received = protocol.receive(self.channel)
        if received is None:
            raise ChildProcessError("the spawner ended while it made the cluster namespace")
        event, fds = protocol.decode_event(received[0]), received[1]
        if isinstance(event, protocol.Failed):
            raise OSError(event.number, f"the cluster namespace can't be made: {event.text}")
        assert isinstance(event, protocol.Ready)
        return event, fds


class Launched(Struct, frozen=True, kw_only=True):
    """The cluster's network exists, and the main thread is in it."""

    mode: NetMode
    refused: Mapping[NetMode, str]
    """For each better mode that was tried, why it isn't possible."""
    addressing: Addressing
    uplink: bool
    """Whether the host reaches the cluster's addresses themselves."""
    notes: tuple[str, ...]
    """What a user should know, in sentences for `netemu status`."""
    cluster: Sockets
    host: "HostSockets | LocalSockets"
    runtime: "SpawnerClient"
    block: Block
    channel: socket.socket
    spawner: int
    """Its process id."""

    def stop(self) -> None:
        """End everything that was started and the spawner; give back what was claimed."""
        _end_spawner(self.channel, self.spawner)
        self.runtime.close()
        self.host.close()
        self.block.release()


def launch(settings: Settings) -> Launching:
    """Choose a mode, start the spawner, claim a block of loopback addresses.

    Call it from the only thread, before heavy imports. Raises modes.ModeRefused when the mode that
    was asked for isn't possible, block.NoBlockError, ValueError for ranges that don't fit.
    """
    choice = modes.choose(settings.net, modes.attempt)
    modes.require(choice, settings.network.ip_families)
    block = claim(settings.name)
    try:
        addressing = ranges.addressing(
            choice.mode, settings.network, settings.node.count, block.number
        )
        channel, spawner = _start_spawner(choice.mode)
    except BaseException:
        block.release()
        raise
    protocol.send(channel, _set_up(addressing, uplink=choice.mode is NetMode.ROOT))
    return Launching(
        choice=choice, addressing=addressing, block=block, channel=channel, spawner=spawner
    )


def _set_up(addressing: Addressing, *, uplink: bool) -> protocol.SetUp:
    ranges = [_ranges(each) for each in addressing.families]
    return protocol.SetUp(uplink=uplink, block=addressing.block, ranges=ranges)


def _ranges(addressing: Addressing) -> protocol.Ranges:
    first, last = addressing.load_balancers
    return protocol.Ranges(
        services=str(addressing.services),
        pods=str(addressing.pods),
        nodes=str(addressing.nodes),
        load_balancers=(str(first), str(last)),
    )


def _reached(addressing: Addressing, uplinks: Collection[str]) -> Addressing:
    """The addressing with what the host reaches: families that have an uplink."""
    other = addressing.secondary
    return replace(
        addressing,
        mirrored=addressing.family not in uplinks,
        secondary=None if other is None else _reached(other, uplinks),
    )


def _start_spawner(mode: NetMode) -> tuple[socket.socket, int]:
    """Fork the spawner; give the channel to it and its pid."""
    if mode is NetMode.ROOTLESS:
        uid, gid = os.geteuid(), os.getegid()
        unshare(Namespace.USER)
        map_root(uid, gid)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if mode is NetMode.LOOPBACK:
        pid = os.fork()
        if pid == 0:
            _be_spawner("plain", theirs)
    else:
        pid = _fork_into_pid_namespace(theirs)
    theirs.close()
    return ours, pid


def _fork_into_pid_namespace(channel: socket.socket) -> int:
    """Fork the spawner as the first process of a PID namespace.

    A process that makes a PID namespace for its children can't, without rights over the host's,
    go back to having ordinary ones. So a process in between makes it, forks and ends; its orphan
    comes to us.
    """
    adopt_orphans(True)
    reader, writer = os.pipe()
    between = os.fork()
    if between == 0:
        _fork_and_tell(channel, writer)
    os.close(writer)
    # Not up to the end of the pipe: the spawner has a copy of it for a while.
    pid = os.read(reader, 32)
    os.close(reader)
    os.waitpid(between, 0)
    adopt_orphans(False)
    if not pid:
        raise ChildProcessError("the spawner could not be started")
    return int(pid)


def _be_spawner(body: str, channel: socket.socket) -> NoReturn:
    """What the spawner alone needs is imported by it alone, while the daemon goes on."""
    try:
        from netemu.node.spawner import main

        main.run(main.BODIES[body], channel)
    finally:
        os._exit(1)


def _fork_and_tell(channel: socket.socket, writer: int) -> NoReturn:
    try:
        unshare(Namespace.PID)
        pid = os.fork()
        if pid == 0:
            _be_spawner("isolated", channel)
        os.write(writer, str(pid).encode())
    finally:
        os._exit(0)


def _end_spawner(channel: socket.socket, spawner: int) -> None:
    """Let the spawner end everything; kill it if it takes too long. Reap it."""
    with suppress(OSError):
        protocol.send(channel, protocol.Stop())
    with suppress(ProcessLookupError, ChildProcessError):
        pidfd = os.pidfd_open(spawner)
        try:
            ended = select.poll()
            ended.register(pidfd, select.POLLIN)
            if not ended.poll(STOP_SECONDS * 1000):
                os.kill(spawner, signal.SIGKILL)
        finally:
            os.close(pidfd)
        os.waitpid(spawner, 0)

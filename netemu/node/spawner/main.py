"""The spawner's life: what happens in its process from the fork to its end."""

import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address, ip_network
from typing import NoReturn

from netemu.fabric import cluster, uplink
from netemu.fabric.namespaces import (
    Namespace,
    adopt_orphans,
    die_with_parent,
    handle,
    private_mounts,
    unshare,
)
from netemu.fabric.reached import Reached
from netemu.fabric.rtnetlink import Netlink
from netemu.model.addressing import Addressing
from netemu.node.spawner import protocol
from netemu.node.spawner.plain import PlainSandboxes
from netemu.node.spawner.sandboxes import IsolatedSandboxes
from netemu.node.spawner.spawner import Spawner
from netemu.node.spawner.terminals import mount_terminals

IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)
"""Signals a terminal or a service manager sends to everybody; when to stop, the daemon says."""


def run(body: Callable[[socket.socket], None], channel: socket.socket) -> NoReturn:
    """Be the spawner in a process just forked; never return into what it was forked from."""
    code = 1
    try:
        _detach(channel)
        _allow_many_descriptors()
        body(channel)
        code = 0
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def isolated(channel: socket.socket) -> None:
    """Make the cluster namespace, then sandboxes in it.

    We are the first process of a PID namespace: when we end, whatever way, the kernel ends
    everything that was started here.
    """
    host, host_namespace = Netlink(), handle("net")
    # All kinds that sandboxes have: one can only come back to namespaces one has rights over.
    unshare(Namespace.NET | Namespace.UTS | Namespace.IPC)
    private_mounts()
    terminals = mount_terminals()
    links = Netlink()
    received = protocol.receive(channel)
    if received is None:
        return
    request = protocol.decode_request(received[0])
    assert isinstance(request, protocol.SetUp)
    # The daemon is our parent only by now (`launch` forks twice).
    die_with_parent(signal.SIGKILL)
    try:
        ready = _set_up(links, host, host_namespace, request)
    except OSError as error:
        protocol.send(channel, protocol.Failed(0, error.errno or 0, str(error)))
        return
    os.close(host_namespace)
    reached = Reached(links, host if ready.uplinks else None, request.block, ready.uplinks)
    if not ready.uplinks:
        host.close()
    given = [handle("net")] + ([] if terminals is None else [terminals])
    protocol.send(channel, ready, given)
    for fd in given:
        os.close(fd)
    try:
        Spawner(channel, IsolatedSandboxes(links), reached).serve()
    finally:
        uplink.disconnect(links)
        reached.close()


def plain(channel: socket.socket) -> None:
    """Start processes and keep track of them; nothing is isolated."""
    adopt_orphans(True)
    received = protocol.receive(channel)
    if received is not None:
        protocol.send(channel, protocol.Ready(uplinks=[], note=""))
        Spawner(channel, PlainSandboxes()).serve()


BODIES = {"isolated": isolated, "plain": plain}


def _set_up(
    links: Netlink, host: Netlink, host_namespace: int, request: protocol.SetUp
) -> protocol.Ready:
    addressing = _addressing(request.ranges, request.block)
    cluster.set_up(links, addressing)
    if not request.uplink:
        return protocol.Ready(uplinks=[], note="")
    try:
        refused = uplink.connect(links, host, host_namespace, addressing)
    except uplink.UplinkRefused as refusal:
        return protocol.Ready(uplinks=[], note=f"no uplink: {refusal}")
    families = [each.family for each in addressing.families if each.family not in refused]
    notes = [f"no uplink for {family}: {reason}" for family, reason in refused.items()]
    return protocol.Ready(uplinks=families, note="; ".join(notes))


def _addressing(ranges: Sequence[protocol.Ranges], block: int) -> Addressing:
    one, *others = ranges
    first, last = one.load_balancers
    return Addressing(
        services=ip_network(one.services),
        pods=ip_network(one.pods),
        nodes=ip_network(one.nodes),
        load_balancers=(ip_address(first), ip_address(last)),
        block=block,
        mirrored=True,
        secondary=_addressing(others, block) if others else None,
    )


def _detach(channel: socket.socket) -> None:
    """Keep nothing of the daemon's but the channel and stderr: not its terminal, locks or pipes."""
    os.setsid()
    os.chdir("/")
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    kept = {0, 1, 2, channel.fileno()}
    for name in os.listdir("/dev/fd"):
        if int(name) not in kept:
            with suppress(OSError):
                os.close(int(name))


def _allow_many_descriptors() -> None:
    """Take all we may have: a pod needs five. Its programs inherit that, as in other runtimes."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

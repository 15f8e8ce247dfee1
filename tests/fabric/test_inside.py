"""A socket made in another network is of that network, and the caller stays where it was."""

import asyncio
import os
import socket
import subprocess

import pytest

from netemu.fabric.inside import tcp_socket
from tests.support import forked


def _connects() -> str:
    """Another network with a server on its own loopback, made by a child that waits there."""
    forked.own_network()
    with subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo ready; exec sleep 60"], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        try:
            here = os.readlink("/proc/self/ns/net")
            made = asyncio.run(tcp_socket(f"/proc/{child.pid}/ns/net", socket.AF_INET))
            # In a network whose loopback is down nothing can be reached, unlike here.
            made.setblocking(True)
            with made, pytest.raises(OSError, match="unreachable"):
                made.connect(("127.0.0.1", 1))
            return "stayed" if os.readlink("/proc/self/ns/net") == here else "moved"
        finally:
            child.kill()


@forked.needs_root
def test_it_belongs_to_the_other_network() -> None:
    assert forked.run(_connects) == "stayed"


async def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(FileNotFoundError):
        await tcp_socket("/proc/self/ns/nothing", socket.AF_INET)
    with pytest.raises(OSError, match="Invalid argument"):
        await tcp_socket("/dev/null", socket.AF_INET)

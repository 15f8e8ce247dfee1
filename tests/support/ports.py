"""Ports that nothing on this machine has: instances side by side share 127.0.0.1."""

import random
import socket
from contextlib import closing

RANGE = (30000, 32767)
"""The range of node ports, where clusters that others run take theirs, too."""


PLAIN_PORTS = (12000, 29999)
"""Below those, and below what the kernel gives to clients."""


def free_node_ports(count: int) -> list[int]:
    """So many different node ports on which nobody serves TCP or UDP."""
    return free_ports(RANGE, count)


def free_ports(among: tuple[int, int], count: int) -> list[int]:
    """So many different ports on which nobody serves TCP or UDP, of a range."""
    candidates = random.sample(range(among[0], among[1] + 1), 50 * count)
    found = [port for port in candidates if _is_free(port)]
    assert len(found) >= count, "hardly a port is free"
    return found[:count]


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with closing(socket.socket(socket.AF_INET, kind)) as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True

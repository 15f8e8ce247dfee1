import errno
import socket
import struct

import pytest

from netemu.config.settings import NetMode, NetworkSettings
from netemu.fabric import cluster
from netemu.fabric.host import TRANSPARENT
from netemu.fabric.interception import LocalInterception, Unavailable
from netemu.fabric.ranges import addressing
from netemu.fabric.rtnetlink import Netlink
from netemu.model.nft import IPV4, IPV6, TRANSPARENT_MARK, AddChain, Stack
from tests.support.forked import become_nobody, in_bare_network, needs_root

pytestmark = needs_root


def test_the_table_is_there_from_the_start_and_empty_and_goes_in_the_end() -> None:
    def inside() -> tuple[int, int | None]:
        first = LocalInterception()
        first.rules.apply([AddChain("left")])
        second = LocalInterception()
        second.rules.apply([AddChain("other")])
        second.close()
        try:
            first.rules.apply([AddChain("late")])
        except OSError as error:
            return 0, error.errno
        return 1, None

    assert in_bare_network(inside) == (0, errno.ENOENT)


@pytest.mark.parametrize("stack", [IPV4, IPV6], ids=["IPv4", "IPv6"])
def test_its_socket_is_transparent_and_listens(stack: Stack) -> None:
    def inside() -> tuple[int, int]:
        Netlink().up(cluster.LOOPBACK)
        with LocalInterception(stack).listen() as sock:
            flags = (
                TRANSPARENT[sock.family],
                (socket.SOL_SOCKET, socket.SO_ACCEPTCONN),
            )
            return tuple(sock.getsockopt(*flag) for flag in flags)  # type: ignore[return-value]

    assert in_bare_network(inside) == (1, 1)


def test_without_rights_it_says_so() -> None:
    def inside() -> str:
        become_nobody()
        with pytest.raises(Unavailable) as refusal:
            LocalInterception()
        return str(refusal.value)

    assert "not permitted" in in_bare_network(inside)


def test_a_marked_packet_ends_here_whatever_its_address() -> None:
    def inside() -> tuple[int, int]:
        links = Netlink()
        cluster.set_up(links, addressing(NetMode.ROOT, NetworkSettings(), 2, 77))
        links.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("172.30.0.11", 0))
            unmarked = sock.connect_ex(("198.51.100.1", 9))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, struct.pack("=I", TRANSPARENT_MARK))
            return unmarked, sock.connect_ex(("198.51.100.1", 9))

    assert in_bare_network(inside) == (errno.ENETUNREACH, 0)

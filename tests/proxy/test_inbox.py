"""Reading many datagrams at once."""

import socket

import pytest

from netemu.mmsg import peer_at
from netemu.proxy.inbox import SLOTS, Inbox

HOSTS = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


def bound(family: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.bind((HOSTS[socket.AddressFamily(family)], 0))
    return made


@pytest.mark.parametrize("family", HOSTS)
def test_each_datagram_comes_with_whom_it_is_from(family: int) -> None:
    inbox = Inbox(family)
    with bound(family) as server, bound(family) as one, bound(family) as other:
        one.sendto(b"hello", server.getsockname())
        other.sendto(b"", server.getsockname())
        assert list(inbox.receive(server.fileno())) == [5, 0]
        assert [inbox.datagram(0, 5), inbox.datagram(1, 0)] == [b"hello", b""]
        names = [inbox.name(0), inbox.name(1)]
        assert [peer_at(name, 0) for name in names] == [one.getsockname(), other.getsockname()]
        assert list(inbox.receive(server.fileno())) == []


def test_a_name_is_the_same_each_time_and_for_each_socket() -> None:
    inbox = Inbox(socket.AF_INET)
    with bound(socket.AF_INET) as a, bound(socket.AF_INET) as b, bound(socket.AF_INET) as client:
        names = set()
        for server in (a, b, a):
            client.sendto(b"x", server.getsockname())
            assert list(inbox.receive(server.fileno())) == [1]
            names.add(inbox.name(0))
    assert len(names) == 1


def test_the_largest_datagram_is_whole_and_a_turn_is_bounded() -> None:
    inbox, largest = Inbox(socket.AF_INET), bytes(range(256)) * 255
    with bound(socket.AF_INET) as server, bound(socket.AF_INET) as client:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        client.sendto(largest, server.getsockname())
        assert list(inbox.receive(server.fileno())) == [len(largest)]
        assert inbox.datagram(0, len(largest)) == largest
        for _ in range(SLOTS + 1):
            client.sendto(b"x", server.getsockname())
        assert [len(inbox.receive(server.fileno())) for _ in range(3)] == [SLOTS, 1, 0]

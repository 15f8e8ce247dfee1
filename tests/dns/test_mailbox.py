import socket

import pytest

from netemu.dns.mailbox import LONGEST_QUERY, SLOTS, Mailbox


def pair(family: int) -> tuple[socket.socket, socket.socket]:
    server, client = (socket.socket(family, socket.SOCK_DGRAM) for _ in range(2))
    address = "127.0.0.1" if family == socket.AF_INET else "::1"
    for sock in (server, client):
        sock.bind((address, 0))
        sock.setblocking(False)
    client.connect(server.getsockname())
    return server, client


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_batch_comes_in_and_its_replies_go_out(family: int) -> None:
    server, client = pair(family)
    with server, client:
        mailbox = Mailbox(server)
        for number in range(3):
            client.send(b"%02d" % number + b"x" * number)
        assert list(mailbox.receive()) == [2, 3, 4]
        assert mailbox.query(2, 4) == b"02xx"
        assert mailbox.peer(1) == client.getsockname()
        for slot in (0, 2):
            at = slot * LONGEST_QUERY + 2
            mailbox.slots[at : at + 5] = b"hello"
            mailbox.reply_sizes[slot] = 7
            mailbox.send(slot, slot + 1)
        assert [client.recv(512), client.recv(512)] == [b"00hello", b"02hello"]
        assert not mailbox.receive()


def test_a_batch_is_bounded_and_so_is_a_query() -> None:
    server, client = pair(socket.AF_INET)
    with server, client:
        mailbox = Mailbox(server)
        client.send(bytes(LONGEST_QUERY + 1000))
        for _ in range(SLOTS):
            client.send(b"x")
        assert list(mailbox.receive()) == [LONGEST_QUERY, *([1] * (SLOTS - 1))]
        assert list(mailbox.receive()) == [1]


def test_a_reply_that_cannot_be_sent_holds_up_no_other() -> None:
    server, client = pair(socket.AF_INET)
    with server, client:
        mailbox = Mailbox(server)
        for _ in range(3):
            client.send(b"ab")
        mailbox.receive()
        mailbox.reply_sizes[0] = mailbox.reply_sizes[2] = 3
        mailbox.reply_sizes[1] = 70_000  # no datagram is that long
        mailbox.send(0, 3)
        assert [client.recv(512), client.recv(512)] == [b"ab\0", b"ab\0"]
        with pytest.raises(BlockingIOError):
            client.recv(512)

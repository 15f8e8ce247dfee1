import os
import socket
from collections.abc import Iterator

import pytest

from netemu.node.spawner import protocol

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with one, other:
        yield one, other


def start(argument: str) -> protocol.Start:
    return protocol.Start(7, "pod", ["cat", argument], {"A": "b"}, "/", (True, False, True), None)


@pytest.mark.parametrize("size", [1, protocol.PACKET_LIMIT * 3], ids=["packet", "file"])
def test_a_request_arrives_as_it_was_sent(pair: Pair, size: int) -> None:
    reader, writer = os.pipe()
    protocol.send(pair[0], start("x" * size), [reader, writer])
    os.close(reader)
    os.close(writer)
    received = protocol.receive(pair[1])
    assert received is not None
    payload, (theirs, ours) = received
    assert protocol.decode_request(payload) == start("x" * size)
    os.write(ours, b"through")
    assert os.read(theirs, 10) == b"through"
    os.close(theirs)
    os.close(ours)


def test_received_descriptors_close_themselves_on_exec(pair: Pair) -> None:
    protocol.send(pair[0], protocol.Started(1), [0])
    received = protocol.receive(pair[1])
    assert received is not None
    (fd,) = received[1]
    assert not os.get_inheritable(fd)
    os.close(fd)


def test_a_message_beyond_the_limit_is_refused(pair: Pair) -> None:
    with pytest.raises(protocol.MessageTooLargeError):
        protocol.send(pair[0], start("x" * protocol.MESSAGE_LIMIT))


def test_the_end_of_the_other_side_is_told(pair: Pair) -> None:
    pair[0].close()
    assert protocol.receive(pair[1]) is None


def test_messages_keep_their_order(pair: Pair) -> None:
    events: list[protocol.Event] = [
        protocol.Started(1),
        protocol.Ended(1, 0, 0),
        protocol.Failed(2, 17, "exists"),
    ]
    for event in events:
        protocol.send(pair[0], event)
    received = [protocol.receive(pair[1]) for _ in events]
    assert [protocol.decode_event(packet[0]) for packet in received if packet] == events

"""The loop itself, spoken to as the daemon does, with pods that are only told apart."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from netemu.node.spawner import main, protocol
from tests.support import forked

T = TypeVar("T")

Talk = Callable[[socket.socket], T]


def talk(function: Talk[T]) -> T:
    """Run it with the channel to a spawner, in a child."""

    def inside() -> T:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            main.run(main.plain, theirs)
        theirs.close()
        protocol.send(ours, protocol.SetUp(False, 77, []))
        assert isinstance(event(ours), protocol.Ready)
        try:
            return function(ours)
        finally:
            ours.close()
            os.waitpid(pid, 0)

    return forked.run(inside)


def event(channel: socket.socket) -> protocol.Event:
    received = protocol.receive(channel)
    assert received is not None
    for fd in received[1]:
        with suppress(OSError):
            os.close(fd)
    told: protocol.Event = protocol.decode_event(received[0])
    return told


def create(number: int, name: str = "pod") -> protocol.CreateSandbox:
    return protocol.CreateSandbox(number, name, name, "", "", {})


def start(number: int, *argv: str, name: str = "pod") -> protocol.Start:
    environment = {"PATH": "/usr/bin:/bin"}
    stdio = (False, False, False)
    return protocol.Start(number, name, list(argv), environment, "/", stdio, None)


def answers(*requests: protocol.Request, count: int) -> list[protocol.Event]:
    """What a spawner says to these requests, its first `count` messages."""

    def body(channel: socket.socket) -> list[protocol.Event]:
        for request in requests:
            protocol.send(channel, request)
        return [event(channel) for _ in range(count)]

    return talk(body)


def test_a_process_is_started_before_it_has_ended() -> None:
    assert answers(create(1), start(2, "true"), count=3) == [
        protocol.Done(1),
        protocol.Started(2),
        protocol.Ended(2, 0, 0),
    ]


def test_a_process_that_cannot_start_has_no_end() -> None:
    told = answers(create(1), start(2, "nope"), create(3, "other"), count=3)
    assert {type(each) for each in told} == {protocol.Done, protocol.NotStarted}


def test_in_a_sandbox_that_is_unknown_nothing_starts() -> None:
    assert answers(start(1, "true"), count=1) == [
        protocol.NotStarted(1, 128, 'sandbox "pod" not found')
    ]


def test_in_a_sandbox_that_is_being_removed_nothing_starts() -> None:
    told = answers(
        create(1),
        start(2, "sleep", "300"),
        protocol.RemoveSandbox(3, "pod"),
        start(4, "true"),
        count=5,
    )
    assert protocol.NotStarted(4, 128, 'sandbox "pod" not found') in told
    assert told[-1] == protocol.Done(3)
    assert told.index(protocol.Ended(2, 137, 9)) < told.index(protocol.Done(3))


def test_removing_twice_at_once_answers_both() -> None:
    told = answers(
        create(1),
        protocol.RemoveSandbox(2, "pod"),
        protocol.RemoveSandbox(3, "pod"),
        protocol.RemoveSandbox(4, "never made"),
        count=4,
    )
    assert told == [protocol.Done(number) for number in (1, 2, 3, 4)]


def test_an_unknown_sandbox_cannot_be_described() -> None:
    assert answers(protocol.Describe(1, "pod"), count=1) == [
        protocol.Failed(1, 2, "no sandbox pod")
    ]

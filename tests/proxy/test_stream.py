"""Bytes and ends of streams go through the relay as if it weren't there."""

import asyncio
import socket
import threading
import zlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from netemu.proxy.pipes import PipePool
from netemu.proxy.relay import Relay
from netemu.proxy.stream import READ_SIZE
from tests.proxy.harness import RESET, a_relay, eventually, listening, to

MEGABYTES = 100
CHUNK = bytes(range(256)) * 4096


@dataclass
class Pair:
    """A client and the server it reached; calls on both block, so they run beside the loop."""

    relay: Relay
    client: socket.socket
    server: socket.socket

    async def call(self, function: Callable[..., object], *args: object) -> object:
        return await asyncio.to_thread(function, *args)


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    with listening() as backend:
        async with a_relay(to(backend.getsockname())) as (relay, address):
            with socket.create_connection(address, timeout=10) as client:
                server, _ = await asyncio.to_thread(backend.accept)
                server.settimeout(10)
                with server:
                    yield Pair(relay, client, server)


def receive(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += sock.recv(count - len(data)) or b"\0" * count
    return data


def receive_all(sock: socket.socket) -> tuple[int, int]:
    """Length and checksum of everything up to the end."""
    count, check = 0, 0
    while data := sock.recv(1 << 18):
        count += len(data)
        check = zlib.crc32(data, check)
    return count, check


def send_megabytes(sock: socket.socket, megabytes: int) -> tuple[int, int]:
    check = 0
    for _ in range(megabytes):
        sock.sendall(CHUNK)
        check = zlib.crc32(CHUNK, check)
    sock.shutdown(socket.SHUT_WR)
    return megabytes * len(CHUNK), check


@pytest.mark.parametrize("size", [1, READ_SIZE - 1, READ_SIZE, READ_SIZE + 1, 5 * READ_SIZE])
async def test_a_message_arrives_whole_in_either_direction(pair: Pair, size: int) -> None:
    message = bytes(number % 251 for number in range(size))
    pair.client.sendall(message)
    assert await pair.call(receive, pair.server, size) == message
    pair.server.sendall(message)
    assert await pair.call(receive, pair.client, size) == message


async def test_a_server_may_speak_first(pair: Pair) -> None:
    pair.server.sendall(b"220 welcome")
    assert await pair.call(receive, pair.client, 11) == b"220 welcome"


async def test_a_client_that_ends_its_request_still_gets_the_answer(pair: Pair) -> None:
    pair.client.sendall(b"request")
    pair.client.shutdown(socket.SHUT_WR)
    assert await pair.call(receive_all, pair.server) == (7, zlib.crc32(b"request"))
    pair.server.sendall(b"answer")
    assert await pair.call(receive, pair.client, 6) == b"answer"
    pair.server.close()
    assert await pair.call(pair.client.recv, 1) == b""
    await eventually(lambda: pair.relay.connections == 0)


async def test_a_server_that_ends_its_answer_still_hears_the_client(pair: Pair) -> None:
    pair.server.sendall(b"answer")
    pair.server.shutdown(socket.SHUT_WR)
    assert await pair.call(receive_all, pair.client) == (6, zlib.crc32(b"answer"))
    pair.client.sendall(b"more")
    assert await pair.call(receive, pair.server, 4) == b"more"
    pair.client.close()
    assert await pair.call(pair.server.recv, 1) == b""
    await eventually(lambda: pair.relay.connections == 0)


async def test_a_client_that_sends_and_goes_at_once_is_heard_to_the_end(pair: Pair) -> None:
    pair.client.sendall(b"x" * 3 * READ_SIZE)
    pair.client.close()
    assert await pair.call(receive_all, pair.server) == (
        3 * READ_SIZE,
        zlib.crc32(b"x" * 3 * READ_SIZE),
    )


@pytest.mark.parametrize("pipes", [96, 0], ids=["spliced", "copied, as there is no pipe"])
async def test_a_hundred_megabytes_each_way_stay_the_same(pair: Pair, pipes: int) -> None:
    pair.relay.pipes = PipePool(limit=pipes)
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.get_running_loop().create_task(count_turns())
    with ThreadPoolExecutor(4) as pool:
        loop = asyncio.get_running_loop()
        results = await asyncio.gather(
            loop.run_in_executor(pool, send_megabytes, pair.client, MEGABYTES),
            loop.run_in_executor(pool, receive_all, pair.server),
            loop.run_in_executor(pool, send_megabytes, pair.server, MEGABYTES),
            loop.run_in_executor(pool, receive_all, pair.client),
        )
    counting.cancel()
    assert results[0] == results[1] == results[2] == results[3]
    assert turns > MEGABYTES  # the rest of the daemon had its turns meanwhile
    await eventually(lambda: pair.relay.connections == 0)


def send_until_blocked(sock: socket.socket) -> int:
    sock.settimeout(0.2)
    sent = 0
    try:
        while True:
            sent += sock.send(CHUNK)
    except TimeoutError:
        return sent


async def test_a_slow_receiver_slows_the_sender_and_loses_nothing(pair: Pair) -> None:
    for sock in (pair.client, pair.server):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    sent = await pair.call(send_until_blocked, pair.server)
    assert isinstance(sent, int)
    assert sent < 64 << 20  # what the kernel and the relay hold at most; it isn't memory for ever
    pair.server.close()
    received = await pair.call(receive_all, pair.client)
    assert isinstance(received, tuple)
    assert received[0] == sent


async def test_the_other_direction_flows_while_one_is_blocked(pair: Pair) -> None:
    await pair.call(send_until_blocked, pair.server)
    pair.client.sendall(b"stop")
    assert await pair.call(receive, pair.server, 4) == b"stop"


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    sock.close()


async def test_a_client_that_resets_is_seen_to_reset(pair: Pair) -> None:
    pair.client.sendall(b"hello")
    await pair.call(receive, pair.server, 5)
    reset(pair.client)
    with pytest.raises(ConnectionResetError):
        await pair.call(pair.server.recv, 1)
    await eventually(lambda: pair.relay.connections == 0)


async def test_a_server_that_resets_is_seen_to_reset(pair: Pair) -> None:
    pair.client.sendall(b"hello")
    await pair.call(receive, pair.server, 5)
    reset(pair.server)
    with pytest.raises(ConnectionResetError):
        await pair.call(pair.client.recv, 1)
    await eventually(lambda: pair.relay.connections == 0)


async def test_a_client_that_resets_while_nobody_reads_does_not_stay(pair: Pair) -> None:
    await pair.call(send_until_blocked, pair.client)
    reset(pair.client)
    await eventually(lambda: pair.relay.connections == 0)


async def test_a_last_word_before_a_reset_arrives(pair: Pair) -> None:
    """A server that answers early and closes with the request unread resets (RFC 1122 4.2.2.13)."""
    pair.client.sendall(b"x" * 100)
    await pair.call(pair.server.recv, 1)
    pair.server.sendall(b"too large")
    pair.server.close()
    assert await pair.call(receive, pair.client, 9) == b"too large"


def keep_sending(sock: socket.socket, stop: threading.Event) -> str:
    try:
        while not stop.is_set():
            sock.sendall(b"x" * 1000)
    except OSError as error:
        return type(error).__name__
    return "nothing happened"


async def test_a_sender_learns_that_its_receiver_has_gone(pair: Pair) -> None:
    stop = threading.Event()
    sending = asyncio.to_thread(keep_sending, pair.client, stop)
    pair.server.close()
    assert await sending in ("ConnectionResetError", "BrokenPipeError")
    await eventually(lambda: pair.relay.connections == 0)

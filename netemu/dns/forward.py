"""Names of others, asked of the servers that the settings name: the least that works.

One socket, port and id for each question, connected, so that the kernel drops what comes from
elsewhere; what doesn't match the question is ignored. Names of the cluster never get here.
Nothing is kept, everything goes by UDP, and the end of an ExternalName's chain isn't looked up.
"""

import asyncio
import random
import socket
from collections.abc import Callable, Sequence
from typing import TypeAlias

from netemu.dns import wire
from netemu.dns.answer import Answer
from netemu.dns.records import Rcode
from netemu.dns.responder import Unfinished
from netemu.tasks import Tasks

Address: TypeAlias = tuple[str, int]

MOST_UNDER_WAY = 1000
"""Questions waiting for others at once; more are refused (kubeadm's ``max_concurrent``)."""
ANSWER_SECONDS = 2.0
"""Before the next server is asked (CoreDNS' read timeout)."""
ALL_SECONDS = 5.0
"""Before the client is told SERVFAIL (CoreDNS' deadline over all servers)."""


class Forwarder:
    """Relays what the cluster's DNS knows nothing of."""

    def __init__(
        self,
        servers: Sequence[Address],
        connector: Callable[[socket.SocketKind], socket.socket],
        rng: random.Random,
        tasks: Tasks,
    ) -> None:
        self._servers = tuple(servers)
        self._connector = connector
        self._rng = rng
        self._tasks = tasks
        self._under_way = 0

    def take(self, unfinished: Unfinished) -> None:
        """Answer later, or at once if there is an answer or too many wait already."""
        if unfinished.answer.records:
            unfinished.finish(unfinished.answer)
        elif self._under_way >= MOST_UNDER_WAY:
            unfinished.finish(Answer(rcode=Rcode.REFUSED, authoritative=False))
        else:
            self._under_way += 1
            self._tasks.start(self._relay(unfinished), name="dns forward")

    async def _relay(self, unfinished: Unfinished) -> None:
        try:
            reply = await self._ask(unfinished.packet)
        finally:
            self._under_way -= 1
        if reply is None:
            unfinished.finish(Answer(rcode=Rcode.SERVFAIL, authoritative=False))
        elif len(reply) > unfinished.limit:  # a server that doesn't heed the size it was told
            unfinished.finish(Answer(authoritative=False, truncated=True))
        else:
            unfinished.send(unfinished.packet[:2] + reply[2:])

    async def _ask(self, packet: bytes) -> bytes | None:
        """The reply of the first server that gives one."""
        try:
            async with asyncio.timeout(ALL_SECONDS):
                for server in self._servers:
                    try:
                        async with asyncio.timeout(ANSWER_SECONDS):
                            return await self._exchange(server, packet)
                    except OSError:  # unreachable, or too late
                        continue
        except TimeoutError:
            pass
        return None

    async def _exchange(self, server: Address, packet: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        with self._connector(socket.SOCK_DGRAM) as sock:
            asked = self._rng.getrandbits(16).to_bytes(2, "big") + packet[2:]
            sock.connect(server)
            sock.send(asked)
            while True:
                reply = await loop.sock_recv(sock, wire.STREAM_LIMIT)
                if _matches(asked, reply):
                    return reply


def _matches(asked: bytes, reply: bytes) -> bool:
    """Whether it is a reply to that: id, opcode, and the one question octet for octet."""
    end = wire.end_of_question(asked)
    return (
        len(reply) >= end
        and reply[2] & 0xF8 == wire.QR >> 8
        and reply[:2] + reply[4:6] + reply[12:end] == asked[:2] + asked[4:6] + asked[12:end]
    )

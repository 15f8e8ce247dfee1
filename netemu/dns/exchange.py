"""One question put to one other server: a query out, the reply that matches it back.

Each exchange has a socket, hence a port, and an id of its own, drawn at random, and the socket is
connected, so the kernel drops what comes from elsewhere. What doesn't match the question (id, name,
type, class) is ignored: it is a forgery or late (RFC 5452 §9.1).
"""

import asyncio
import random
import socket

from msgspec import Struct

from netemu.dns import wire
from netemu.dns.answer import Answer
from netemu.dns.foreign import Reply, Unreadable, read
from netemu.dns.forwarding import Address, Tls
from netemu.dns.outcome import Wish
from netemu.dns.records import Question, Rcode, lowered
from netemu.model.sockets import Connector

MOST_FORGERIES = 100
"""Replies that don't match, after which an exchange fails: somebody is guessing."""


def query_for(question: Question, wish: Wish, ident: int, *, edns: bool = True) -> bytes:
    """The octets of our own query."""
    flags = wire.RD | (wire.CD if wish.unchecked else 0)
    return wire.query(ident, flags, question, dnssec_ok=wish.dnssec_ok if edns else None)


async def ask(
    connector: Connector,
    server: Address,
    question: Question,
    wish: Wish,
    rng: random.Random,
    *,
    by_stream: bool,
    tls: Tls | None = None,
    source: str = "",
) -> Answer:
    """What `server` answers; by TCP also when its datagram was cut. Raises OSError.

    It is asked from the address `source`, if one is given.
    """
    asking = _Asking(connector, server, question, wish, rng, tls, source)
    by_stream = by_stream or tls is not None
    answer = await _asked(asking, by_stream=by_stream)
    if not answer.truncated or by_stream:
        return answer
    try:
        return await _asked(asking, by_stream=True)
    except OSError:  # no TCP there: the cut answer is better than none, and says that it is cut
        return answer


async def _asked(asking: "_Asking", *, by_stream: bool) -> Answer:
    reply = await asking.exchange(by_stream=by_stream, edns=True)
    # A server that doesn't know EDNS says FORMERR or NOTIMP (RFC 6891 §7).
    if reply.answer.rcode in (Rcode.FORMERR, Rcode.NOTIMP):
        reply = await asking.exchange(by_stream=by_stream, edns=False)
    return reply.answer


class _Asking(Struct, frozen=True):
    connector: Connector
    server: Address
    question: Question
    wish: Wish
    rng: random.Random
    tls: Tls | None
    source: str

    async def exchange(self, *, by_stream: bool, edns: bool) -> Reply:
        expected = _Expected(self.rng.getrandbits(16), self.question)
        query = query_for(self.question, self.wish, expected.ident, edns=edns)
        kind = socket.SOCK_STREAM if by_stream else socket.SOCK_DGRAM
        family = socket.AF_INET6 if ":" in self.server[0] else socket.AF_INET
        with self.connector(kind, family) as sock:
            if self.source:
                sock.bind((self.source, 0))
            if not by_stream:
                return await _datagram(sock, self.server, query, expected)
            await asyncio.get_running_loop().sock_connect(sock, self.server)
            return _matching(await self._by_stream(sock, query), expected)

    async def _by_stream(self, sock: socket.socket, query: bytes) -> bytes:
        if self.tls is None:
            return await _stream(sock, query)
        if self.tls.https:
            from netemu.dns.https import ask_over_https  # late: few servers are asked so

            return await ask_over_https(sock, self.tls, query)
        from netemu.dns.tls import ask_securely

        return await ask_securely(sock, self.tls, query)


class _Expected(Struct, frozen=True):
    ident: int
    question: Question

    def matches(self, reply: Reply) -> bool:
        return (reply.ident, reply.name, reply.type, reply.klass) == (
            self.ident,
            lowered(self.question.name),
            self.question.type,
            self.question.klass,
        )


async def _datagram(
    sock: socket.socket, server: Address, query: bytes, expected: _Expected
) -> Reply:
    loop = asyncio.get_running_loop()
    sock.connect(server)
    sock.send(query)
    for _ in range(MOST_FORGERIES):
        try:
            reply = read(await loop.sock_recv(sock, wire.STREAM_LIMIT))
        except Unreadable:
            continue
        if expected.matches(reply):
            return reply
    raise ConnectionError("too many replies that don't match")


async def _stream(sock: socket.socket, query: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, len(query).to_bytes(2, "big") + query)
    size = int.from_bytes(await _exactly(loop, sock, 2), "big")
    return await _exactly(loop, sock, size)


def _matching(octets: bytes, expected: _Expected) -> Reply:
    try:
        reply = read(octets)
    except Unreadable as error:
        raise ConnectionError(str(error)) from error
    if not expected.matches(reply):
        raise ConnectionError("the reply is to another question")
    return reply


async def _exactly(loop: asyncio.AbstractEventLoop, sock: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        piece = await loop.sock_recv(sock, size - len(received))
        if not piece:
            raise ConnectionError("the server hung up")
        received += piece
    return received

"""One query in, one reply out, whatever the transport.

Nothing that a client sends raises: what cannot be read is refused or ignored (RFC 1035 §4.1.1,
RFC 8906), and what surprises us is answered SERVFAIL and logged once.
"""

import logging
import random
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from netemu.dns import wire
from netemu.dns.answer import Answer, answer
from netemu.dns.nodes import Domain, View
from netemu.dns.records import Rcode
from netemu.dns.replies import Octets, Replies
from netemu.model.latest import Latest
from netemu.model.snapshot import Snapshot

log = logging.getLogger(__name__)

Send: TypeAlias = Callable[[Octets], None]
"""Sends one reply; at once, as the octets change afterwards."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A query whose answer other servers may complete."""

    packet: bytes
    query: wire.Query
    answer: Answer
    """What is known here; it names an `elsewhere`."""
    stream: bool
    send: Send

    @property
    def limit(self) -> int:
        """Octets that the reply may have."""
        return wire.STREAM_LIMIT if self.stream else self.query.limit

    def finish(self, answer: Answer) -> None:
        """Reply with `answer`."""
        self.send(wire.build(self.query, answer, self.limit).with_id(self.packet[:2]))


Elsewhere: TypeAlias = Callable[[Unfinished], None]
"""Takes over a query and sends its reply, now or later."""

MOST_COMPLAINTS = 100
"""Different surprises that are logged; more would be noise."""


class Responder:
    """Answers the clients of one listener over one transport."""

    def __init__(
        self,
        latest: Latest[Snapshot],
        domain: Domain,
        view: View,
        rng: random.Random,
        *,
        stream: bool = False,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self._latest = latest
        self._domain = domain
        self._view = view
        self._stream = stream
        self._elsewhere = elsewhere
        self._replies = Replies(latest.value, rng.shuffle)
        self._complaints: set[str] = set()

    def known(self, packet: bytes) -> Octets | None:
        """The reply, if it is in the table: the fast path."""
        replies = self._replies
        if replies.snapshot is not self._latest.value:
            replies.follow(self._latest.value)
        return replies.get(packet)

    def handle(self, packet: bytes, send: Send) -> None:
        """Answer `packet` by calling `send` once, now or later, or not at all."""
        reply = self.known(packet)
        if reply is not None:
            send(reply)
        else:
            self.work_out(packet, send)

    def work_out(self, packet: bytes, send: Send) -> None:
        """Do as `handle` does for a packet that isn't `known`."""
        try:
            query = wire.parse(packet)
        except wire.Unanswerable:
            return
        except wire.Malformed as error:
            send(wire.refusal(packet, error.rcode))
            return
        try:
            reply = self._made(packet, query, send)
        except Exception:  # a bug of ours must not silence the server
            self._complain()
            failure = Answer(rcode=Rcode.SERVFAIL, authoritative=False)
            reply = self._kept(packet, query, failure, keep=False)
        if reply is not None:
            send(reply)

    def _made(self, packet: bytes, query: wire.Query, send: Send) -> Octets | None:
        if query.edns is not None and query.edns.version:
            made = Answer(rcode=Rcode.BADVERS, authoritative=False)
        else:
            made = answer(self._replies.snapshot, query.question, self._domain, self._view)
        if made.elsewhere is not None and self._elsewhere is not None:
            self._elsewhere(Unfinished(packet, query, made, self._stream, send))
            return None
        return self._kept(packet, query, made, keep=query.edns is None or query.edns.plain)

    def _kept(self, packet: bytes, query: wire.Query, made: Answer, *, keep: bool) -> Octets:
        reply = wire.build(query, made, wire.STREAM_LIMIT if self._stream else query.limit)
        return self._replies.put(packet, reply, made.parts, keep=keep)

    def _complain(self) -> None:
        where = traceback.format_exc(limit=-1)
        if where not in self._complaints and len(self._complaints) < MOST_COMPLAINTS:
            self._complaints.add(where)
            log.exception("a DNS query could not be answered")

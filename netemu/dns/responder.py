"""One query in, one reply out, whatever the transport.

Nothing that a client sends raises: what cannot be read is refused or ignored (RFC 1035 §4.1.1,
RFC 8906), and what surprises us is answered SERVFAIL and logged once.
"""

import logging
import random
import traceback
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Protocol, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from netemu.dns import wire
from netemu.dns.answer import FAILED, REFUSED, TRANSFERS, Answer
from netemu.dns.chain import Configuration
from netemu.dns.consult import Consultation
from netemu.dns.forwarding import Forward
from netemu.dns.nodes import View
from netemu.dns.observation import Observation, Observers
from netemu.dns.order import arranger
from netemu.dns.outcome import Around, Ask, Outcome, Wish
from netemu.dns.records import Question, Rcode, Source
from netemu.dns.replies import ID_OCTETS, Replies, Room
from netemu.dns.tallies import made_kind
from netemu.mmsg import Peer
from netemu.model.latest import Latest
from netemu.model.snapshot import Snapshot

log = logging.getLogger(__name__)

Client: TypeAlias = Peer
"""Who asks."""
Send: TypeAlias = Callable[[bytes], None]
"""Sends one reply."""
SendAll: TypeAlias = Callable[[Iterator[bytes]], None]
"""Sends several, each made when there is room for it."""

MOST_COMPLAINTS = 100
"""Different surprises that are logged; more would be noise."""


class Asker(Protocol):
    """Asks other servers."""

    def ask(
        self, question: Question, forward: Forward, wish: Wish, then: Callable[[Answer], None]
    ) -> None:
        """Call `then` with the answer, now or later."""


class Job(Struct, frozen=True):
    """A query at work."""

    packet: bytes
    query: wire.Query
    client: Client
    send: Send
    started: float


class Responder:
    """Answers the clients of one listener over one transport."""

    def __init__(
        self,
        latest: Latest[Snapshot],
        configuration: Latest[Configuration],
        view: View,
        rng: random.Random,
        *,
        stream: bool = False,
        by_ipv6: bool = False,
        asker: Asker | None = None,
        observers: Observers | None = None,
        room: Room | None = None,
        hand: Callable[[Job], None] | None = None,
    ) -> None:
        self._hand = hand
        self._room = room or Room()
        self._latest = latest
        self._view = view
        self._rng = rng
        self._stream = stream
        self._by_ipv6 = by_ipv6
        self._asker = asker
        self.observers = observers or Observers()
        self._complaints: set[str] = set()
        self._replies: Replies | None = None
        self._configure(configuration.value)
        configuration.subscribe(self._configure)

    def _configure(self, configuration: Configuration) -> None:
        """Answer by another configuration from now on; what was kept belongs to the last one."""
        self._configuration = configuration
        self._rewrites = any(block.rewrites for block in configuration.blocks)
        seed = configuration.seed
        rng = self._rng if seed is None else random.Random(seed)
        self._replies = Replies(
            self._latest.value,
            arranger(configuration.order, rng, configuration.preferred),
            self._room,
            self._replies,
            tallies=self.observers.tallies,
            protocol="tcp" if self._stream else "udp",
            by_ipv6=self._by_ipv6,
        )

    @property
    def table(self) -> Replies:
        """The replies that are kept, true by now; for use until something else can happen."""
        replies = self._replies
        assert replies is not None  # since __init__
        if replies.snapshot is not self._latest.value:
            replies.follow(self._latest.value)
        return replies

    def handle(
        self, packet: bytes, client: Client, send: Send, send_all: SendAll | None = None
    ) -> None:
        """Answer `packet` by calling `send` once, now or later, or not at all; or `send_all` if
        the answer takes several messages.
        """
        started = perf_counter()
        entry = self.table.find(packet[ID_OCTETS:])
        if entry is None:
            self.work_out(packet, client, send, send_all)
        else:
            reply = packet[:ID_OCTETS] + entry.reply
            send(reply)
            self._observed(packet, client, reply, started, Source.KEPT)

    def work_out(
        self, packet: bytes, client: Client, send: Send, send_all: SendAll | None = None
    ) -> None:
        """Do as `handle` does for a packet whose reply isn't in the table."""
        started = perf_counter()
        try:
            query = wire.parse(packet)
        except wire.Unanswerable:
            return
        except wire.Malformed as error:
            reply = wire.refusal(packet, error.rcode)
            send(reply)
            self._count(None, packet, client, reply, Source.SERVER)
            self._observed(packet, client, reply, started, Source.SERVER)
            return
        job = Job(packet, query, client, send, started)
        if query.question.type in TRANSFERS and send_all is not None:
            self._guarded(job, lambda: self._transfer(job, send_all))
        else:
            self._guarded(job, lambda: self._go_on(job, self._outcome(job)))

    def _guarded(self, job: Job, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:  # a bug of ours must not silence the server
            self._complain()
            self._reply(job, replace(FAILED, shared=False))

    def _outcome(self, job: Job) -> Outcome:
        edns = job.query.edns
        if edns is not None and edns.version:
            return Answer(rcode=Rcode.BADVERS, authoritative=False, source=Source.SERVER)
        return self._consultation(job).outcome(job.query.question)

    def _consultation(self, job: Job) -> Consultation:
        asked = self._configuration, self.table.snapshot, self._view, job.client[0]
        if not self._rewrites:
            return Consultation(*asked)
        edns = job.query.edns
        around = Around(
            port=job.client[1],
            protocol="tcp" if self._stream else "udp",
            server=self._view.own[0] if self._view.own else "",
            options=() if edns is None or edns.plain else edns.options,
        )
        return Consultation(*asked, around)

    def _go_on(self, job: Job, outcome: Outcome, *, asked: bool = False) -> None:
        """Ask others until there is an answer, and reply."""
        if isinstance(outcome, Answer):
            # What others said may be another thing a moment later.
            self._reply(job, replace(outcome, shared=False) if asked else outcome)
        elif self._hand is not None:  # a worker's: the daemon knows how to ask
            self._hand(job)
        elif self._asker is None:
            self._go_on(job, outcome.then(REFUSED), asked=True)
        else:
            self._ask(self._asker, job, outcome)

    def _ask(self, asker: Asker, job: Job, ask: Ask) -> None:
        edns = job.query.edns
        wish = Wish(
            dnssec_ok=edns is not None and edns.dnssec_ok,
            unchecked=bool(job.query.flags & wire.CD),
            stream=self._stream,
        )

        def then(answer: Answer) -> None:
            self._guarded(job, lambda: self._go_on(job, ask.then(answer), asked=True))

        asker.ask(ask.question, ask.forward, wish, then)

    def _reply(self, job: Job, made: Answer) -> None:
        query, weights = job.query, self._configuration.weights
        if weights is not None:
            from netemu.dns.weighing import weighed  # late: few have weights

            made = weighed(made, weights, self._rng)
        self.observers.walked += made.walked
        keep = made.shared and (query.edns is None or query.edns.plain)
        written = wire.build(query, made, wire.STREAM_LIMIT if self._stream else query.limit)
        ident, asked = job.packet[:ID_OCTETS], job.packet[ID_OCTETS:]
        reply = ident + self.table.put(asked, written, made.parts, keep=keep, source=made.source)
        job.send(reply)
        self._count(query, job.packet, job.client, reply, made.source)
        self._observed(job.packet, job.client, reply, job.started, made.source)

    def _transfer(self, job: Job, send_all: SendAll) -> None:
        from netemu.dns.transfer import transferred  # late: hardly anybody asks

        messages = transferred(self._consultation(job), job.query, job.packet)
        if messages is None:
            self._reply(job, REFUSED)
        else:
            send_all(self._unbroken(messages))

    def _unbroken(self, messages: Iterator[bytes]) -> Iterator[bytes]:
        """Until the first surprise: without the last SOA the client knows that it isn't whole."""
        try:
            yield from messages
        except Exception:
            self._complain()

    def _count(
        self,
        query: wire.Query | None,
        packet: bytes,
        client: Client,
        reply: bytes,
        source: Source,
    ) -> None:
        protocol = "tcp" if self._stream else "udp"
        by_ipv6 = ":" in client[0]
        kind = made_kind(query, len(packet), reply, protocol, source, by_ipv6=by_ipv6)
        self.observers.tallies.of(kind).count += 1

    def _observed(
        self, packet: bytes, client: Client, reply: bytes, started: float, source: Source
    ) -> None:
        observe = self.observers.observe
        if observe is not None:
            protocol, seconds = "tcp" if self._stream else "udp", perf_counter() - started
            address, port = client[:2]
            observe(Observation(address, port, protocol, packet, reply, seconds, source))

    def _complain(self) -> None:
        self.observers.panics += 1
        where = traceback.format_exc(limit=-1)
        if where not in self._complaints and len(self._complaints) < MOST_COMPLAINTS:
            self._complaints.add(where)
            log.exception("a DNS query could not be answered")

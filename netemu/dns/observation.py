"""What was answered, told to whoever listens: metrics and the query log.

Replies that are worked out are told one by one. Those out of the table are told together, as many
as were sent in one go, and counted by the table itself: an addition each. What is told is what is
at hand (octets, not what they mean); whatever costs time is worked out on demand.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from netemu.dns import wire
from netemu.dns.records import Question, Source
from netemu.dns.tallies import Tallies
from netemu.mmsg import peer_at


class Observation(NamedTuple):
    """One query and its reply."""

    client: str
    """The address that asked."""
    port: int
    protocol: str
    """``udp`` or ``tcp``."""
    packet: bytes
    """The query as it came."""
    reply: bytes
    """The reply as it was sent."""
    seconds: float
    """From having read the query to having sent the reply."""
    source: Source

    @property
    def question(self) -> Question | None:
        """What was asked; None if the query couldn't be read."""
        try:
            return wire.parse(self.packet).question
        except (wire.Malformed, wire.Unanswerable):
            return None

    @property
    def rcode(self) -> int:
        """The response code; of an extended one the low four bits."""
        return self.reply[3] & 0xF

    @property
    def size(self) -> int:
        """Octets of the reply."""
        return len(self.reply)


class Batch(NamedTuple):
    """Replies out of the table that were sent together, over UDP."""

    seconds: float
    """From having read the first query to having sent the last reply."""
    queries: Sequence[bytes]
    """Without their ids."""
    replies: Sequence[bytes]
    """Without their ids, in the order of the queries."""
    clients: bytes
    """Socket addresses, `ADDRESS_OCTETS` apart."""

    def observations(self) -> Iterator[Observation]:
        """One by one."""
        for number, (query, reply) in enumerate(zip(self.queries, self.replies, strict=True)):
            client, port = peer_at(self.clients, number)[:2]
            packet, whole = b"\0\0" + query, b"\0\0" + reply
            yield Observation(client, port, "udp", packet, whole, self.seconds, Source.KEPT)


class Exchanged(NamedTuple):
    """One question put to another server."""

    server: tuple[str, int]
    rcode: int | None
    """None: no answer."""
    seconds: float
    protocol: str = "udp"
    """Or ``tcp`` or ``tcp-tls``."""


Observe: TypeAlias = Callable[[Observation], None]
ObserveBatch: TypeAlias = Callable[[Batch], None]
ObserveExchange: TypeAlias = Callable[[Exchanged], None]


class Observers:
    """Those who want to know; `observe` and `observe_batch` are None while there is nobody."""

    def __init__(self) -> None:
        self.observe: Observe | None = None
        self.observe_batch: ObserveBatch | None = None
        self.panics = 0
        """Exceptions that were answered SERVFAIL."""
        self.walked = 0
        """Answers of names further down a search list."""
        self.tallies = Tallies()
        """Replies by their kind."""
        self._listeners: list[tuple[Observe, ObserveBatch]] = []
        self._exchange_listeners: list[ObserveExchange] = []

    def subscribe(
        self, listener: Observe, of_batches: ObserveBatch | None = None
    ) -> Callable[[], None]:
        """Call `listener` for each reply, from the event loop: it must not block or raise. With
        `of_batches` those out of the table are told to that one, together. The result ends it.
        """
        both = listener, of_batches or _one_by_one(listener)
        self._listeners.append(both)
        self._choose()

        def leave() -> None:
            self._listeners.remove(both)
            self._choose()

        return leave

    def subscribe_exchanges(self, listener: ObserveExchange) -> Callable[[], None]:
        """The same for questions put to other servers."""
        self._exchange_listeners.append(listener)
        return lambda: self._exchange_listeners.remove(listener)

    def exchanged(self, exchange: Exchanged) -> None:
        """Tell of one."""
        for listener in tuple(self._exchange_listeners):
            listener(exchange)

    def _choose(self) -> None:
        match tuple(self._listeners):
            case ():
                self.observe = self.observe_batch = None
            case ((observe, observe_batch),):
                self.observe, self.observe_batch = observe, observe_batch
            case several:
                self.observe = lambda seen: _tell([one for one, _ in several], seen)
                self.observe_batch = lambda seen: _tell([many for _, many in several], seen)


def _one_by_one(listener: Observe) -> ObserveBatch:
    def listen(batch: Batch) -> None:
        for observation in batch.observations():
            listener(observation)

    return listen


def _tell(listeners: Sequence[Callable[..., None]], seen: Observation | Batch) -> None:
    for listener in listeners:
        listener(seen)

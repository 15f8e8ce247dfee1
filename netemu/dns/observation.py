"""What was answered, told to whoever listens: metrics and the query log.

An `Observation` is made once for each reply that is sent and only while somebody listens, so it
holds what is at hand (octets, not what they mean); whatever costs time is worked out on demand.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from netemu.dns import wire
from netemu.dns.records import Question, Source

Octets: TypeAlias = bytes | bytearray


class Observation(NamedTuple):
    """One query and its reply."""

    client: str
    """The address that asked."""
    port: int
    protocol: str
    """``udp`` or ``tcp``."""
    packet: bytes
    """The query as it came."""
    reply: Octets
    """The reply as it was sent. It changes after the call: copy what is to be kept."""
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

    @property
    def dnssec_ok(self) -> bool:
        """Whether DNSSEC records were asked for."""
        try:
            edns = wire.parse(self.packet).edns
        except (wire.Malformed, wire.Unanswerable):
            return False
        return edns is not None and edns.dnssec_ok


class Exchanged(NamedTuple):
    """One question put to another server."""

    server: tuple[str, int]
    rcode: int | None
    """None: no answer."""
    seconds: float


Observe: TypeAlias = Callable[[Observation], None]
ObserveExchange: TypeAlias = Callable[[Exchanged], None]


class Observers:
    """Those who want to know; `observe` is None while there is nobody."""

    def __init__(self) -> None:
        self.observe: Observe | None = None
        self._listeners: list[Observe] = []
        self._exchange_listeners: list[ObserveExchange] = []

    def subscribe(self, listener: Observe) -> Callable[[], None]:
        """Call `listener` for each reply, from the event loop: it must not block or raise. The
        result ends that.
        """
        self._listeners.append(listener)
        self._choose()

        def leave() -> None:
            self._listeners.remove(listener)
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
                self.observe = None
            case (only,):
                self.observe = only
            case several:
                self.observe = lambda observation: _tell(several, observation)


def _tell(listeners: tuple[Observe, ...], observation: Observation) -> None:
    for listener in listeners:
        listener(observation)

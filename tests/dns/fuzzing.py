"""One round of fuzzing: octets in, and what must hold of what comes out.

The octets are a query, then what another server says to it. A surprise inside the server, which it
would answer SERVFAIL and log, is an error here.
"""

from collections.abc import Callable, Iterator
from typing import NoReturn

from netemu.dns import wire
from netemu.dns.answer import FAILED, Answer
from netemu.dns.foreign import Unreadable, read
from netemu.dns.forwarding import Forward
from netemu.dns.outcome import Wish
from netemu.dns.records import Question
from netemu.dns.responder import Responder
from tests.dns.cluster import CLIENT, responder

COREFILE = """. {
    rewrite name suffix .short .default.svc.cluster.local
    rewrite continue ttl suffix .local 1-3
    autopath @kubernetes
    template IN A tpl {
        match "^ip-(?P<n>[0-9]{1,3})[.]tpl[.]$"
        answer "{{ .Name }} 60 IN A 10.0.0.1"
        fallthrough
    }
    hosts /etc/hosts {
        192.0.2.1 static.example
        fallthrough
    }
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods verified
        fallthrough in-addr.arpa ip6.arpa
    }
    transfer cluster.local {
        to *
    }
    forward . 192.0.2.53
    cache 30
    loadbalance
}"""


class Strict(Responder):
    """Lets surprises out."""

    def _complain(self) -> NoReturn:
        raise


class Echo:
    """Another server that says the octets it was given."""

    def __init__(self) -> None:
        self.says = b""

    def ask(
        self, question: Question, forward: Forward, wish: Wish, then: Callable[[Answer], None]
    ) -> None:
        try:
            then(read(self.says).answer)
        except Unreadable:
            then(FAILED)


class Round:
    """A server over both transports, that is used again for each round."""

    def __init__(self) -> None:
        self._echo = Echo()
        self._responders = [
            responder(corefile=COREFILE, asker=self._echo, stream=stream)
            for stream in (False, True)
        ]
        for one in self._responders:
            one.__class__ = Strict

    def play(self, octets: bytes) -> None:
        """Raises if anything that must hold doesn't."""
        size = octets[0] if octets else 0
        query, self._echo.says = octets[1 : 1 + size], octets[1 + size :]
        for stream, one in enumerate(self._responders):
            replies: list[bytes] = []

            def send(reply: bytes, sent: list[bytes] = replies) -> None:
                sent.append(bytes(reply))

            def send_all(messages: Iterator[bytes], sent: list[bytes] = replies) -> None:
                sent.extend(messages)

            for _ in range(2):  # the second one may be kept
                one.handle(query, CLIENT, send, send_all if stream else None)
            for reply in replies:
                check(query, reply, stream=bool(stream))
            several = bool(stream) and len(replies) > 2
            assert several or len(replies) in (0, 2), "one reply to each query, or none"


def check(query: bytes, reply: bytes, *, stream: bool) -> None:
    """What holds of every reply."""
    assert not query[2] & 0x80, "a reply to a reply"
    assert reply[2] & 0x80, "a reply that isn't one"
    assert reply[:2] == query[:2], "a reply to somebody else"
    assert len(reply) <= limit_of(query, stream=stream), "a reply that is too long"


def limit_of(query: bytes, *, stream: bool) -> int:
    if stream:
        return wire.STREAM_LIMIT
    try:
        return wire.parse(query).limit
    except wire.Malformed:
        return wire.PLAIN_LIMIT

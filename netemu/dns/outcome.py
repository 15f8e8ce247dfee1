"""What comes of a question: an answer, or first something to ask of others.

Pure: whoever drives an `Outcome` asks what it says and goes on with `then`, until there is an
answer. So rules that must see another server's answer (rewriting it back, the next step of a
search list) stay functions from values to values.
"""

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from netemu.dns.answer import REFUSED, Answer
from netemu.dns.forwarding import Forward
from netemu.dns.records import EdnsOption, Question


class Wish(Struct, frozen=True):
    """How a client asks, as far as other servers are told."""

    dnssec_ok: bool = False
    unchecked: bool = False
    """CD: the client checks for itself."""
    stream: bool = False
    """It came by TCP."""


class Ask(Struct, frozen=True):
    """Something that others know."""

    question: Question
    forward: Forward
    then: "Callable[[Answer], Outcome]"
    """How it goes on with their answer."""


Outcome: TypeAlias = Answer | Ask


class Around(Struct, frozen=True, kw_only=True):
    """What a rule may want to know besides the question."""

    client: str = ""
    """The address that asks; "" when nobody does."""
    port: int = 0
    protocol: str = "udp"
    server: str = ""
    server_port: int = 53
    """Where it was asked."""
    options: tuple[EdnsOption, ...] = ()
    """Of the client's OPT record."""
    lookup: "Callable[[Question], Outcome]" = lambda _: REFUSED
    """What the server would say to another question."""


def followed(outcome: Outcome, then: Callable[[Answer], Outcome]) -> Outcome:
    """`outcome`, and what `then` makes of its answer."""
    if isinstance(outcome, Answer):
        return then(outcome)
    earlier = outcome.then
    return Ask(outcome.question, outcome.forward, lambda answer: followed(earlier(answer), then))

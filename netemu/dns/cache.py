"""Answers of others, kept for as long as they say and we allow; never one of the cluster's.

An answer to the asked type and a denial live in tables of their own, so that a flood of names that
don't exist (search lists make them) drives out no address. As in CoreDNS all TTLs of an answer are
the time it has left.
"""

from collections import OrderedDict
from collections.abc import MutableMapping
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from netemu.clock import Clock
from netemu.dns import forwarding
from netemu.dns.answer import Answer
from netemu.dns.records import (
    EdnsOption,
    Name,
    Question,
    Rcode,
    Record,
    Source,
    Type,
    Wire,
    lowered,
    within,
)

Key: TypeAlias = tuple[Name, int, bool, bool, tuple[EdnsOption, ...]]
"""Name, type, DO, CD and options: what makes another answer of the same server."""


class Kept(Struct, frozen=True):
    """One answer."""

    answer: Answer
    since: float
    lifetime: float


class Popularity(Struct):
    """How often an answer was asked for without a long gap."""

    count: int = 0
    last: float = 0.0


LAST_SECOND = 1.0
"""Of its time, in which a popular answer is asked for anew however short that is."""


class Cache:
    """The answers of one `Forward`."""

    def __init__(
        self, rules: forwarding.Cache, clock: Clock, counts: MutableMapping[str, int] | None = None
    ) -> None:
        self._counts = {} if counts is None else counts
        self._rules = rules
        self._clock = clock
        self._answers: OrderedDict[Key, Kept] = OrderedDict()
        self._denials: OrderedDict[Key, Kept] = OrderedDict()
        self._popular: dict[Key, Popularity] = {}
        """Of answers that are kept; only while they are fetched before their end."""

    def __len__(self) -> int:
        return len(self._answers) + len(self._denials)

    @property
    def sizes(self) -> tuple[int, int]:
        """How many answers and denials are kept."""
        return len(self._answers), len(self._denials)

    def get(self, key: Key, *, stale: bool = False) -> Answer | None:
        """The answer, its TTLs counted down; with `stale` also one whose time is over."""
        past = self._rules.stale.seconds if self._rules.stale else 0
        for kept_in in (self._answers, self._denials):
            kept = kept_in.get(key)
            if kept is None:
                continue
            left = kept.lifetime - (self._clock.monotonic() - kept.since)
            if left > 0:
                kept_in.move_to_end(key)
                return self._told(kept.answer, left if self._rules.count_down else kept.lifetime)
            if self._rules.stale and left > -past:
                if stale:
                    return self._told(kept.answer, self._rules.stale.ttl)
                if self._rules.stale.prefer_positive and kept_in is self._answers:
                    return None  # rather than the denial that came since
            if left <= -past:
                del kept_in[key]
                self._popular.pop(key, None)
        return None

    def is_due(self, key: Key) -> bool:
        """Whether the answer, which was just asked for, is to be fetched before its end."""
        prefetch, kept = self._rules.prefetch, self._answers.get(key)
        if prefetch is None or kept is None:
            return False
        now, popular = self._clock.monotonic(), self._popular.setdefault(key, Popularity())
        popular.count = popular.count + 1 if now - popular.last <= prefetch.gap else 1
        popular.last = now
        left = kept.lifetime - (now - kept.since)
        early = left <= max(LAST_SECOND, kept.lifetime * prefetch.percent / 100)
        return early and popular.count >= prefetch.amount

    def put(self, key: Key, answer: Answer) -> Answer:
        """Keep `answer` if it may be, and give it as it is told from now on."""
        lifetime = self._lifetime(key[0], answer)
        if not lifetime:
            return answer
        positive = answer.rcode is Rcode.NOERROR and bool(answer.records)
        stale = self._rules.stale
        if positive:
            self._denials.pop(key, None)
            self._place(self._answers, self._rules.entries, "success", key, answer, lifetime)
        else:
            if stale is None or not stale.prefer_positive:
                self._answers.pop(key, None)
            self._place(self._denials, self._rules.denials, "denial", key, answer, lifetime)
        return replace(self._told(answer, lifetime), source=answer.source)

    def _place(
        self,
        kept_in: "OrderedDict[Key, Kept]",
        most: int,
        kind: str,
        key: Key,
        answer: Answer,
        lifetime: float,
    ) -> None:
        kept_in[key] = Kept(answer, self._clock.monotonic(), lifetime)
        kept_in.move_to_end(key)
        if len(kept_in) > most:
            oldest, _ = kept_in.popitem(last=False)
            self._popular.pop(oldest, None)
            self._count(f"evicted {kind}")

    def _count(self, what: str) -> None:
        self._counts[what] = self._counts.get(what, 0) + 1

    def _told(self, answer: Answer, left: float) -> Answer:
        ttl = max(0, int(left))

        def told(records: tuple[Record, ...]) -> tuple[Record, ...]:
            return tuple(replace(record, ttl=ttl) for record in records)

        return replace(
            answer,
            records=told(answer.records),
            authority=told(answer.authority),
            additional=told(answer.additional),
            source=Source.CACHE,
        )

    def _lifetime(self, name: Name, answer: Answer) -> float:
        """Seconds; 0: it may not be kept."""
        rules = self._rules
        if answer.truncated or not any(within(name, zone) for zone in rules.zones):
            return 0
        if answer.rcode is Rcode.SERVFAIL:
            return rules.failure
        if answer.rcode is Rcode.NOERROR and answer.records:
            ttl = min(record.ttl for record in answer.records)
            kept = not any(within(name, zone) for zone in rules.no_success)
            return min(max(ttl, rules.least), rules.success) if kept else 0
        if answer.rcode in (Rcode.NOERROR, Rcode.NXDOMAIN):
            kept = not any(within(name, zone) for zone in rules.no_denial)
            denied = denial_ttl(answer)
            if not kept or denied is None:
                return 0
            return min(max(denied, rules.least_denial), rules.denial)
        return 0


def denial_ttl(answer: Answer) -> int | None:
    """Seconds that a denial holds: the SOA's TTL or minimum, the lesser (RFC 2308 §5); None without
    an SOA, which must not be kept.
    """
    for record in answer.authority:
        if record.type == Type.SOA and isinstance(record.data, Wire):
            return min(record.ttl, int.from_bytes(record.data[-4:], "big"))
    return None


def key_of(question: Question, *, dnssec_ok: bool, unchecked: bool) -> Key:
    """What an answer is kept under."""
    return lowered(question.name), question.type, dnssec_ok, unchecked, question.options

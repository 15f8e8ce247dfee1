"""Names of others, asked of other servers: which of them, how long, and what of it is kept.

A server that failed several times in a row is asked after the others until a while has passed. The
same question of several clients goes out once. Everything is bounded: questions under way by
``max_concurrent``, tries and time by the constants here, memory by the cache's rules. A loop (an
other server that asks us) is found with a name nobody else knows, as by CoreDNS' ``loop``; not
before the first real question, so that nothing leaves the machine unasked.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, assert_never

from msgspec import Struct, field
from msgspec.structs import replace

from netemu.clock import Clock
from netemu.dns.answer import FAILED, REFUSED, Answer
from netemu.dns.chain import Configuration
from netemu.dns.forwarding import Address, Forward, Policy, Stale
from netemu.dns.observation import Exchanged, Observers
from netemu.dns.outcome import Wish
from netemu.dns.records import Name, Question, Rcode, Record, Type, lowered
from netemu.tasks import Tasks

if TYPE_CHECKING:  # what only asking needs is imported with the first question
    from netemu.dns.cache import Cache, Key
    from netemu.model.sockets import Connector

log = logging.getLogger(__name__)

ALL_SECONDS = 5.0
"""For all tries, before the client is told SERVFAIL (CoreDNS' deadline)."""
ROUNDS = 2
"""Times each server is tried for one question: a datagram may get lost."""
DOWN_SECONDS = 0.5
"""A server that failed too often comes last for so long (CoreDNS' period of health checks)."""
LOOP_SECONDS = 30.0
"""Nothing is forwarded for so long after a loop was found; then it may have been mended."""

MOST_RECHECKS = 10_000
"""Failures remembered; all are forgotten when there are more."""

Then: TypeAlias = Callable[[Answer], None]
Tell: TypeAlias = Callable[[str, str], None]
"""Told what users should know of: a reason in CamelCase, and a message."""


class Health(Struct):
    """Of one server."""

    failures: int = 0
    """In a row."""
    down_until: float = 0.0


class Group(Struct, eq=False):
    """What is known of the servers of one `Forward`."""

    forward: Forward
    cache: "Cache | None"
    health: dict[Address, Health]
    flights: "dict[tuple[Key, Wish], list[tuple[Name, Then]]]" = field(default_factory=dict)
    """Who waits for a question that is under way, and how each spells it."""
    waiting: int = 0
    turn: int = -1
    rejected: int = 0
    """Refused because too many waited."""
    rechecks: "dict[Key, float]" = field(default_factory=dict)
    """When an answer that is past its time may be asked for again, after that failed."""
    probed: bool = False
    looped_until: float = 0.0


class Forwarder:
    """Asks other servers for all listeners."""

    def __init__(
        self,
        connector: "Connector",
        rng: random.Random,
        tasks: Tasks,
        clock: Clock,
        *,
        observers: Observers | None = None,
        tell: Tell | None = None,
    ) -> None:
        self._connector = connector
        self._rng = rng
        self._tasks = tasks
        self._clock = clock
        self._observers = observers or Observers()
        self._tell = tell
        self._groups: dict[Forward, Group] = {}
        self._probes: dict[Name, Group] = {}
        self.counts = Counter[str]()
        """What the caches did: evictions, answers past their time, early fetches; and how often
        all servers were down. They outlive the groups.
        """

    @property
    def groups(self) -> tuple[Group, ...]:
        """All that were asked so far under this configuration; for metrics."""
        return tuple(self._groups.values())

    def configure(self, configuration: Configuration) -> None:
        """Drop what is known of servers that the configuration no longer names."""
        kept = {forward for block in configuration.blocks for forward in block.forwards}
        self._groups = {key: group for key, group in self._groups.items() if key in kept}

    def ask(self, question: Question, forward: Forward, wish: Wish, then: Then) -> None:
        """Call `then` with the answer, now if it is known or refused, else later."""
        from netemu.dns.cache import key_of

        group = self._group(forward)
        key = key_of(question, dnssec_ok=wish.dnssec_ok, unchecked=wish.unchecked)
        known = self._known(group, key)
        if known is not None:
            then(_respelled(known, question.name))
            if group.cache is not None and group.cache.is_due(key):
                self.counts["prefetch"] += (key, wish) not in group.flights
                self._refresh(group, key, wish, question)
            return
        stale = self._stale(group, key, wish, question)
        if stale is not None:
            then(_respelled(stale, question.name))
            return
        if group.waiting >= forward.max_concurrent:
            group.rejected += 1
            then(REFUSED)
            return
        group.waiting += 1
        waiting = group.flights.get((key, wish))
        if waiting is None:
            waiting = self._refresh(group, key, wish, question)
        waiting.append((question.name, self._in_time(group, key, then)))

    def _refresh(
        self, group: Group, key: "Key", wish: Wish, question: Question
    ) -> list[tuple[Name, Then]]:
        """Ask, if that isn't under way; who waits for the answer."""
        waiting = group.flights.get((key, wish))
        if waiting is None:
            waiting = group.flights[key, wish] = []
            self._tasks.start(self._fly(group, key, wish, question), name="dns forward")
        return waiting

    def _stale(self, group: Group, key: "Key", wish: Wish, question: Question) -> Answer | None:
        """An answer past its time that serves at once."""
        rules = group.forward.cache.stale if group.forward.cache else None
        if rules is None or group.cache is None:
            return None
        stale = group.cache.get(key, stale=True)
        if stale is None:
            return None
        busy = rules.recheck and (key, wish) in group.flights
        if not busy and self._clock.monotonic() >= group.rechecks.get(key, 0):
            if rules.verified:
                return None
            self._refresh(group, key, wish, question)
        self.counts["stale"] += 1
        return stale

    def _in_time(self, group: Group, key: "Key", then: Then) -> Then:
        """`then`, called with an answer past its time if the servers take too long."""
        rules = group.forward.cache.stale if group.forward.cache else None
        stale = group.cache.get(key, stale=True) if rules and group.cache else None
        if rules is None or stale is None or not rules.timeout:
            return then
        called = False

        def once(answer: Answer) -> None:
            nonlocal called
            if not called:
                called = True
                then(answer)

        async def late() -> None:
            await self._clock.sleep(rules.timeout)
            self.counts["stale"] += not called
            once(stale)

        self._tasks.start(late(), name="dns stale answer")
        return once

    def _group(self, forward: Forward) -> Group:
        from netemu.dns.cache import Cache

        group = self._groups.get(forward)
        if group is None:
            cache = Cache(forward.cache, self._clock, self.counts) if forward.cache else None
            health = {server: Health() for server in forward.servers}
            group = self._groups[forward] = Group(forward, cache, health)
        return group

    def _known(self, group: Group, key: "Key") -> Answer | None:
        if key[0] in self._probes:
            self._found_loop(self._probes[key[0]])
            return FAILED
        if group.looped_until > self._clock.monotonic():
            return FAILED
        if group.forward.check_loops and not group.probed:
            group.probed = True
            self._tasks.start(self._probe(group), name="dns loop probe")
        return group.cache.get(key) if group.cache else None

    async def _fly(self, group: Group, key: "Key", wish: Wish, question: Question) -> None:
        waiting: list[tuple[Name, Then]] = []
        try:
            answer = await self._resolved(group, question, wish)
        finally:
            waiting = group.flights.pop((key, wish))
            group.waiting -= len(waiting)
        if group.cache is not None:
            answer = self._kept(group, key, answer)
        for name, then in waiting:
            then(_respelled(answer or FAILED, name))

    def _kept(self, group: Group, key: "Key", answer: Answer | None) -> Answer | None:
        """What is told: the answer, or one past its time if the servers have failed."""
        assert group.cache is not None  # as the caller looked
        rules = group.forward.cache.stale if group.forward.cache else None
        failed = answer is None or answer.rcode is Rcode.SERVFAIL
        stale = group.cache.get(key, stale=True) if failed or is_preferred(rules, answer) else None
        group.rechecks.pop(key, None)
        if failed and rules is not None and rules.recheck and stale is not None:
            if len(group.rechecks) >= MOST_RECHECKS:
                group.rechecks.clear()
            group.rechecks[key] = self._clock.monotonic() + rules.recheck
        if stale is not None:
            self.counts["stale"] += 1
        kept = None if answer is None or (failed and stale) else group.cache.put(key, answer)
        return stale or kept

    async def _resolved(self, group: Group, question: Question, wish: Wish) -> Answer | None:
        """What the first server that answers says; None if none does in time."""
        forward = group.forward
        by_stream = forward.force_tcp or (wish.stream and not forward.prefer_udp)
        last, answered = None, set[Address]()
        try:
            async with asyncio.timeout(ALL_SECONDS):
                for server in self._to_try(group):
                    answer = await self._tried(group, server, question, wish, by_stream=by_stream)
                    if answer is None:
                        continue
                    if answer.rcode not in forward.failover or server in answered:
                        return answer
                    last = answer
                    answered.add(server)
        except TimeoutError:
            pass
        return last

    async def _tried(
        self, group: Group, server: Address, question: Question, wish: Wish, *, by_stream: bool
    ) -> Answer | None:
        from netemu.dns.exchange import ask

        health, started = group.health[server], self._clock.monotonic()
        secured = group.forward.tls_of(server)
        protocol = "tcp" if by_stream else "udp"
        if secured is not None:
            protocol = "https" if secured.https else "tcp-tls"
        try:
            async with asyncio.timeout(group.forward.read_seconds):
                answer = await ask(
                    self._connector,
                    server,
                    question,
                    wish,
                    self._rng,
                    by_stream=by_stream,
                    tls=secured,
                    source=group.forward.source,
                )
        except OSError:  # unreachable, or too late
            health.failures += 1
            most = group.forward.max_fails
            if most and health.failures >= most:
                health.down_until = self._clock.monotonic() + DOWN_SECONDS
            seconds = self._clock.monotonic() - started
            self._observers.exchanged(Exchanged(server, None, seconds, protocol))
            return None
        health.failures = 0
        seconds = self._clock.monotonic() - started
        self._observers.exchanged(Exchanged(server, int(answer.rcode), seconds, protocol))
        return answer

    def _to_try(self, group: Group) -> list[Address]:
        """Each server as often as it is tried for one question."""
        forward, now = group.forward, self._clock.monotonic()
        down = all(health.down_until > now for health in group.health.values())
        self.counts["broken"] += down
        if forward.fail_fast and down:
            return []
        tries = self._in_turn(group) * ROUNDS
        return tries[: forward.attempts] if forward.attempts else tries

    def _in_turn(self, group: Group) -> list[Address]:
        """The servers in the order of the policy, those that are down after the others."""
        servers = list(group.forward.servers)
        match group.forward.policy:
            case Policy.RANDOM:
                self._rng.shuffle(servers)
            case Policy.ROUND_ROBIN:
                group.turn = (group.turn + 1) % len(servers)
                servers = servers[group.turn :] + servers[: group.turn]
            case Policy.SEQUENTIAL:
                pass
            case _:
                assert_never(group.forward.policy)
        now = self._clock.monotonic()
        return sorted(servers, key=lambda server: group.health[server].down_until > now)

    async def _probe(self, group: Group) -> None:
        """Ask each server for a name that nobody else would: if we are asked for it, it loops."""
        labels = (str(self._rng.getrandbits(63)).encode() for _ in range(2))
        question = Question((*labels, *group.forward.origin), Type.HINFO)
        self._probes[question.name] = group
        try:
            for server in group.forward.servers:
                await self._tried(group, server, question, Wish(), by_stream=False)
        finally:
            del self._probes[question.name]

    def _found_loop(self, group: Group) -> None:
        now = self._clock.monotonic()
        if group.looped_until <= now:
            servers = " ".join(f"{address}:{port}" for address, port in group.forward.servers)
            message = f"Loop detected: {servers} sends what it is asked back to this server"
            log.error("%s", message)
            if self._tell is not None:
                self._tell("DNSLoop", message)
        group.looped_until = now + LOOP_SECONDS
        group.probed = False


def is_preferred(rules: Stale | None, answer: Answer | None) -> bool:
    """Whether an answer past its time is told rather than `answer`, which has no records."""
    return rules is not None and rules.prefer_positive and not (answer and answer.records)


def _respelled(answer: Answer, name: Name) -> Answer:
    """The answer with owners in the spelling of the question."""
    low = lowered(name)
    if not any(record.owner != name and lowered(record.owner) == low for record in answer.records):
        return answer

    def respell(record: Record) -> Record:
        return replace(record, owner=name) if lowered(record.owner) == low else record

    return replace(answer, records=tuple(map(respell, answer.records)))

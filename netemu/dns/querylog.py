"""The query log: what was asked lately and what was answered, bounded in memory, always on.

Noting a reply appends one tuple, and replies that were sent together are noted together. What it
means is worked out when somebody reads, a chunk at a time, so that a reader never holds up the
answers: `QueryLog.read` takes and gives a cursor.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

from netemu.dns import foreign
from netemu.dns.observation import Batch, Observation, Octets, peer_at
from netemu.dns.presentation import data_line, rcode_name, shown, type_name
from netemu.dns.records import Name, Question, Source, lowered
from netemu.dns.searching import Searching, SearchStep, pod_list
from netemu.dns.zonefile import octets_of
from netemu.model.latest import Latest
from netemu.model.service import PodAddress
from netemu.model.snapshot import Snapshot

MOST_ENTRIES: Final = 10_000
"""Replies kept; half a kilobyte each."""
LONGEST: Final = 1232
"""Octets kept of a query or a reply (what passes unfragmented); of a longer one no answers."""
TRUNCATED: Final = 0x02
"""TC, in the third octet."""
MOST_MARKS: Final = 256
"""Changes of pods remembered, so that an address keeps the name that it had then."""
CHUNK: Final = 50
"""Entries that are worked out in one turn of the loop; a millisecond or two."""
LOOKED_THROUGH: Final = 500
"""Entries that are looked through in one turn for those that were asked for."""
LOOK_BACK: Final = 100
"""Entries before the first one read that may have begun a walk through a search list."""


Moment: TypeAlias = tuple[float, str, float, Source, bytes]
"""Of one reply or several: when, protocol, seconds, source, and the clients' socket addresses."""
Raw: TypeAlias = tuple[bytes, Octets, str | int, Moment]
"""Query and reply, the client's address or its place in the moment's, and the moment; those of a
batch are without ids.
"""
NO_ID: Final = b"\0\0"


class Noted(NamedTuple):
    """One reply as it is looked at."""

    number: int
    time: float
    client: str
    protocol: str
    packet: bytes
    reply: bytes
    seconds: float
    source: Source

    @property
    def question(self) -> Question | None:
        """What was asked; None if the query couldn't be read."""
        return Observation(
            self.client, 0, self.protocol, self.packet, self.reply, self.seconds, self.source
        ).question


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One reply as it is read."""

    number: int
    time: float
    client: str
    pod: str
    """NAMESPACE/NAME, "" if no pod had the address then."""
    protocol: str
    name: str
    type: str
    rcode: str
    answers: tuple[str, ...]
    cut: bool
    """Not all answers are here: the reply was truncated, or is kept in part."""
    micros: int
    source: str
    search: SearchStep | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries to read."""

    query: Name = ()
    """A name, lowered: what begins with it, so also with a search domain behind it."""
    pod: str = ""
    """NAMESPACE/NAME."""


EVERYTHING: Final = Wanted()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a reader gets."""

    entries: tuple[Entry, ...]
    cursor: int
    """Where to go on."""
    more: bool
    """There are entries behind the cursor already."""
    missed: int
    """Entries that were pushed out before they could be read."""


class QueryLog:
    """The latest replies."""

    def __init__(
        self,
        latest: Latest[Snapshot],
        zone: Name,
        now: Callable[[], float],
        size: int = MOST_ENTRIES,
    ) -> None:
        self._zone = zone
        self._now = now
        self._noted: deque[Raw] = deque(maxlen=size)
        self._next = 0
        """The number of the next reply."""
        self._marks = deque([(0, latest.value.pods)], maxlen=MOST_MARKS)

    def observe(self, seen: Observation) -> None:
        """Note one reply."""
        packet, reply = seen.packet[:LONGEST], seen.reply[:LONGEST]
        moment = self._now(), seen.protocol, seen.seconds, seen.source, b""
        self._noted.append((packet, reply, seen.client, moment))
        self._next += 1

    def observe_batch(self, batch: Batch) -> None:
        """Note several; they are no longer than `LONGEST` by nature."""
        moment = self._now(), "udp", batch.seconds, Source.KEPT, batch.clients
        count = len(batch.queries)
        self._noted.extend(zip(batch.queries, batch.replies, range(count), repeat(moment)))
        self._next += count

    def follow(self, snapshot: Snapshot) -> None:
        """Remember who has which address from now on."""
        if snapshot.pods is not self._marks[-1][1]:
            self._marks.append((self._next, snapshot.pods))

    def before(self, count: int) -> int:
        """The cursor from which `count` entries can be read now."""
        return max(0, self._next - count)

    def read(self, cursor: int, wanted: Wanted = EVERYTHING) -> Page:
        """Some of the entries from `cursor` on."""
        end = self._next
        first = end - len(self._noted)
        start = min(max(cursor, first), end)
        stop = min(start + LOOKED_THROUGH, end)
        earliest = max(first, start - LOOK_BACK)
        raws = islice(self._noted, earliest - first, stop - first)
        window = [_noted(earliest + at, raw) for at, raw in enumerate(raws)]
        found = [noted for noted in window[start - earliest :] if self._is_wanted(noted, wanted)]
        if len(found) > CHUNK:
            del found[CHUNK:]
            stop = found[-1].number + 1
        return Page(
            entries=tuple(self._entries(window, found)),
            cursor=stop,
            more=stop < end,
            missed=max(0, first - cursor),
        )

    def _is_wanted(self, noted: Noted, wanted: Wanted) -> bool:
        if wanted.pod and self._pod(noted) != wanted.pod:
            return False
        labels = octets_of(wanted.query)[:-1]
        return noted.packet[12 : 12 + len(labels)].lower() == labels

    def _pod(self, noted: Noted) -> str:
        pod = self._holder(noted)
        return f"{pod.namespace}/{pod.name}" if pod else ""

    def _holder(self, noted: Noted) -> PodAddress | None:
        """The pod that had the client's address then."""
        at = bisect_right(self._marks, noted.number, key=itemgetter(0))
        return self._marks[max(0, at - 1)][1].get(noted.client)

    def _entries(self, window: Sequence[Noted], found: Sequence[Noted]) -> Iterator[Entry]:
        """The entries, told apart from their neighbours of the same clients."""
        clients = {noted.client for noted in found}
        wanted = {noted.number for noted in found}
        searching = Searching()
        for noted in window:
            if noted.client not in clients or (found and noted.number > found[-1].number):
                continue
            question, pod = noted.question, self._holder(noted)
            step = None
            if question is not None and pod is not None:
                name, search = lowered(question.name), pod_list(pod.namespace, self._zone)
                step = searching.step(noted.time, noted.client, question.type, name, search)
            if noted.number in wanted:
                yield _entry(noted, question, self._pod(noted), step)


def _noted(number: int, raw: Raw) -> Noted:
    packet, reply, client, (time, protocol, seconds, source, clients) = raw
    if isinstance(client, int):
        packet, reply = NO_ID + packet, NO_ID + reply
        client = peer_at(clients, client)[0]
    return Noted(number, time, client, protocol, packet, bytes(reply), seconds, source)


def _entry(noted: Noted, question: Question | None, pod: str, step: SearchStep | None) -> Entry:
    answers, cut = _answers(noted.reply)
    return Entry(
        number=noted.number,
        time=noted.time,
        client=noted.client,
        pod=pod,
        protocol=noted.protocol,
        name=shown(question.name) if question else "",
        type=type_name(question.type) if question else "",
        rcode=rcode_name(noted.reply[3] & 0xF),
        answers=answers,
        cut=cut,
        micros=round(noted.seconds * 1e6),
        source=str(noted.source),
        search=step,
    )


def _answers(reply: bytes) -> tuple[tuple[str, ...], bool]:
    """The data of the answer section, and whether there is more of it than that."""
    truncated = bool(reply[2] & TRUNCATED)
    if not int.from_bytes(reply[6:8], "big"):
        return (), truncated
    try:
        records = foreign.read(reply).answer.records
    except foreign.Unreadable:  # only a part of it was kept
        return (), True
    return tuple(map(data_line, records)), truncated

"""The query log: what was asked lately and what was answered, bounded in memory, always on.

Replies that were sent together are noted together, as one tuple. What they mean is worked out when
somebody reads (see `logentries`), a chunk at a time, so that a reader never holds up the answers.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Final, NamedTuple

from netemu.dns.observation import Batch, Observation
from netemu.dns.records import Name, Question, Source
from netemu.mmsg import peer_at
from netemu.model.latest import Latest
from netemu.model.service import PodAddress
from netemu.model.snapshot import Snapshot

MOST_ENTRIES: Final = 10_000
"""Replies kept; less than half a kilobyte each, where the table of replies doesn't hold them."""
LONGEST: Final = 1232
"""Octets kept of a query or a reply (what passes unfragmented); of a longer one no answers."""
MOST_MARKS: Final = 256
"""Changes of pods remembered, so that an address keeps the name that it had then."""


class Moment(NamedTuple):
    """Replies that were sent together, as they are kept."""

    first: int
    """The number of the first one."""
    time: float
    protocol: str
    seconds: float
    source: Source
    queries: Sequence[bytes]
    replies: Sequence[bytes]
    clients: str | bytes
    """The address of the only one, or socket addresses; then queries and replies are without ids.
    """

    @property
    def end(self) -> int:
        """The number after the last one."""
        return self.first + len(self.queries)

    def noted(self, number: int) -> "Noted":
        """One of them."""
        at = number - self.first
        packet, reply, client = self.queries[at], self.replies[at], self.clients
        if isinstance(client, bytes):
            packet, reply = NO_ID + packet, NO_ID + reply
            client = peer_at(client, at)[0]
        about = self.time, client, self.protocol, packet, reply, self.seconds, self.source
        return Noted(number, *about)


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


class QueryLog:
    """The latest replies."""

    def __init__(
        self,
        latest: Latest[Snapshot],
        zone: Name,
        now: Callable[[], float],
        size: int = MOST_ENTRIES,
    ) -> None:
        self.zone = zone
        self._now = now
        self.size = size
        self._moments: deque[Moment] = deque()
        self.end = 0
        """The number of the next reply."""
        self._marks = deque([(0, latest.value.pods)], maxlen=MOST_MARKS)

    def observe(self, seen: Observation) -> None:
        """Note one reply."""
        client, _, protocol, packet, reply, seconds, source = seen
        texts = (packet[:LONGEST],), (reply[:LONGEST],), client
        self._note(Moment(self.end, self._now(), protocol, seconds, source, *texts), 1)

    def observe_batch(self, batch: Batch) -> None:
        """Note several; they are no longer than `LONGEST` by nature."""
        seconds, queries, replies, clients = batch
        texts = queries, replies, clients
        moment = Moment(self.end, self._now(), "udp", seconds, Source.KEPT, *texts)
        self._note(moment, len(queries))

    def _note(self, moment: Moment, count: int) -> None:
        moments = self._moments
        moments.append(moment)
        self.end += count
        while len(moments) > 1 and self.end - moments[1].first >= self.size:
            moments.popleft()

    def follow(self, snapshot: Snapshot) -> None:
        """Remember who has which address from now on."""
        if snapshot.pods is not self._marks[-1][1]:
            self._marks.append((self.end, snapshot.pods))

    @property
    def first(self) -> int:
        """The number of the earliest reply that is still there."""
        earliest = self._moments[0].first if self._moments else self.end
        return max(earliest, self.end - self.size)

    def between(self, start: int, stop: int) -> Iterator[Noted]:
        """The replies from number `start` up to `stop`; all of them must still be there."""
        at = max(0, bisect_right(self._moments, start, key=itemgetter(0)) - 1)
        while at < len(self._moments) and (moment := self._moments[at]).first < stop:
            for number in range(max(start, moment.first), min(stop, moment.end)):
                yield moment.noted(number)
            at += 1

    def before(self, count: int) -> int:
        """The cursor from which `count` entries can be read now."""
        return max(0, self.end - count)

    def holder(self, noted: Noted) -> PodAddress | None:
        """The pod that had the client's address then."""
        at = bisect_right(self._marks, noted.number, key=itemgetter(0))
        return self._marks[max(0, at - 1)][1].get(noted.client)

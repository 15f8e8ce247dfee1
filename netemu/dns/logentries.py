"""The query log as it is read: what the noted octets mean, whose they were, and which step of a
walk through a search list each was.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from netemu.dns import foreign
from netemu.dns.presentation import data_line, rcode_name, shown, type_name
from netemu.dns.querylog import Noted, QueryLog
from netemu.dns.records import Name, Question, lowered
from netemu.dns.searching import Searching, SearchStep, pod_list
from netemu.dns.zonefile import octets_of

TRUNCATED: Final = 0x02
"""TC, in the third octet."""
CHUNK: Final = 50
"""Entries that are worked out in one turn of the loop; a millisecond or two."""
LOOKED_THROUGH: Final = 500
"""Entries that are looked through in one turn for those that were asked for."""
LOOK_BACK: Final = 100
"""Entries before the first one read that may have begun a walk through a search list."""


class Entry(Struct, frozen=True, kw_only=True):
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


class Wanted(Struct, frozen=True, kw_only=True):
    """Which entries to read."""

    query: Name = ()
    """A name, lowered: what begins with it, so also with a search domain behind it."""
    pod: str = ""
    """NAMESPACE/NAME."""


EVERYTHING: Final = Wanted()


class Page(Struct, frozen=True, kw_only=True):
    """What a reader gets."""

    entries: tuple[Entry, ...]
    cursor: int
    """Where to go on."""
    more: bool
    """There are entries behind the cursor already."""
    missed: int
    """Entries that were pushed out before they could be read."""


def page_of(log: QueryLog, cursor: int, wanted: Wanted = EVERYTHING) -> Page:
    """Some of the entries from `cursor` on."""
    first, end = log.first, log.end
    start = min(max(cursor, first), end)
    stop = min(start + LOOKED_THROUGH, end)
    earliest = max(first, start - LOOK_BACK)
    window = list(log.between(earliest, stop))
    found = [noted for noted in window[start - earliest :] if _is_wanted(log, noted, wanted)]
    if len(found) > CHUNK:
        del found[CHUNK:]
        stop = found[-1].number + 1
    return Page(
        entries=tuple(_entries(log, window, found)),
        cursor=stop,
        more=stop < end,
        missed=max(0, first - cursor),
    )


def _is_wanted(log: QueryLog, noted: Noted, wanted: Wanted) -> bool:
    if wanted.pod and _pod(log, noted) != wanted.pod:
        return False
    labels = octets_of(wanted.query)[:-1]
    return noted.packet[12 : 12 + len(labels)].lower() == labels


def _pod(log: QueryLog, noted: Noted) -> str:
    pod = log.holder(noted)
    return f"{pod.namespace}/{pod.name}" if pod else ""


def _entries(log: QueryLog, window: Sequence[Noted], found: Sequence[Noted]) -> Iterator[Entry]:
    """The entries, told apart from their neighbours of the same clients."""
    clients = {noted.client for noted in found}
    wanted = {noted.number for noted in found}
    searching = Searching()
    for noted in window:
        if noted.client not in clients or (found and noted.number > found[-1].number):
            continue
        question, pod = noted.question, log.holder(noted)
        step = None
        if question is not None and pod is not None:
            name, search = lowered(question.name), pod_list(pod.namespace, log.zone)
            step = searching.step(noted.time, noted.client, question.type, name, search)
        if noted.number in wanted:
            yield _entry(noted, question, _pod(log, noted), step)


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

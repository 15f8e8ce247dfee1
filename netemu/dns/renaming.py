"""Names in answers changed back: owners and what records point at, by rules or one by one.

A rewritten name is put back wherever the answer tells it, in all sections: resolvers take an answer
to another name for an attack, and keep no denial whose SOA isn't above the name.
"""

import re
from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from netemu.dns.answer import Answer
from netemu.dns.outcome import Outcome
from netemu.dns.records import (
    Data,
    Name,
    Record,
    Soa,
    Srv,
    Type,
    Wire,
    lowered,
    name_from,
    text_of,
)
from netemu.dns.zonefile import octets_of

Mend: TypeAlias = Callable[[Answer], Outcome]
"""Makes the answer to the rewritten question one to the question that was asked."""
Rename: TypeAlias = Callable[[Name], Name]

_NAMES_AT = {Type.SOA: (0, 2), Type.MX: (2, 1)}
"""Records of others with names in their data: octets before them, and how many."""


class AnswerRule(Struct, frozen=True):
    """``answer name|value REGEX TEXT``: how owners or what they point at are changed back."""

    value: bool
    pattern: str
    to: str


def renamed(rename: Rename, *, owners: bool = True, values: bool = True) -> Callable[..., Answer]:
    """What renames owners, values or both in all sections."""

    def change(record: Record) -> Record:
        owner = rename(record.owner) if owners else record.owner
        data = _renamed_data(record, rename) if values else record.data
        return replace(record, owner=owner, data=data)

    return lambda answer: each(answer, change)


def each(answer: Answer, change: Callable[[Record], Record]) -> Answer:
    """The answer with every record changed."""
    return replace(
        answer,
        records=tuple(map(change, answer.records)),
        authority=tuple(map(change, answer.authority)),
        additional=tuple(map(change, answer.additional)),
    )


def _renamed_data(record: Record, rename: Rename) -> Data:
    match record.data:
        case Srv() as srv:
            return replace(srv, target=rename(srv.target))
        case Soa() as soa:
            return replace(soa, origin=rename(soa.origin))
        case Wire() as data if record.type in _NAMES_AT:
            return _renamed_wire(data, *_NAMES_AT[Type(record.type)], rename)
        case tuple() as name:
            return rename(name)
        case data:
            return data


def _renamed_wire(data: Wire, before: int, count: int, rename: Rename) -> Wire:
    written, at = data[:before], before
    for _ in range(count):
        labels = list[bytes]()
        while size := data[at]:
            labels.append(data[at + 1 : at + 1 + size])
            at += 1 + size
        at += 1
        written += octets_of(rename(tuple(labels)))
    return Wire(written + data[at:])


def mended_by(rules: tuple[AnswerRule, ...]) -> Callable[[Answer], Answer]:
    """What changes answers by `rules`, one after the other."""
    mends = [renamed(_by(rule), owners=not rule.value, values=rule.value) for rule in rules]

    def mend(answer: Answer) -> Answer:
        for one in mends:
            answer = one(answer)
        return answer

    return mend


def _by(rule: AnswerRule) -> Rename:
    def rename(name: Name) -> Name:
        fit = re.search(rule.pattern, text_of(lowered(name)))
        if fit is None:
            return name
        try:
            return name_from(filled(rule.to, fit))
        except (ValueError, UnicodeEncodeError):
            return name

    return rename


_GROUP = re.compile(r"\{(\d+)\}")


def filled(text: str, fit: "re.Match[str]") -> str:
    """`text` with ``{0}``, ``{1}``… replaced by what the groups of a regular expression hold."""
    groups = (fit[0], *fit.groups(default=""))

    def group(number: "re.Match[str]") -> str:
        index = int(number[1])
        return groups[index] if index < len(groups) else number[0]

    return _GROUP.sub(group, text)

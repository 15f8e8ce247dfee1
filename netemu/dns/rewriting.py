r"""Rewriting: a question becomes another, and the answer to that is told as one to the first.

As CoreDNS' ``rewrite``: rules in order, the first that fits ends it unless it says ``continue``.
Names are matched lowered and with their final dot. A rewritten name is put back wherever the
answer tells it (resolvers take an answer to another name for an attack), unless the rule says
itself how answers are changed.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from netemu.dns.answer import Answer
from netemu.dns.records import (
    Data,
    Name,
    Question,
    Rcode,
    Record,
    Srv,
    Type,
    lowered,
    name_from,
    text_of,
    within,
)

Mend: TypeAlias = Callable[[Answer], Answer]
"""Makes the answer to the rewritten question one to the question that was asked."""
Rename: TypeAlias = Callable[[Name], Name]


class Match(StrEnum):
    """How a rule's text fits a name."""

    EXACT = "exact"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    SUBSTRING = "substring"
    REGEX = "regex"


class Pattern(Struct, frozen=True):
    """What a rule fits."""

    match: Match
    text: str
    """Lowered; of EXACT and SUFFIX with its final dot."""

    def fits(self, name: str) -> "re.Match[str] | bool | None":
        """Whether it fits `name`, which is lowered and ends with a dot."""
        match self.match:
            case Match.EXACT:
                return name == self.text
            case Match.PREFIX:
                return name.startswith(self.text)
            case Match.SUFFIX:
                return name.endswith(self.text)
            case Match.SUBSTRING:
                return self.text in name
            case Match.REGEX:
                return re.search(self.text, name)  # compiled once, kept by `re`


class AnswerRule(Struct, frozen=True):
    """``answer name|value REGEX TEXT``: how owners or what they point at are changed back."""

    value: bool
    pattern: str
    to: str


class RewriteName(Struct, frozen=True, kw_only=True):
    """``rewrite name``."""

    pattern: Pattern
    to: str
    answers: tuple[AnswerRule, ...] = ()
    last: bool = True

    def rewritten(self, question: Question) -> tuple[Question, Mend] | None:
        """The other question, and how its answer is told; None if it doesn't fit."""
        asked = text_of(lowered(question.name))
        fit = self.pattern.fits(asked)
        if not fit:
            return None
        try:
            name = () if (to := self._becomes(asked, fit)) == "." else name_from(to)
        except (ValueError, UnicodeEncodeError):  # no name any more: leave it as it was
            return None
        if self.answers:
            return replace(question, name=name), _mended_by(self.answers)
        return replace(question, name=name), self._back(question.name, name)

    def _becomes(self, asked: str, fit: "re.Match[str] | bool") -> str:
        match self.pattern.match:
            case Match.EXACT:
                return self.to
            case Match.PREFIX:
                return self.to + asked[len(self.pattern.text) :]
            case Match.SUFFIX:
                return asked[: len(asked) - len(self.pattern.text)] + self.to
            case Match.SUBSTRING:
                return asked.replace(self.pattern.text, self.to)
            case Match.REGEX:
                assert isinstance(fit, re.Match)
                return filled(self.to, fit)

    def _back(self, asked: Name, name: Name) -> Mend:
        if self.pattern.match is Match.SUFFIX and self.to.startswith("."):
            ours, theirs = _zone(self.pattern.text), _zone(self.to)
            return _renamed(lambda found: _other_end(found, theirs, ours, name, asked))
        return _renamed(lambda found: asked if lowered(found) == name else found)


def _zone(text: str) -> Name:
    inner = text.strip(".")
    return name_from(inner) if inner else ()


def _other_end(found: Name, theirs: Name, ours: Name, name: Name, asked: Name) -> Name:
    low = lowered(found)
    if low == name:
        return asked  # in the spelling of the question
    return (*found[: len(found) - len(theirs)], *ours) if within(low, theirs) else found


class RewriteType(Struct, frozen=True, kw_only=True):
    """``rewrite type`` and ``rewrite class``."""

    from_type: int | None = None
    to_type: int = 0
    from_class: int | None = None
    to_class: int = 0
    last: bool = True

    def rewritten(self, question: Question) -> tuple[Question, Mend] | None:
        """The other question; its answer is told as it is."""
        if self.from_type is not None:
            fits, changed = question.type == self.from_type, replace(question, type=self.to_type)
        else:
            fits, changed = (
                question.klass == self.from_class,
                replace(question, klass=self.to_class),
            )
        return (changed, _unchanged) if fits else None


def _same(question: Question, pattern: Pattern, mend: Mend) -> tuple[Question, Mend] | None:
    """A question of a fitting name as it is, its answer mended."""
    return (question, mend) if pattern.fits(text_of(lowered(question.name))) else None


class RewriteTtl(Struct, frozen=True, kw_only=True):
    """``rewrite ttl``: the TTL of the answers to some names, within bounds."""

    pattern: Pattern
    least: int
    most: int
    last: bool = True

    def rewritten(self, question: Question) -> tuple[Question, Mend] | None:
        """The same question, with other TTLs in its answer."""
        return _same(question, self.pattern, self._mended)

    def _mended(self, answer: Answer) -> Answer:
        def change(record: Record) -> Record:
            return replace(record, ttl=min(max(record.ttl, self.least), self.most))

        return _each(answer, change)


class RewriteRcode(Struct, frozen=True, kw_only=True):
    """``rewrite rcode``: another response code in the answers to some names."""

    pattern: Pattern
    from_rcode: Rcode
    to_rcode: Rcode
    last: bool = True

    def rewritten(self, question: Question) -> tuple[Question, Mend] | None:
        """The same question, with the other code if its answer has the one."""
        return _same(question, self.pattern, self._mended)

    def _mended(self, answer: Answer) -> Answer:
        return replace(answer, rcode=self.to_rcode) if answer.rcode is self.from_rcode else answer


Rewrite: TypeAlias = RewriteName | RewriteType | RewriteTtl | RewriteRcode


def rewritten(rules: tuple[Rewrite, ...], question: Question) -> tuple[Question, list[Mend]]:
    """The question after the rules, and what its answer goes through, first to last."""
    mends: list[Mend] = []
    for rule in rules:
        changed = rule.rewritten(question)
        if changed is None:
            continue
        question, mend = changed
        mends.insert(0, mend)
        if rule.last:
            break
    return question, mends


_GROUP = re.compile(r"\{(\d+)\}")


def filled(text: str, fit: "re.Match[str]") -> str:
    """`text` with ``{0}``, ``{1}``… replaced by what the groups of a regular expression hold."""
    groups = (fit[0], *fit.groups(default=""))

    def group(number: "re.Match[str]") -> str:
        index = int(number[1])
        return groups[index] if index < len(groups) else number[0]

    return _GROUP.sub(group, text)


def _unchanged(answer: Answer) -> Answer:
    return answer


def _each(answer: Answer, change: Callable[[Record], Record]) -> Answer:
    return replace(
        answer,
        records=tuple(map(change, answer.records)),
        authority=tuple(map(change, answer.authority)),
        additional=tuple(map(change, answer.additional)),
    )


_POINTING = (Type.CNAME, Type.NS, Type.PTR)


def _renamed(rename: Rename, *, owners: bool = True, values: bool = True) -> Mend:
    def data(record: Record) -> Data:
        if not values:
            return record.data
        if isinstance(record.data, Srv):
            return replace(record.data, target=rename(record.data.target))
        if record.type in _POINTING and isinstance(record.data, tuple):
            return rename(record.data)
        return record.data

    def change(record: Record) -> Record:
        owner = rename(record.owner) if owners else record.owner
        return replace(record, owner=owner, data=data(record))

    def mend(answer: Answer) -> Answer:
        return replace(
            answer,
            records=tuple(map(change, answer.records)),
            additional=tuple(map(change, answer.additional)),
        )

    return mend


def _mended_by(rules: tuple[AnswerRule, ...]) -> Mend:
    mends = [_renamed(_by(rule), owners=not rule.value, values=rule.value) for rule in rules]

    def mend(answer: Answer) -> Answer:
        for each in mends:
            answer = each(answer)
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

r"""Rewriting: a question becomes another, and the answer to that is told as one to the first.

As CoreDNS' ``rewrite``: rules in order, the first that fits ends it unless it says ``continue``.
Names are matched lowered and with their final dot. A rewritten name is put back wherever the
answer tells it (resolvers take an answer to another name for an attack), unless the rule says
itself how answers are changed.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from netemu.dns.answer import Answer
from netemu.dns.outcome import Around, Outcome, followed
from netemu.dns.records import (
    Name,
    Question,
    Rcode,
    Record,
    Type,
    lowered,
    name_from,
    text_of,
    within,
)
from netemu.dns.renaming import AnswerRule, Mend, each, filled, mended_by, renamed


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

    def becomes(self, name: str, to: str) -> str | None:
        """What `name`, lowered and with its final dot, becomes by `to`; None if it doesn't fit."""
        fit = self.fits(name)
        if not fit:
            return None
        match self.match:
            case Match.EXACT:
                return to
            case Match.PREFIX:
                return to + name[len(self.text) :]
            case Match.SUFFIX:
                return name[: len(name) - len(self.text)] + to
            case Match.SUBSTRING:
                return name.replace(self.text, to)
            case Match.REGEX:
                assert isinstance(fit, re.Match)
                return filled(to, fit)


class Rule(Protocol):
    """One rule."""

    @property
    def last(self) -> bool:
        """Whether the rules after it are left out when it fits."""

    def rewritten(self, question: Question, around: Around) -> tuple[Question, Mend] | None:
        """The other question, and how its answer is told; None if it doesn't fit."""


class RewriteName(Struct, frozen=True, kw_only=True):
    """``rewrite name``."""

    pattern: Pattern
    to: str
    answers: tuple[AnswerRule, ...] = ()
    auto: bool = True
    """Whether names are put back, too, where there are rules for answers."""
    last: bool = True

    def rewritten(self, question: Question, _: Around) -> tuple[Question, Mend] | None:
        """The other question, and how its answer is told; None if it doesn't fit."""
        to = self.pattern.becomes(text_of(lowered(question.name)), self.to)
        name = None if to is None else _name(to)
        if name is None:  # no name any more: leave it as it was
            return None
        by_rules = mended_by(self.answers)
        if not self.auto:
            return replace(question, name=name), by_rules
        back = self._back(question.name, name)
        return replace(question, name=name), lambda answer: by_rules(back(answer))

    def _back(self, asked: Name, name: Name) -> Callable[[Answer], Answer]:
        if self.pattern.match is Match.SUFFIX and self.to.startswith("."):
            ours, theirs = _zone(self.pattern.text), _zone(self.to)
            return renamed(lambda found: _other_end(found, theirs, ours, name, asked))
        return renamed(lambda found: asked if lowered(found) == name else found)


def _name(text: str) -> Name | None:
    try:
        return () if text == "." else lowered(name_from(text))
    except (ValueError, UnicodeEncodeError):
        return None


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

    def rewritten(self, question: Question, _: Around) -> tuple[Question, Mend] | None:
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

    def rewritten(self, question: Question, _: Around) -> tuple[Question, Mend] | None:
        """The same question, with other TTLs in its answer."""
        return _same(question, self.pattern, self._mended)

    def _mended(self, answer: Answer) -> Answer:
        def change(record: Record) -> Record:
            return replace(record, ttl=min(max(record.ttl, self.least), self.most))

        return each(answer, change)


class RewriteRcode(Struct, frozen=True, kw_only=True):
    """``rewrite rcode``: another response code in the answers to some names."""

    pattern: Pattern
    from_rcode: Rcode
    to_rcode: Rcode
    last: bool = True

    def rewritten(self, question: Question, _: Around) -> tuple[Question, Mend] | None:
        """The same question, with the other code if its answer has the one."""
        return _same(question, self.pattern, self._mended)

    def _mended(self, answer: Answer) -> Answer:
        return replace(answer, rcode=self.to_rcode) if answer.rcode is self.from_rcode else answer


class RewriteCname(Struct, frozen=True, kw_only=True):
    """``rewrite cname``: an alias in the answer leads elsewhere, and what it led to is looked up
    anew.
    """

    pattern: Pattern
    to: str
    last: bool = True

    def rewritten(self, question: Question, around: Around) -> tuple[Question, Mend] | None:
        """The same question; the aliases in its answer up to the one that fits, and then what the
        other target has.
        """

        def mend(answer: Answer) -> Outcome:
            kept, to = self._led_astray(answer)
            if to is None:
                return answer
            found = around.lookup(Question(to, question.type))
            return followed(found, lambda found: _led(answer, kept, found))

        return question, mend

    def _led_astray(self, answer: Answer) -> tuple[tuple[Record, ...], Name | None]:
        """The aliases up to the first that fits, which leads elsewhere now, and where."""
        links = tuple(record for record in answer.records if record.type == Type.CNAME)
        for number, link in enumerate(links):
            to = self._target(link)
            if to is not None:
                return (*links[:number], replace(link, data=to)), to
        return links, None

    def _target(self, link: Record) -> Name | None:
        assert isinstance(link.data, tuple)  # as of each CNAME
        to = self.pattern.becomes(text_of(lowered(link.data)), self.to)
        return None if to is None else _name(to)


def _led(answer: Answer, links: tuple[Record, ...], found: Answer) -> Answer:
    others = tuple(record for record in found.records if record not in links)
    return replace(
        answer, records=(*links, *others), truncated=found.truncated, shared=False, parts=()
    )


def rewritten(
    rules: tuple[Rule, ...], question: Question, around: Around
) -> tuple[Question, list[Mend]]:
    """The question after the rules, and what its answer goes through, first to last."""
    mends: list[Mend] = []
    for rule in rules:
        changed = rule.rewritten(question, around)
        if changed is None:
            continue
        question, mend = changed
        mends.insert(0, mend)
        if rule.last:
            break
    return question, mends


def _unchanged(answer: Answer) -> Answer:
    return answer

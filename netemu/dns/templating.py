"""Synthetic answers: a name that fits a regular expression gets records made from its parts.

As CoreDNS' ``template``. Of Go's template language there is what such records use: ``{{ .Name }}``,
``{{ .Class }}``, ``{{ .Type }}``, ``{{ .Zone }}``, ``{{ .Remote }}``, ``{{ .Match }}`` by
``index .Match N``, ``{{ .Group.NAME }}`` and ``parseInt .Group.NAME BASE BITS``; anything else is
refused when it is read.
"""

import re

from msgspec import Struct
from msgspec.structs import replace

from netemu.dns.answer import FAILED, Answer
from netemu.dns.records import (
    EdnsOption,
    Name,
    Question,
    Rcode,
    Record,
    Source,
    Type,
    lowered,
    name_from,
    text_of,
    within,
)
from netemu.dns.zonefile import record_from

ANY = 255

_FIELD = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_FIELDS = re.compile(
    r"\.(?:Name|Class|Type|Zone|Remote|Question\.Name)"
    r"|index \.Match (?P<match>\d+)"
    r"|\.Group\.(?P<group>\w+)"
    r'|index \.Group "(?P<quoted>\w+)"'
    r"|parseInt \.Group\.(?P<digits>\w+) (?P<base>\d+) (?P<bits>\d+)"
)


class BadTemplate(ValueError):
    """A template that can't be used; the message says why."""


class Template(Struct, frozen=True, kw_only=True):
    """One template."""

    type: int = ANY
    zones: tuple[Name, ...] = ((),)
    matches: tuple[str, ...] = (".*",)
    answers: tuple[str, ...] = ()
    additional: tuple[str, ...] = ()
    authority: tuple[str, ...] = ()
    rcode: Rcode = Rcode.NOERROR
    options: tuple[EdnsOption, ...] = ()
    """What the reply's OPT record says (``ederror``)."""
    passed: tuple[Name, ...] = ()
    """Where a name that doesn't fit is left to the next step (``fallthrough``)."""

    def __post_init__(self) -> None:
        """Refuse what could only fail later. Raises BadTemplate."""
        try:
            patterns = [re.compile(match) for match in self.matches]
        except re.error as error:
            raise BadTemplate(f"{error.pattern!r} is no regular expression: {error}") from error
        groups = set[str]().union(*(pattern.groupindex for pattern in patterns))
        for text in self._texts:
            for field in _FIELD.findall(text):
                found = _FIELDS.fullmatch(field)
                if found is None:
                    raise BadTemplate(f"{{{{ {field} }}}} is not supported")
                group = found["group"] or found["quoted"] or found["digits"]
                if group and group not in groups:
                    raise BadTemplate(f"no expression has a group {group!r}")

    @property
    def _texts(self) -> tuple[str, ...]:
        return (*self.answers, *self.additional, *self.authority)

    def answer(self, question: Question, client: str) -> Answer | None:
        """What it says; None leaves the question to the next step."""
        low = lowered(question.name)
        zone = max((zone for zone in self.zones if within(low, zone)), key=len, default=None)
        if zone is None or (self.type != question.type and ANY not in (self.type, question.type)):
            return None
        name = text_of(low)
        for match in self.matches:
            fit = re.search(match, name)
            if fit is not None:
                values = _Values(question, name, text_of(zone), client, fit)
                try:
                    return self._made(values)
                except ValueError:  # what came of the text is no record
                    return replace(FAILED, source=Source.TEMPLATE)
        through = any(within(low, passed) for passed in self.passed)
        # Without `fallthrough` CoreDNS fails for what doesn't fit.
        return None if through else replace(FAILED, source=Source.TEMPLATE)

    def _made(self, values: "_Values") -> Answer:
        return Answer(
            rcode=self.rcode,
            records=tuple(map(values.record, self.answers)),
            additional=tuple(map(values.record, self.additional)),
            authority=tuple(map(values.record, self.authority)),
            source=Source.TEMPLATE,
            shared=not any(".Remote" in text for text in self._texts),
            options=self.options,
        )


class _Values(Struct, frozen=True):
    question: Question
    name: str
    zone: str
    client: str
    fit: "re.Match[str]"

    def record(self, text: str) -> Record:
        """The record of one line, its owner in the spelling of the question."""
        record = record_from(_FIELD.sub(lambda field: self.of(field[1]), text))
        asked = self.question.name
        return replace(record, owner=asked) if lowered(record.owner) == lowered(asked) else record

    def of(self, field: str) -> str:
        """What stands for ``{{ field }}``."""
        found = _FIELDS.fullmatch(field)
        assert found is not None
        if found["match"]:
            return self.fit[int(found["match"])] or ""
        if group := found["group"] or found["quoted"]:
            return self._group(group)
        if digits := found["digits"]:
            return _unsigned(self._group(digits), int(found["base"]), int(found["bits"]))
        kind = self.question.type
        known = {
            ".Name": self.name,
            ".Question.Name": self.name,
            ".Class": "IN",
            ".Type": Type(kind).name if kind in set(Type) else f"TYPE{kind}",
            ".Zone": self.zone,
            ".Remote": self.client,
        }
        return known[field]

    def _group(self, name: str) -> str:
        return self.fit.groupdict().get(name) or ""


def _unsigned(digits: str, base: int, bits: int) -> str:
    """As Go's ``strconv.ParseUint``: a number of at most so many bits. Raises ValueError."""
    number = int(digits, base)
    if number < 0 or number >> bits:
        raise ValueError(f"{digits!r} has more than {bits} bits")
    return str(number)


def name_of(text: str) -> Name:
    """A zone in a Corefile, lowered. Raises ValueError."""
    return () if text == "." else lowered(name_from(text))

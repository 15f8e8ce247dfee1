"""``rewrite``: rules that change questions, and their answers back."""

import re
from typing import TypeAlias

from netemu.dns.corefile import BadCorefile, Line
from netemu.dns.plugins.draft import Draft
from netemu.dns.plugins.words import number, rcode_of
from netemu.dns.records import Type
from netemu.dns.rewriting import (
    AnswerRule,
    Match,
    Pattern,
    RewriteName,
    RewriteRcode,
    RewriteTtl,
    RewriteType,
)

Words: TypeAlias = tuple[str, ...]
CLASSES = {"IN": 1, "CH": 3, "HS": 4, "ANY": 255}
FIELDS = ("name", "type", "class", "ttl", "rcode")
LONGEST_TTL = 2**31 - 1


def read_rewrite(line: Line, draft: Draft) -> None:
    """``rewrite [continue|stop] FIELD …``; a rule may stand in a block, with its answers."""
    head, last = line.words, True
    if head[:1] in (("continue",), ("stop",)):
        head, last = head[1:], head[0] == "stop"
    rules = [Line(line.number, "", head), *line.block] if head else list(line.block)
    first, *rest = [(rule.name, *rule.words) if rule.name else rule.words for rule in rules] or [()]
    match first:
        case ("name", *words):
            draft.rewrites.append(_name(line, tuple(words), rest, last=last))
        case ("type", from_word, to_word):
            from_type, to_type = type_of(line, from_word), type_of(line, to_word)
            draft.rewrites.append(RewriteType(from_type=from_type, to_type=to_type, last=last))
        case ("class", from_word, to_word):
            from_class, to_class = _class(line, from_word), _class(line, to_word)
            draft.rewrites.append(RewriteType(from_class=from_class, to_class=to_class, last=last))
        case ("ttl", *words):
            draft.rewrites.append(_ttl(line, tuple(words), last=last))
        case ("rcode", *words):
            draft.rewrites.append(_rcode(line, tuple(words), last=last))
        case _:
            raise BadCorefile(
                line.number, f"rewrite {' '.join(first)}: known are {', '.join(FIELDS)} with values"
            )


def _name(line: Line, words: Words, rest: list[Words], *, last: bool) -> RewriteName:
    kind, words = _kind(words)
    if len(words) > 2 and words[2] == "answer":
        words, rest = words[:2], [words[2:], *rest]
    if len(words) != 2:
        raise BadCorefile(line.number, "rewrite name takes what is asked and what it becomes")
    to = words[1].lower()
    if kind in (Match.EXACT, Match.SUFFIX, Match.REGEX) and not to.endswith("."):
        to += "."
    return RewriteName(
        pattern=_pattern(line, kind, words[0]),
        to=to,
        answers=tuple(rule for words in rest for rule in _answers(line, words)),
        last=last,
    )


def _kind(words: Words) -> tuple[Match, Words]:
    if words and words[0] in list(Match):
        return Match(words[0]), words[1:]
    return Match.EXACT, words


def _pattern(line: Line, kind: Match, text: str) -> Pattern:
    if kind is Match.REGEX:
        return Pattern(kind, _regex(line, text))
    text = text.lower()
    if kind in (Match.EXACT, Match.SUFFIX) and not text.endswith("."):
        text += "."
    return Pattern(kind, text)


def _regex(line: Line, text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise BadCorefile(line.number, f'"{text}" is no regular expression: {error}') from error
    return text


def _answers(line: Line, words: Words) -> list[AnswerRule]:
    match words:
        case ("answer", "auto"):
            return []  # names are put back anyway
        case ("answer", ("name" | "value") as what, pattern, to):
            return [AnswerRule(what == "value", _regex(line, pattern), to)]
        case ("answer", pattern, to):
            return [AnswerRule(False, _regex(line, pattern), to)]
        case _:
            why = f"rewrite: {' '.join(words)} is no rule for answers"
            raise BadCorefile(line.number, why)


def _ttl(line: Line, words: Words, *, last: bool) -> RewriteTtl:
    kind, words = _kind(words)
    if len(words) != 2:
        raise BadCorefile(line.number, "rewrite ttl takes a name and seconds")
    least, dash, most = words[1].partition("-")
    low = number(line, least or "0", 0, LONGEST_TTL)
    high = number(line, most, 0, LONGEST_TTL) if most else LONGEST_TTL if dash else low
    return RewriteTtl(pattern=_pattern(line, kind, words[0]), least=low, most=high, last=last)


def _rcode(line: Line, words: Words, *, last: bool) -> RewriteRcode:
    kind, words = _kind(words)
    if len(words) != 3:
        raise BadCorefile(line.number, "rewrite rcode takes a name, a response code and another")
    text, *codes = words
    from_rcode, to_rcode = (rcode_of(line, code) for code in codes)
    return RewriteRcode(
        pattern=_pattern(line, kind, text), from_rcode=from_rcode, to_rcode=to_rcode, last=last
    )


def type_of(line: Line, word: str) -> int:
    """A record type by name or as ``TYPE65``."""
    text = word.upper()
    if text in Type.__members__:
        return Type[text]
    if text in OTHER_TYPES:
        return OTHER_TYPES[text]
    return number(line, text.removeprefix("TYPE"), 0, 65535)


OTHER_TYPES = {"NAPTR": 35, "DS": 43, "RRSIG": 46, "DNSKEY": 48, "SVCB": 64, "HTTPS": 65}
OTHER_TYPES |= {"ANY": 255, "CAA": 257}
"""Types that rules name and the server doesn't make."""


def _class(line: Line, word: str) -> int:
    if word.upper() not in CLASSES:
        raise BadCorefile(line.number, f'rewrite: "{word}" is no class')
    return CLASSES[word.upper()]

"""``rewrite``: rules that change questions, and their answers back."""

import re
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from netemu.dns.corefile import BadCorefile, Line
from netemu.dns.plugins.draft import Draft
from netemu.dns.plugins.words import number, rcode_of
from netemu.dns.records import Type
from netemu.dns.renaming import AnswerRule
from netemu.dns.rewriting import (
    Match,
    Pattern,
    RewriteCname,
    RewriteName,
    RewriteRcode,
    RewriteTtl,
    RewriteType,
)

if TYPE_CHECKING:  # few Corefiles have such rules
    from netemu.dns.ednsrewriting import RewriteOption, Source

Words: TypeAlias = tuple[str, ...]
CLASSES = {"IN": 1, "CH": 3, "HS": 4, "ANY": 255}
FIELDS = ("name", "type", "class", "ttl", "rcode", "cname", "edns0")
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
        case ("cname", *words):
            draft.rewrites.append(_cname(line, tuple(words), last=last))
        case ("edns0", *words):
            draft.rewrites.append(_option(line, tuple(words), last=last))
            draft.rewrites_options = True
        case _:
            raise BadCorefile(
                line.number, f"rewrite {' '.join(first)}: known are {', '.join(FIELDS)} with values"
            )


def _name(line: Line, words: Words, rest: list[Words], *, last: bool) -> RewriteName:
    kind, words = _kind(words)
    if len(words) < 2:
        raise BadCorefile(line.number, "rewrite name takes what is asked and what it becomes")
    rules, auto = _answers(line, (*words[2:], *(word for more in rest for word in more)))
    return RewriteName(
        pattern=_pattern(line, kind, words[0]),
        to=_target(kind, words[1]),
        answers=rules,
        # What was asked exactly is put back in any case, as by CoreDNS.
        auto=auto or not rules or kind is Match.EXACT,
        last=last,
    )


def _target(kind: Match, text: str) -> str:
    ends = kind in (Match.EXACT, Match.SUFFIX, Match.REGEX) and not text.endswith(".")
    return f"{text.lower()}." if ends else text.lower()


def _cname(line: Line, words: Words, *, last: bool) -> RewriteCname:
    kind, words = _kind(words)
    if len(words) != 2:
        raise BadCorefile(line.number, "rewrite cname takes a target and what it becomes")
    pattern, to = _pattern(line, kind, words[0]), _target(kind, words[1])
    return RewriteCname(pattern=pattern, to=to, last=last)


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


def _answers(line: Line, words: Words) -> tuple[tuple[AnswerRule, ...], bool]:
    """The rules of ``[answer] (auto | name FROM TO | value FROM TO) …``, and whether names are put
    back by themselves, too.
    """
    rules, auto, left = list[AnswerRule](), False, words
    while left:
        match left[1:] if left[0] == "answer" else left:
            case ("auto", *more) | ("name", "auto", *more):
                auto = True
            case (("name" | "value") as what, pattern, to, *more):
                rules.append(AnswerRule(what == "value", _regex(line, pattern), to))
            case (pattern, to) if left[0] == "answer":
                more = []
                rules.append(AnswerRule(False, _regex(line, pattern), to))
            case _:
                why = f"rewrite: {' '.join(left)} is no rule for answers"
                raise BadCorefile(line.number, why)
        left = tuple(more)
    return tuple(rules), auto


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


def _option(line: Line, words: Words, *, last: bool) -> "RewriteOption":
    """``edns0 local|nsid|subnet ACTION …``."""
    from netemu.dns import ednsrewriting as rules

    revert = words[-1:] == ("revert",)
    rest = [word.lower() for word in words[: -1 if revert else None]]
    what, action, *given = rest if len(rest) > 1 else ("", "")
    if what not in ("local", "nsid", "subnet") or action not in list(rules.Action):
        known = ", ".join(rules.Action)
        why = f"rewrite edns0 takes local, nsid or subnet, and {known}"
        raise BadCorefile(line.number, why)
    unset = action == rules.Action.UNSET
    rule = rules.RewriteOption(code=0, action=rules.Action(action), revert=revert, last=last)
    match what, unset, given:
        case "local", True, [code]:
            return replace(rule, code=_code(line, code))
        case "local", False, [code, _]:
            return replace(rule, code=_code(line, code), source=_data(line, words[3]))
        case "nsid", _, []:
            return replace(rule, code=rules.NSID, told=False)
        case "subnet", True, []:
            return replace(rule, code=rules.SUBNET, told=False)
        case "subnet", False, [ipv4, ipv6]:
            bits = number(line, ipv4, 0, 32), number(line, ipv6, 0, 128)
            return replace(rule, code=rules.SUBNET, source=rules.Subnet(*bits), told=False)
        case _:
            pass
    raise BadCorefile(line.number, f"rewrite edns0 {what} {action} takes other arguments")


def _code(line: Line, word: str) -> int:
    try:
        code = int(word, 0)
    except ValueError:
        code = -1
    if not 0 <= code <= 65535:
        raise BadCorefile(line.number, f'rewrite edns0: "{word}" is no code of an option')
    return code


def _data(line: Line, word: str) -> "Source":
    """Text, octets as ``0x…``, or a variable in braces."""
    from netemu.dns.ednsrewriting import VARIABLES, Text, Variable

    if word.startswith("{") and word.endswith("}"):
        if word[1:-1] not in VARIABLES:
            why = f'rewrite edns0: unsupported variable name "{word}" (there are '
            raise BadCorefile(
                line.number, why + ", ".join(f"{{{name}}}" for name in VARIABLES) + ")"
            )
        return Variable(word[1:-1])
    try:
        return Text(bytes.fromhex(word[2:]) if word.startswith("0x") else word.encode())
    except ValueError as error:
        raise BadCorefile(line.number, f'rewrite edns0: "{word}" is no octets') from error


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

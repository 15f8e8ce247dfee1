"""``template``: synthetic answers."""

from netemu.dns.corefile import BadCorefile, Line
from netemu.dns.plugins.draft import Draft
from netemu.dns.plugins.rewrite import type_of
from netemu.dns.plugins.words import fallthrough, number, options, rcode_of, words, zones
from netemu.dns.records import EdnsOption, Rcode
from netemu.dns.templating import BadTemplate, Template

CLASSES = ("IN", "ANY")


def read_template(line: Line, draft: Draft) -> None:
    """``template CLASS TYPE [ZONE…]``."""
    klass, kind, *where = words(line, 2)
    if klass.upper() not in CLASSES:
        raise BadCorefile(line.number, f'template: only class IN is served, not "{klass}"')
    given = options(
        line,
        {
            "match": lambda option: words(option, 1),
            "answer": _text,
            "additional": _text,
            "authority": _text,
            "rcode": _rcode,
            "fallthrough": fallthrough,
            "ederror": _extended_error,
            "expr": _expression,
            "var": _expression,
        },
    )
    try:
        draft.templates.append(
            Template(
                type=type_of(line, kind),
                zones=zones(line, where, draft.zones),
                matches=tuple(match for many in given.get("match", [(".*",)]) for match in many),
                answers=tuple(given.get("answer", ())),
                additional=tuple(given.get("additional", ())),
                authority=tuple(given.get("authority", ())),
                rcode=given.get("rcode", [Rcode.NOERROR])[-1],
                options=tuple(given.get("ederror", ())[-1:]),
                passed=given.get("fallthrough", [()])[-1],
            )
        )
    except BadTemplate as error:
        raise BadCorefile(line.number, f"template: {error}") from error


def _text(line: Line) -> str:
    return " ".join(words(line, 1))


EXTENDED_ERROR = 15
"""The code of the option (RFC 8914)."""


def _extended_error(line: Line) -> EdnsOption:
    code, *reason = words(line, 1, 2)
    number_ = number(line, code, 0, 65535)
    return EXTENDED_ERROR, number_.to_bytes(2, "big") + " ".join(reason).encode()


def _expression(line: Line) -> None:
    why = f"template: {line.name} is not supported: there is no interpreter for expressions here"
    raise BadCorefile(line.number, why)


def _rcode(line: Line) -> Rcode:
    return rcode_of(line, words(line, 1, 1)[0])

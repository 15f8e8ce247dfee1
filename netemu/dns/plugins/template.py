"""``template``: synthetic answers."""

from functools import partial

from netemu.dns.corefile import BadCorefile, Line
from netemu.dns.plugins.draft import Draft
from netemu.dns.plugins.rewrite import type_of
from netemu.dns.plugins.words import fallthrough, options, rcode_of, words, zones
from netemu.dns.records import Rcode
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
            "ederror": partial(_extended_error, draft),
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
                passed=given.get("fallthrough", [()])[-1],
            )
        )
    except BadTemplate as error:
        raise BadCorefile(line.number, f"template: {error}") from error


def _text(line: Line) -> str:
    return " ".join(words(line, 1))


def _extended_error(draft: Draft, line: Line) -> None:
    words(line, 1, 2)
    draft.remark(line, "ederror has no effect: extended errors (RFC 8914) aren't sent")


def _rcode(line: Line) -> Rcode:
    return rcode_of(line, words(line, 1, 1)[0])

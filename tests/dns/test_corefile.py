from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.dns.corefile import BadCorefile, Line, ServerBlock, parse

UP = {"UP": "192.0.2.54"}


def one(text: str) -> ServerBlock:
    (block,) = parse(text, UP)
    return block


def test_blocks_have_zones_and_lines() -> None:
    blocks = parse(".:53 {\n errors\n}\nexample.org, example.com foo {\n log a b\n}\n", {})
    assert blocks == (
        ServerBlock(1, (".:53",), (Line(2, "errors", ()),)),
        ServerBlock(4, ("example.org", "example.com", "foo"), (Line(5, "log", ("a", "b")),)),
    )


def test_lines_have_blocks() -> None:
    block = one(". {\n forward . 1.1.1.1 {\n  max_concurrent 5\n }\n cache 30 { \n keepttl }\n}")
    assert block.lines == (
        Line(2, "forward", (".", "1.1.1.1"), (Line(3, "max_concurrent", ("5",)),)),
        Line(5, "cache", ("30",), (Line(6, "keepttl", ()),)),
    )


WORDS = {
    'a "b c" d': ("a", "b c", "d"),
    'a "b \\" c"': ("a", 'b " c'),
    'a "{"': ("a", "{"),
    'a ""': ("a", ""),
    "a # b c": ("a",),
    "a b#c": ("a", "b#c"),
    "a {$UP} {%UP%}:53": ("a", "192.0.2.54", "192.0.2.54:53"),
    "a {$NOPE}": ("a", ""),
    '"{{ .Name }} 60 IN A 1.2.3.4"': ("{{ .Name }} 60 IN A 1.2.3.4",),
    "\ta\t b": ("a", "b"),
}


@pytest.mark.parametrize(("text", "words"), WORDS.items())
def test_words(text: str, words: tuple[str, ...]) -> None:
    (line,) = one(f". {{\n x {text}\n}}").lines
    assert line.words == words


def test_a_quotation_may_have_several_lines() -> None:
    first, second = one('. {\n x "a\nb"\n y\n}').lines
    assert (first.words, second.number) == (("a\nb",), 4)


def test_snippets_stand_where_they_are_imported() -> None:
    text = "(both) {\n errors\n log\n}\n(ttl) {\n ttl 5\n}\na {\n x\n import both\n}\n"
    text += "b {\n import both\n y {\n  import ttl\n }\n}\n"
    errors, log, ttl = Line(2, "errors", ()), Line(3, "log", ()), Line(6, "ttl", ("5",))
    assert parse(text, {}) == (
        ServerBlock(8, ("a",), (Line(9, "x", ()), errors, log)),
        ServerBlock(12, ("b",), (errors, log, Line(14, "y", (), (ttl,)))),
    )


GROWING = "(s0) {\n a\n b\n}\n" + "".join(
    f"(s{n}) {{\n import s{n - 1}\n import s{n - 1}\n}}\n" for n in range(1, 40)
)
MISTAKES = {
    ". {\n errors\n": 'Corefile:1: "{" is never closed',
    ". {\n forward . 1.1.1.1 {\n}": 'Corefile:1: "{" is never closed',
    "}\n": 'Corefile:1: "}" closes nothing',
    ". {\n}\n}\n": 'Corefile:3: "}" closes nothing',
    "\n. \n": 'Corefile:2: "." begins a server block without "{"',
    "{\n}": "Corefile:1: a server block without a zone",
    ". {\n{\n}\n}": 'Corefile:2: "{" belongs at the end of the line it opens',
    '. {\n x "a\n}': "Corefile:2: a quotation that doesn't end",
    "(a) {\n}\n(a) {\n}": 'Corefile:3: snippet "a" is there already',
    "import x\n": "Corefile:1: import belongs in a server block",
    ". {\n import x/*\n}": 'Corefile:2: no snippet "x/*" before this (files can\'t be imported)',
    "(a) {\n import a\n}": 'Corefile:2: no snippet "a" before this (files can\'t be imported)',
    GROWING: "Corefile:50: more than 10000 lines are imported",
    ". {\n" + "a {\n" * 50 + "}\n" * 51: "Corefile:5: blocks within too many others",
    "x" * 2_000_000: "Corefile:1: longer than 1048576 octets",
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.items(), ids=range(len(MISTAKES)))
def test_mistakes_are_named_with_their_line(text: str, message: str) -> None:
    with pytest.raises(BadCorefile) as raised:
        parse(text, {})
    assert str(raised.value) == message


@given(st.text(alphabet='{}"\\\n #ab.$%', max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadCorefile):
        parse(text, {})

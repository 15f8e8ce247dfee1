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


FILES = {
    "one": "errors\nlog a b\ncache {\n keepttl\n}",
    "two": "import one\nimport short\n",
    "blocks": "a b {\n x\n}\nimport more\n",
    "more": "(late) {\n z\n}\nc {\n import late\n}\n",
    "itself": "import itself\n",
    "open": "cache {\n",
    "closed": "errors\n}\n",
    "*": "errors",
}


def find(name: str) -> list[str]:
    if name == "none/*":
        return []
    if name not in FILES:
        raise FileNotFoundError(2, "No such file or directory", name)
    return [FILES[name]]


def test_files_stand_where_they_are_imported() -> None:
    (block,) = parse("(short) {\n ttl 5\n}\n. {\n x\n import two\n y\n}", {}, find)
    cache = Line(6, "cache", (), (Line(6, "keepttl", ()),))
    assert block.lines == (
        Line(5, "x", ()),
        Line(6, "errors", ()),
        Line(6, "log", ("a", "b")),
        cache,
        Line(6, "ttl", ("5",)),
        Line(7, "y", ()),
    )


def test_files_may_bring_server_blocks_and_snippets() -> None:
    blocks = parse("import blocks\nd {\n import late\n}\n", {}, find)
    assert [block.keys for block in blocks] == [("a", "b"), ("c",), ("d",)]
    assert [[line.name for line in block.lines] for block in blocks] == [["x"], ["z"], ["z"]]


def test_a_pattern_may_fit_nothing() -> None:
    (block,) = parse(". {\n import none/*\n errors\n}", {}, find)
    assert [line.name for line in block.lines] == ["errors"]


GONE = ": No such file or directory"
BAD_FILES = {
    "nope": 'no snippet "nope" before this, and no such file' + GONE,
    "itself": "files that import each other",
    "open": '"{" is never closed',
    "closed": 'an imported file has a "}" too many',
}


@pytest.mark.parametrize(("name", "why"), BAD_FILES.items())
def test_mistakes_in_files_are_told_with_the_line_that_imports(name: str, why: str) -> None:
    with pytest.raises(BadCorefile) as raised:
        parse(f". {{\n errors\n import {name}\n}}", {}, find)
    assert str(raised.value) == f"Corefile:3: {why}"


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
    "import x\n": 'Corefile:1: no snippet "x" before this, and no such file' + GONE,
    ". {\n import x/*\n}": 'Corefile:2: no snippet "x/*" before this, and no such file' + GONE,
    "(a) {\n import a\n}": 'Corefile:2: no snippet "a" before this, and no such file' + GONE,
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

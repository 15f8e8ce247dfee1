"""YAML, with go-yaml's idea of what plain scalars mean."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.api import yamlbody
from netemu.api.jsonbody import MAX_DEPTH, Malformed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ("+5", 5),
        ("0", 0),
        ("0755", 493),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b101", 5),
        ("1_000", 1000),
        ("08", 8),
        ("1.5", 1.5),
        ("1e3", 1000),
        ("3.0", 3),
        (".5", 0.5),
        (".inf", ".inf"),
        ("9223372036854775808", float(2**63)),
        ("9" * 400, "9" * 400),
        ("1e999", "1e999"),
        ("true", True),
        ("Yes", True),
        ("on", True),
        ("y", True),
        ("No", False),
        ("OFF", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("22:22", "22:22"),
        ("2020-01-01", "2020-01-01"),
        ("1.2.3", "1.2.3"),
        ("yesterday", "yesterday"),
        ("'5'", "5"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("!!int '5'", 5),
        ("!mine 5", "5"),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_scalars_mean_what_they_mean_to_go(text: str, value: Any) -> None:
    loaded, problems = yamlbody.load(f"key: {text}\n".encode())
    assert loaded == {"key": value}
    assert type(loaded["key"]) is type(value)
    assert problems == []


def test_keys_are_text() -> None:
    assert yamlbody.load(b"5: a\ntrue: b\n~: c\n1.5: d\n")[0] == {
        "5": "a",
        "true": "b",
        "null": "c",
        "1.5": "d",
    }


def test_aliases_and_merges_are_unfolded() -> None:
    text = (
        b"base: &b {a: 1, b: 2}\nmore: &m {b: 3, c: 4}\none: {<<: *b, b: 5}\ntwo: {<<: [*b, *m]}\n"
    )
    value, _ = yamlbody.load(text)
    assert value["one"] == {"a": 1, "b": 5}
    assert value["two"] == {"a": 1, "b": 2, "c": 4}


def test_names_said_twice_are_told_with_their_lines() -> None:
    value, problems = yamlbody.load(b"a: 1\nb:\n  c: 1\n  c: 2\na: 3\n")
    assert value == {"a": 3, "b": {"c": 2}}
    (problem,) = problems
    assert problem.splitlines() == [
        "yaml: unmarshal errors:",
        '  line 4: key "c" already set in map',
        '  line 5: key "a" already set in map',
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"a: b: c\n", "yaml: line 1: mapping values are not allowed in this context"),
        (b"a: 1\n---\nb: 2\n", "yaml: line 2: expected a single document in the stream"),
        (b"a: *b\n", "yaml: unknown anchor 'b' referenced"),
        (b'a: "\x00"\n', "yaml: control characters are not allowed"),
        (b"a: \xff\n", "yaml: invalid"),
        (b"{a: 1}: b\n", "yaml: invalid map key"),
        (b"a: {<<: 5}\n", "yaml: map merge requires map or sequence of maps as the value"),
        (b"a: &a [*a]\n", "yaml: unknown anchor 'a' referenced"),
        (b"[" * 900 + b"]" * 900, "yaml: exceeded max depth"),
        (b"[" * 100_000, "yaml: "),
    ],
    ids=lambda value: repr(value[:12]) if isinstance(value, bytes) else "",
)
def test_malformed_text_is_refused(text: bytes, said: str) -> None:
    with pytest.raises(Malformed) as refused:
        yamlbody.load(text)
    assert str(refused.value).startswith(said)


def test_a_few_lines_do_not_unfold_into_billions() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(Malformed, match="^yaml: document contains excessive aliasing$"):
        yamlbody.load("\n".join(lines).encode())


def test_aliases_do_not_lead_deeper_than_allowed() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 300)]
    with pytest.raises(Malformed, match="exceeded max depth$"):
        yamlbody.load("\n".join(lines).encode())


def test_the_deepest_document_allowed_is_read() -> None:
    value, _ = yamlbody.load(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert isinstance(value, list)


def test_nothing_is_nothing() -> None:
    assert yamlbody.load(b"# only a comment\n") == (None, [])


@given(st.text(alphabet="ab:- \n[]{}&*!|>'\"#%@~,?<5", max_size=40).map(str.encode) | st.binary())
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        yamlbody.load(data)
    except Malformed:
        return

"""Strings that mean something."""

import base64 as stdlib_base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.api.scalars import Unreadable, base64, quantity, quoted, time

FORM = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


@pytest.mark.parametrize(
    ("text", "written"),
    [("0.5", "500m"), ("1000m", "1"), ("1024Mi", "1Gi"), ("1e3", "1e3"), ("100000", "100k")],
)
def test_a_quantity_is_written_in_one_way(text: str, written: str) -> None:
    assert quantity(text) == written


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", FORM),
        ("lots", FORM),
        ("64mb", FORM),
        ("1mm", "unable to parse quantity's suffix"),
        ("1.2.3", "unable to parse numeric part of quantity"),
        ("1e999999999", "unable to parse numeric part of quantity"),
        ("9" * 5000, "unable to parse numeric part of quantity"),
    ],
    ids=["empty", "words", "wrong unit", "two units", "two points", "huge exponent", "huge"],
)
def test_what_is_no_quantity_is_refused_as_go_does(text: str, said: str) -> None:
    with pytest.raises(Unreadable) as refused:
        quantity(text)
    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"),
        ("2024-01-02T03:04:05+02:00", "2024-01-02T01:04:05Z"),
        ("2024-01-02T03:04:05.75Z", "2024-01-02T03:04:05Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_a_time_is_in_utc_and_whole_seconds(text: str, written: str) -> None:
    assert time(text, micro=False) == written


def test_a_micro_time_keeps_and_wants_its_six_digits() -> None:
    assert time("2024-01-02T03:04:05.000100+01:00", micro=True) == "2024-01-02T02:04:05.000100Z"
    with pytest.raises(Unreadable, match=r'cannot parse "Z" as "\.000000"'):
        time("2024-01-02T03:04:05Z", micro=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("soon", 'as "2006-01-02T15:04:05Z07:00": cannot parse "soon" as "2006"'),
        ("2024-01-02", 'as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"'),
        ("2024-01-02T03:04:05", 'as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00"'),
        ("2024-02-31T00:00:00Z", ": day out of range"),
        ("2024-13-01T00:00:00Z", ": month out of range"),
        ("2024-01-01T24:00:00Z", ": hour out of range"),
        ("2024-01-01T00:60:00Z", ": minute out of range"),
        ("2024-01-01T00:00:60Z", ": second out of range"),
        ("2024-01-01T00:00:00Z!", ': extra text: "!"'),
        ("٢٠٢٤-01-01T00:00:00Z", "cannot parse"),
    ],
)
def test_what_is_no_time_is_refused_as_go_does(text: str, said: str) -> None:
    with pytest.raises(Unreadable) as refused:
        time(text, micro=False)
    assert str(refused.value).startswith(f'parsing time "{text}"')
    assert said in str(refused.value)


@given(st.text(max_size=40), st.booleans())
def test_any_text_is_read_or_refused(text: str, micro: bool) -> None:
    for read in (quantity, base64, lambda text: time(text, micro)):
        try:
            once = read(text)
        except Unreadable:
            continue
        assert read(once) == once


@given(st.binary(max_size=20))
def test_bytes_survive(data: bytes) -> None:
    text = stdlib_base64.b64encode(data).decode()
    assert base64(text) == text


@pytest.mark.parametrize(
    ("text", "at"),
    [("YWI", 0), ("YWJjYQ", 4), ("YW I=", 2), ("YWI=x", 4), ("YQ=x", 3), ("=", 0), ("ä===", 0)],
)
def test_go_says_where_base64_ends(text: str, at: int) -> None:
    with pytest.raises(Unreadable, match=f"^illegal base64 data at input byte {at}$"):
        base64(text)


def test_line_ends_in_base64_are_passed_over() -> None:
    assert base64("YWJj\r\nYWJj\n") == "YWJjYWJj"


def test_quotes_are_escaped() -> None:
    assert quoted('a "b" \\c') == '"a \\"b\\" \\\\c"'

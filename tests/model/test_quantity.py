from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.model.quantity import canonical, parse_quantity, shown

QUANTITIES = [
    ("0", "0"),
    ("100m", "0.1"),
    ("1.5", "1.5"),
    (".5", "0.5"),
    ("1.", "1"),
    ("2k", "2000"),
    ("1Ki", "1024"),
    ("1Mi", "1048576"),
    ("1Gi", "1073741824"),
    ("1e3", "1000"),
    ("1E3", "1000"),
    ("12E", "12000000000000000000"),
    ("1E-2", "0.01"),
    ("-5", "-5"),
    ("+5", "5"),
    ("3n", "3E-9"),
    ("3u", "3E-6"),
]


@pytest.mark.parametrize(("text", "number"), QUANTITIES)
def test_a_quantity_is_its_number(text: str, number: str) -> None:
    assert parse_quantity(text) == Decimal(number)


def test_a_bare_number_is_a_quantity_too() -> None:
    assert parse_quantity(2) == 2


@pytest.mark.parametrize(
    "text", ["", "x", "1 Gi", "1gi", "1mi", "1K", "--1", "1e", "e3", "1ki", "1Mib"]
)
def test_other_text_is_refused_in_kubernetes_words(text: str) -> None:
    with pytest.raises(ValueError, match="quantities must match the regular expression"):
        parse_quantity(text)


CANONICAL = [
    ("0.5", "500m"),
    ("1", "1"),
    ("1000m", "1"),
    ("1500m", "1500m"),
    ("100000", "100k"),
    ("1024Mi", "1Gi"),
    ("1.5Gi", "1536Mi"),
    ("0.5Ki", "512"),
    ("5e3", "5e3"),
    ("0", "0"),
    ("-1", "-1"),
    ("0.0000000001", "1n"),
]


@pytest.mark.parametrize(("text", "shown"), CANONICAL)
def test_a_quantity_is_shown_without_fraction_and_as_short_as_can_be(text: str, shown: str) -> None:
    assert canonical(text) == shown
    assert canonical(shown) == shown


def test_what_is_too_fine_is_rounded_up() -> None:
    assert canonical("0.0001", 3) == "1m"


SUFFIXES = st.sampled_from(["", "n", "u", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti", "e3"])
TEXTS = st.builds(
    lambda number, digits, suffix: f"{number}{digits}{suffix}",
    st.integers(-(10**6), 10**6),
    st.sampled_from(["", ".5", ".25", ".001"]),
    SUFFIXES,
)


@given(TEXTS)
def test_the_form_that_is_shown_is_read_as_the_same_amount_and_shown_again(text: str) -> None:
    once = canonical(text)
    assert canonical(once) == once
    # Beyond nine digits it is rounded up, as Go does.
    assert 0 <= parse_quantity(once) - parse_quantity(text) < Decimal("1e-9")


@given(st.integers(0, 2**50), st.booleans())
def test_a_number_is_shown_as_an_amount_of_the_same_size(number: int, binary: bool) -> None:
    assert parse_quantity(shown(Decimal(number), binary=binary)) == number


@given(st.text(alphabet="0123456789.eE+-numkKMGTPi ", max_size=8))
def test_any_text_is_a_quantity_or_refused(text: str) -> None:
    said = ""
    try:
        canonical(text)
    except ValueError as error:
        said = str(error)
    assert not said or said.startswith("quantities must match the regular expression")

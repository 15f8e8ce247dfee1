"""Index sets as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.model import indexes


@pytest.mark.parametrize(
    ("found", "text"),
    [([], ""), ([3], "3"), ([1, 2], "1,2"), ([0, 1, 2], "0-2"), ([0, 2, 3, 4, 7], "0,2-4,7")],
)
def test_the_shortest_text(found: list[int], text: str) -> None:
    assert indexes.text_of(found) == text


@given(st.sets(st.integers(0, 40)))
def test_text_and_back(found: set[int]) -> None:
    assert indexes.parse(indexes.text_of(found), 41) == found


def test_what_is_past_the_end_does_not_count() -> None:
    assert indexes.parse("1-9", 4) == {1, 2, 3}


@pytest.mark.parametrize("text", ["a", "3,1", "5-2", "1-x", "-"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        indexes.parse(text, 10)

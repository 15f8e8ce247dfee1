import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.node.expansion import expand

VALUES = {"A": "1", "B": "two", "EMPTY": "", "DOLLAR": "$(A)"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("$(A)-$(B)", "1-two"),
        ("[$(EMPTY)]", "[]"),
        ("$(UNKNOWN)", "$(UNKNOWN)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$$$$(A)", "$$(A)"),
        ("$(DOLLAR)", "$(A)"),
        ("$A ${A} $", "$A ${A} $"),
        ("$(A", "$(A"),
        ("$()", "$()"),
        ("100$$", "100$"),
    ],
)
def test_expansion(text: str, result: str) -> None:
    assert expand(text, VALUES) == result


@given(st.text(alphabet="$()AB ", max_size=30))
def test_text_without_a_dollar_is_never_changed_and_nothing_raises(text: str) -> None:
    result = expand(text, VALUES)
    assert "$" in text or result == text

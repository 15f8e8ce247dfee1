from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.model.selector import EVERYTHING, equality, from_object, matches
from netemu.model.selectorparser import parse

LABELS = {"app": "web", "tier": "front", "count": "5", "empty": ""}

TEXTS = [
    ("", True),
    ("app=web", True),
    ("app==web,tier=front", True),
    ("app=db", False),
    ("app!=db", True),
    ("none!=x", True),
    ("app in (web, db)", True),
    ("app in (db)", False),
    ("app notin (db,cache)", True),
    ("none notin (x)", True),
    ("app", True),
    ("none", False),
    ("!none", True),
    ("!app", False),
    ("empty=", True),
    ("app=", False),
    ("count>4", True),
    ("count<5", False),
    ("app in (web),!none,tier!=back", True),
    ("example.com/app=web", False),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_a_text_selects_as_kubectl_does(text: str, expected: bool) -> None:
    assert matches(parse(text), LABELS) is expected


@pytest.mark.parametrize("text", ["a=b=c", "a in b", "a in (b", "=b", "a,,b", "a b", "(a)", "!a=b"])
def test_what_is_no_selector_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="found"):
        parse(text)


OBJECTS: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"matchLabels": {"app": "web"}}, True),
    ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}, True),
    ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
    ({"matchExpressions": [{"key": "none", "operator": "DoesNotExist"}]}, True),
    (
        {
            "matchLabels": {"app": "web"},
            "matchExpressions": [{"key": "none", "operator": "Exists"}],
        },
        False,
    ),
]


@pytest.mark.parametrize(("selector", "expected"), OBJECTS)
def test_an_object_selects_by_all_its_parts(selector: dict[str, Any], expected: bool) -> None:
    made = from_object(selector)
    assert made is not None
    assert matches(made, LABELS) is expected


def test_an_absent_selector_is_not_the_empty_one() -> None:
    assert from_object(None) is None
    assert from_object({}) == EVERYTHING


@given(st.text(max_size=40))
def test_any_text_is_a_selector_or_refused(text: str) -> None:
    try:
        selector = parse(text)
    except ValueError:
        return
    assert matches(selector, LABELS) in (True, False)


_word = st.from_regex(r"[a-z]([a-z0-9.-]{0,10}[a-z0-9])?", fullmatch=True)


@given(st.dictionaries(_word, _word, max_size=4))
def test_equality_selects_exactly_what_has_these_labels(labels: dict[str, str]) -> None:
    assert matches(equality(labels), labels | {"other": "x"})
    for key in labels:
        assert not matches(equality(labels), {k: v for k, v in labels.items() if k != key})

"""Selectors as text, and what is said of those that are none."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.model.names import label_value, qualified_name
from netemu.model.selector import Operator, Requirement, Selector, matches
from netemu.model.selectorparser import parse

IN, NOT_IN = Operator.IN, Operator.NOT_IN
READ: dict[str, Selector] = {
    "": (),
    "a": (Requirement("a", Operator.EXISTS),),
    "! a": (Requirement("a", Operator.DOES_NOT_EXIST),),
    "a=b": (Requirement("a", IN, ("b",)),),
    "a == b": (Requirement("a", IN, ("b",)),),
    "a=": (Requirement("a", IN, ("",)),),
    "a!=b,c": (Requirement("a", NOT_IN, ("b",)), Requirement("c", Operator.EXISTS)),
    "a in (c,b)": (Requirement("a", IN, ("b", "c")),),
    "a in (,b)": (Requirement("a", IN, ("", "b")),),
    "a in (b,)": (Requirement("a", IN, ("", "b")),),
    "a in (,)": (Requirement("a", IN, ("",)),),
    "a notin(b)": (Requirement("a", NOT_IN, ("b",)),),
    "in in (in)": (Requirement("in", IN, ("in",)),),
    "in,notin": (Requirement("in", Operator.EXISTS), Requirement("notin", Operator.EXISTS)),
    "x.org/a>1,b<22": (
        Requirement("x.org/a", Operator.GT, ("1",)),
        Requirement("b", Operator.LT, ("22",)),
    ),
}


@pytest.mark.parametrize("text", READ)
def test_reading(text: str) -> None:
    assert parse(text) == READ[text]


class Case(NamedTuple):
    text: str
    refusal: str


REQUIREMENT = "unable to parse requirement: "
REFUSED = [
    Case("a=b=c", "found '=', expected: ',' or 'end of string'"),
    Case("!!x", f"{REQUIREMENT}found '!', expected: identifier"),
    Case("=x", "found '=', expected: !, identifier, or 'end of string'"),
    Case("a,", "found '', expected: identifier after ','"),
    Case("a,=b", "found '=', expected: identifier after ','"),
    Case("a b", f"{REQUIREMENT}found 'b', expected: in, notin, =, ==, !=, gt, lt"),
    Case("a in b", f"{REQUIREMENT}found 'b' expected: '('"),
    Case("a in (", f"{REQUIREMENT}found '', expected: ',', ')' or identifier"),
    Case("a in (b", f"{REQUIREMENT}found '', expected: ',' or ')'"),
    Case("a in (b c)", f"{REQUIREMENT}found 'c', expected: ',' or ')'"),
    Case("a in (b,=)", f"{REQUIREMENT}found '=', expected: ',', or identifier"),
    Case("a==(b)", f"{REQUIREMENT}found '(', expected: identifier"),
    Case(
        "a in ()",
        f"{REQUIREMENT}values: Invalid value: []string{{}}: for 'in', 'notin' operators, values "
        "set can't be empty",
    ),
    Case(
        "a>b",
        f"{REQUIREMENT}values[0]: Invalid value: \"b\": for 'Gt', 'Lt' operators, the value must "
        "be an integer",
    ),
    Case("-a", f'{REQUIREMENT}<nil>: Invalid value: "-a": {qualified_name("-a")[0]}'),
    Case("a=b@", f'{REQUIREMENT}values[0][a]: Invalid value: "b@": {label_value("b@")[0]}'),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.text)
def test_refusing(case: Case) -> None:
    with pytest.raises(ValueError, match=".") as refused:
        parse(case.text)
    assert str(refused.value) == case.refusal


WORDS = st.from_regex(r"[a-z]([a-z0-9.-]{0,5}[a-z0-9])?", fullmatch=True)
REQUIREMENTS = st.one_of(
    st.builds(Requirement, WORDS, st.sampled_from([Operator.EXISTS, Operator.DOES_NOT_EXIST])),
    st.builds(
        Requirement,
        WORDS,
        st.sampled_from([IN, NOT_IN]),
        st.sets(WORDS, min_size=1, max_size=3).map(lambda found: tuple(sorted(found))),
    ),
)


def written(one: Requirement) -> str:
    match one.operator:
        case Operator.EXISTS:
            return one.key
        case Operator.DOES_NOT_EXIST:
            return f"!{one.key}"
        case operator:
            return f"{one.key} {operator.lower()} ({','.join(one.values)})"


@given(st.lists(REQUIREMENTS, max_size=4))
def test_what_is_written_is_read(wanted: list[Requirement]) -> None:
    assert parse(", ".join(map(written, wanted))) == tuple(wanted)


@given(REQUIREMENTS, st.dictionaries(WORDS, WORDS, max_size=3))
def test_a_selector_and_its_opposite_part_the_world(
    one: Requirement, labels: dict[str, str]
) -> None:
    opposites = {
        Operator.EXISTS: Operator.DOES_NOT_EXIST,
        Operator.DOES_NOT_EXIST: Operator.EXISTS,
        IN: NOT_IN,
        NOT_IN: IN,
    }
    other = Requirement(one.key, opposites[one.operator], one.values)
    assert matches((one,), labels) is not matches((other,), labels)


@given(st.text(alphabet="ab=!(),<> in\t", max_size=12))
def test_any_text_is_read_or_refused_with_words(text: str) -> None:
    said = ""
    try:
        parse(text)
    except ValueError as error:
        said = str(error)
    assert not said or "expected" in said or "Invalid value" in said

import json

from hypothesis import given
from hypothesis import strategies as st

from netemu.programs.agnhost.golang import header_name, to_json


def test_html_is_escaped_as_go_does() -> None:
    assert to_json({"a": "<b>&"}) == '{"a":"\\u003cb\\u003e\\u0026"}'


@given(st.dictionaries(st.text(), st.text() | st.lists(st.text())))
def test_it_is_json_all_the_same(value: dict[str, object]) -> None:
    assert json.loads(to_json(value)) == value


def test_header_names_are_canonical() -> None:
    assert header_name("x-forwarded-FOR") == "X-Forwarded-For"

"""Bodies: what is read, and what is refused with which words."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.api import body
from netemu.api.jsonbody import MAX_DEPTH
from netemu.model.errors import BadRequest, UnsupportedMediaType

HEAD = "the object provided is unrecognized (must be of type Deployment): "
PARSE = HEAD + "couldn't get version/kind; json parse error: "


def refusal(data: bytes, content_type: str = "application/json") -> str:
    with pytest.raises(BadRequest) as refused:
        body.parse(data, content_type, "Deployment")
    return refused.value.message


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "", "Application/JSON"]
)
def test_json_is_read(content_type: str) -> None:
    assert body.parse(b'{"kind": "Pod", "a": [1, 2.5, null]}', content_type) == (
        {"kind": "Pod", "a": [1, 2.5, None]},
        [],
    )


def test_yaml_is_read() -> None:
    assert body.parse(b"kind: Pod\na: [1]\n", "application/yaml") == ({"kind": "Pod", "a": [1]}, [])


def test_other_types_are_refused() -> None:
    with pytest.raises(UnsupportedMediaType, match="the body of the request was in an unknown"):
        body.parse(b"{}", "text/plain")


def test_names_said_twice_are_told_with_their_place_and_the_last_value_stays() -> None:
    data = b'{"spec": {"x": 1, "x": 2, "l": [{"a": 1, "a": 1}]}, "spec2": 1, "spec": {"x": 3}}'
    assert body.parse(data, "") == (
        {"spec": {"x": 3}, "spec2": 1},
        [
            'duplicate field "spec.x"',
            'duplicate field "spec.l[0].a"',
            'duplicate field "spec"',
        ],
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "unexpected end of JSON input (<empty>)"),
        (b"{", "unexpected end of JSON input ({)"),
        (b'{"a', 'unexpected end of JSON input ({"a)'),
        (b'{"a" 1}', "invalid character '1' after object key ({\"a\" 1})"),
        (b'{"a":1 2}', "invalid character '2' after object key:value pair ({\"a\":1 2})"),
        (b'{"a":[{}]{}', "invalid character '{' after object key:value pair ({\"a\":[{}]{})"),
        (b"[1 2]", "invalid character '2' after array element (5b3120325d)"),
        (b'{"a":1}x', "invalid character 'x' after top-level value ({\"a\":1}x)"),
        (b"{a:1}", "invalid character 'a' looking for beginning of object key string ({a:1})"),
        (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        (b"[1,]", "invalid character ']' looking for beginning of value (5b312c5d)"),
        (b'{"a":NaN}', "invalid character 'N' looking for beginning of value ({\"a\":NaN})"),
        (b'{"a":-Infinity}', "invalid character 'I' in numeric literal"),
        (b'{"a":1e999}', "json: cannot unmarshal number 1e999 into Go value of type float64"),
        (b'{"a":"\n"}', "invalid character '\\n' in string literal"),
        (b'{"a":"\\q"}', "invalid character 'q' in string escape code"),
        (b"kind: Pod", "invalid character 'k' looking for beginning of value (6b696e643a20506f64)"),
        (b'{"kind":5}', "json: cannot unmarshal number into Go struct field .kind of type string"),
        (b"[" * 5000, "exceeded max depth"),
        (b'{"a":' * 201 + b"1" + b"}" * 201, "exceeded max depth"),
    ],
    ids=lambda value: repr(value[:20]) if isinstance(value, bytes) else "",
)
def test_malformed_json_is_refused_in_gos_words(data: bytes, said: str) -> None:
    assert refusal(data).startswith(PARSE + said)


def test_a_long_body_is_shown_in_part() -> None:
    data = b"longer than the thirty bytes that are shown"
    assert refusal(data).endswith(f" ({data[:30].hex()} ...)")
    data = b'{"longer": "than the thirty bytes that are shown'
    assert refusal(data).endswith(' ({"longer": "than the thirty by ...)')


@pytest.mark.parametrize(("data", "what"), [(b"[]", "array"), (b'"x"', "string"), (b"3", "number")])
def test_what_is_no_object_is_refused(data: bytes, what: str) -> None:
    assert refusal(data) == (
        f"{PARSE}json: cannot unmarshal {what} into Go value of type struct "
        '{ APIVersion string "json:\\"apiVersion,omitempty\\""; '
        f'Kind string "json:\\"kind,omitempty\\"" }} ({data.hex()})'
    )


def test_null_is_an_empty_object() -> None:
    assert body.parse(b"null", "") == ({}, [])


def test_the_deepest_body_allowed_is_read() -> None:
    data = b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH
    assert body.parse(data, "")[1] == []


def test_numbers_that_fit_in_64_bits_stay_whole() -> None:
    data = b'{"a": 9223372036854775807, "b": 9223372036854775808, "c": -9223372036854775808}'
    value, _ = body.parse(data, "")
    assert value == {"a": 2**63 - 1, "b": float(2**63), "c": -(2**63)}
    assert isinstance(value["b"], float)


def test_what_utf8_cannot_say_is_replaced() -> None:
    value, _ = body.parse(b'{"a": "\\ud800", "b": "\\ud83d\\ude00", "c": "\xff"}', "")
    assert value == {"a": "\ufffd", "b": "\U0001f600", "c": "\ufffd"}


@given(
    st.binary(max_size=60) | st.text(alphabet='{}[]":,1-e.tnf\\ ua', max_size=40).map(str.encode)
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        value, _ = body.parse(data, "")
    except BadRequest:
        return
    json.dumps(value, allow_nan=False).encode()


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(min_size=6), JSON, max_size=4))
def test_json_that_was_written_is_read_back(value: dict[str, Any]) -> None:
    if {"apiVersion", "kind"} & value.keys():
        return
    assert body.parse(json.dumps(value).encode(), "") == (value, [])

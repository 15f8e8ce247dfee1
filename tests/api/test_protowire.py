import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.api.protowire import MAX_GROUPS, WireError, fields, signed, varint
from tests.support.protobuf import varint as encode_varint


def test_each_wire_type_is_read() -> None:
    data = b"\x08\x96\x01" + b"\x12\x03abc" + b"\x19" + b"12345678" + b"\x25" + b"1234"
    assert list(fields(data)) == [(1, 0, 150), (2, 2, b"abc"), (3, 1, b"12345678"), (4, 5, b"1234")]


def test_groups_are_passed_over() -> None:
    inner = b"\x0b\x08\x01\x13\x12\x01x\x14\x0c"
    assert list(fields(inner + b"\x08\x05")) == [(1, 0, 5)]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x08", "unexpected EOF"),
        (b"\x08\x80", "unexpected EOF"),
        (b"\x12\x05abc", "unexpected EOF"),
        (b"\x19123", "unexpected EOF"),
        (b"\x08" + b"\xff" * 10 + b"\x01", "proto: integer overflow"),
        (b"\x12" + b"\xff" * 9 + b"\x01", "proto: negative length found during unmarshaling"),
        (b"\x0c", "proto: Pod: wiretype end group for non-group"),
        (b"\x00", "proto: Pod: illegal tag 0 (wire type 0)"),
        (b"\x0f", "proto: illegal wireType 7"),
        (b"\x0b" * (MAX_GROUPS + 1), "proto: exceeded max recursion depth"),
        (b"\x0b\x08\x01", "unexpected EOF"),
    ],
)
def test_what_is_no_message_is_refused_in_gos_words(data: bytes, said: str) -> None:
    with pytest.raises(WireError) as refused:
        list(fields(data, "Pod"))
    assert str(refused.value) == said


@given(st.integers(0, 2**64 - 1))
def test_numbers_come_back(number: int) -> None:
    assert varint(encode_varint(number), 0) == (number, len(encode_varint(number)))


@given(st.integers(-(2**31), 2**31 - 1))
def test_integers_have_signs(number: int) -> None:
    assert signed(number & (2**64 - 1), 64) == signed(number & (2**64 - 1), 32) == number


@given(st.binary(max_size=200))
def test_any_bytes_are_fields_or_refused(data: bytes) -> None:
    with contextlib.suppress(WireError):
        for number, _, _ in fields(data):
            assert number > 0

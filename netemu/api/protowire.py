"""Protocol Buffers' wire format: a message's bytes as fields with numbers (no schema needed).

What isn't one is refused in the words of Go's generated code, which clients get to see.
"""

from collections.abc import Iterator
from typing import Final

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
START_GROUP: Final = 3
END_GROUP: Final = 4
FIXED32: Final = 5
MAX_GROUPS: Final = 100
"""Levels of nested groups; nothing in the API uses even one."""

Value = int | bytes


class WireError(Exception):
    """The bytes are no message; the text is Go's."""


_SHORT: Final = "unexpected EOF"
_OVERFLOW: Final = "proto: integer overflow"
_NEGATIVE: Final = "proto: negative length found during unmarshaling"


def fields(data: bytes, name: str = "") -> Iterator[tuple[int, int, Value]]:
    """Each field's number, wire type and value; groups are skipped. Raises WireError.

    `name` is the message's, for what is said of a bad tag.
    """
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, wire = tag >> 3 & 0x1FFFFFFF, tag & 7
        if wire == END_GROUP:
            raise WireError(f"proto: {name}: wiretype end group for non-group")
        if not number:
            raise WireError(f"proto: {name}: illegal tag {number} (wire type {wire})")
        if wire == START_GROUP:
            at = _after_group(data, at)
            continue
        value, at = _value(data, at, wire)
        yield number, wire, value


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at a place, below 2**64, and the place behind it. Raises WireError."""
    number = shift = 0
    while shift < 64:
        if at >= len(data):
            raise WireError(_SHORT)
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
    raise WireError(_OVERFLOW)


def _value(data: bytes, at: int, wire: int) -> tuple[Value, int]:
    if wire == VARINT:
        return varint(data, at)
    if wire == BYTES:
        size, at = varint(data, at)
        if size >= 2**63:
            raise WireError(_NEGATIVE)
    elif wire in (FIXED64, FIXED32):
        size = 8 if wire == FIXED64 else 4
    else:
        raise WireError(f"proto: illegal wireType {wire}")
    if at + size > len(data):
        raise WireError(_SHORT)
    return data[at : at + size], at + size


def _after_group(data: bytes, at: int) -> int:
    depth = 1
    while depth:
        tag, at = varint(data, at)
        match tag & 7:
            case 3:
                depth += 1
                if depth > MAX_GROUPS:
                    raise WireError("proto: exceeded max recursion depth")
            case 4:
                depth -= 1
            case wire:
                _, at = _value(data, at, wire)
    return at


def signed(number: int, bits: int) -> int:
    """A varint as a Go integer of that size."""
    number &= (1 << bits) - 1
    return number - (1 << bits) if number >> (bits - 1) else number

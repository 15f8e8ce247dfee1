"""Write Protocol Buffers as a client in Go does: by the shipped table of messages."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from netemu.api.protobuf import Field, message_of, messages
from netemu.clock import parse_rfc3339
from netemu.model.meta import Object


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number: int, value: int | bytes | str) -> bytes:
    """One field."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value & (2**64 - 1))
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def unknown(message: bytes, kind: str = "Pod", api_version: str = "v1") -> bytes:
    """A body: the message of an object of that kind."""
    head = field(1, api_version) + field(2, kind)
    return b"k8s\0" + field(1, head) + field(2, message)


def body_of(obj: Object) -> bytes:
    """A body, of an object without anything but strings, numbers, lists and the like in it."""
    api_version, kind = obj["apiVersion"], obj["kind"]
    name = message_of(api_version, kind)
    assert name is not None
    rest = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind")}
    return unknown(encoded(name, rest), kind, api_version)


def encoded(name: str, obj: Mapping[str, Any]) -> bytes:
    """A message; its times are seconds."""
    out, left = b"", dict(obj)
    for each in messages()[name].values():
        if each.how == "inline":
            inner = {item.name for item in messages()[each.message].values()}
            given = {key: left.pop(key) for key in tuple(left) if key in inner}
            out += field(each.number, encoded(each.message, given))
        elif each.name in left:
            out += _written(each, left.pop(each.name))
    assert not left, left
    return out


def _written(each: Field, value: Any) -> bytes:
    match each.how:
        case "list":
            return b"".join(field(each.number, _one(each, item)) for item in value)
        case "map":
            entries = (field(1, key) + field(2, _one(each, item)) for key, item in value.items())
            return b"".join(field(each.number, entry) for entry in entries)
        case _:
            return field(each.number, _one(each, value))


def _one(each: Field, value: Any) -> int | bytes | str:
    if each.kind == "bytes":
        return b64decode(value)
    if each.kind != "message":
        assert isinstance(value, int | str)
        return value
    match each.message.rpartition(".")[2]:
        case "Quantity":
            return field(1, value)
        case "Time":
            return field(1, int(parse_rfc3339(value)))
        case "ExtraValue":
            return encoded(each.message, {"items": value})
        case "IntOrString":
            number = isinstance(value, int)
            return field(1, int(not number)) + field(2 if number else 3, value)
        case _:
            return encoded(each.message, value)

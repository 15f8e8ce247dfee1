"""Bodies in Protocol Buffers become the objects that the same client would have sent as JSON.

kubectl since 1.32, and whatever else is built with client-go of that age, sends built-in kinds so:
four letters, then a ``runtime.Unknown`` that names the kind and holds the message. What messages
are made of comes from a shipped file (`scripts/build_protobuf.py` writes it), read when the first
such body comes. Fields stay out that Go's encoder writes though nobody set them.
"""

import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import msgspec

from netemu.api.protowire import BYTES, VARINT, Value, WireError, fields, signed
from netemu.model.meta import Object

PREFIX: Final = b"k8s\x00"
"""What such a body begins with."""

_GZIP: Final = 31
_API: Final = "k8s.io.api."
_MACHINERY: Final = "k8s.io.apimachinery.pkg."
_META: Final = _MACHINERY + "apis.meta.v1."
_SCHEME: Final = "pkg/api/legacyscheme/scheme.go:30"
"""Where upstream says that it looked for a kind."""


class Unrecognised(Exception):
    """The body isn't of this format at all; the text is what upstream says of it."""


class Undecodable(Exception):
    """The kind is known and what follows is broken; the text is what upstream says of it."""

    def __init__(self, api_version: str, kind: str, why: str) -> None:
        super().__init__(why)
        self.version = api_version.rpartition("/")[2]
        self.kind = kind


class Field(NamedTuple):
    """One field of a message."""

    number: int
    name: str
    """In JSON."""
    kind: Literal["bool", "bytes", "int32", "int64", "message", "string"]
    message: str
    """Full name of the message it holds."""
    how: Literal["", "meant", "inline", "list", "map"]
    """meant: a zero says something; inline: its fields stand beside it."""


Message = Mapping[int, Field]
Load = Callable[[bytes], Any]
"""Reads any JSON value, or raises."""


@cache
def messages() -> Mapping[str, Message]:
    """Every message by its full name."""
    path = Path(__file__).parent / "data" / "protobuf.json.gz"
    text = zlib.decompress(path.read_bytes(), _GZIP)
    found = msgspec.json.decode(text, type=dict[str, list[Field]])
    return {name: {field.number: field for field in described} for name, described in found.items()}


def decode(body: bytes, load_json: Load, *, api_version: str = "", kind: str = "") -> Object:
    """The object in a body. Raises Unrecognised, Undecodable.

    `api_version` and `kind` are what it is if it doesn't say; `load_json` reads the JSON that some
    messages hold.
    """
    if not body:
        raise Unrecognised("empty data")
    if not body.startswith(PREFIX):
        prefix = " ".join(str(letter) for letter in PREFIX)
        words = "provided data does not appear to be a protobuf message, expected prefix"
        raise Unrecognised(f"{words} [{prefix}]")
    if len(body) == len(PREFIX):
        raise Unrecognised("empty body")
    try:
        said_version, said_kind, raw = _unknown(body[len(PREFIX) :])
    except WireError as error:
        raise Unrecognised(str(error)) from None
    api_version, kind = said_version or api_version, said_kind or kind
    name = message_of(api_version, kind)
    if name is None:
        words = f'no kind "{kind}" is registered for version "{api_version}" in scheme "{_SCHEME}"'
        raise Undecodable(api_version, kind, words)
    try:
        obj = _Decoder(load_json).message(name, raw, {})
    except WireError as error:
        raise Undecodable(api_version, kind, str(error)) from None
    return {"apiVersion": api_version, "kind": kind, **obj}


def _unknown(data: bytes) -> tuple[str, str, bytes]:
    """apiVersion, kind and message of a runtime.Unknown."""
    head = raw = b""
    for number, wire, value in fields(data, "Unknown"):
        if number not in (1, 2):
            continue
        if wire != BYTES or not isinstance(value, bytes):
            name = ("TypeMeta", "Raw")[number - 1]
            raise WireError(f"proto: wrong wireType = {wire} for field {name}")
        if number == 1:
            head = value
        else:
            raw = value
    texts = {n: v for n, _, v in fields(head, "TypeMeta") if isinstance(v, bytes)}
    return _text(texts.get(1, b"")), _text(texts.get(2, b"")), raw


def message_of(api_version: str, kind: str) -> str | None:
    """The message of a kind: groups' packages go by the first label of their names; what belongs to
    every group (DeleteOptions, …) is the machinery's.
    """
    group, _, version = api_version.rpartition("/")
    package = group.partition(".")[0] or "core"
    every = messages()
    for name in (f"{_API}{package}.{version}.{kind}", _META + kind):
        if name in every and kind:
            return name
    return None


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")  # as Go shows what is no UTF-8


class _Decoder:
    """One walk over a message's bytes."""

    def __init__(self, load_json: Load) -> None:
        self._load_json = load_json

    def message(self, name: str, data: bytes, into: Object) -> Object:
        """Add a message's fields to an object; a field that comes twice is merged, as in Go."""
        known, short = messages()[name], name.rpartition(".")[2]
        for number, wire, value in fields(data, short):
            field = known.get(number)
            if field is None:
                continue  # of a newer client
            if wire != (BYTES if field.how == "map" else _WIRES[field.kind]):
                raise WireError(f"proto: wrong wireType = {wire} for field {_go_name(field.name)}")
            self._add(field, value, into)
        return into

    def _add(self, field: Field, value: Value, into: Object) -> None:
        match field.how:
            case "inline":
                self.message(field.message, _bytes(value), into)
            case "list":
                into.setdefault(field.name, []).append(self._value(field, value, None))
            case "map":
                self._entry(field, value, into.setdefault(field.name, {}))
            case _:
                found = self._value(field, value, into.get(field.name))
                if found is None or (not found and field.how == "" and field.kind != "message"):
                    into.pop(field.name, None)
                else:
                    into[field.name] = found

    def _entry(self, field: Field, value: Value, into: Object) -> None:
        key, found = "", self._value(field, _EMPTY[field.kind], None)
        for number, wire, part in fields(_bytes(value), "entry"):
            if number == 1 and wire == BYTES:
                key = _text(_bytes(part))
            elif number == 2 and wire == _WIRES[field.kind]:
                found = self._value(field, part, None)
        into[key] = found

    def _value(self, field: Field, value: Value, before: Any) -> Any:
        if field.kind != "message":
            return _SCALARS[field.kind](value)
        data = _bytes(value)
        if special := _SPECIAL.get(field.message):
            return special(_scalars(data))
        if field.message in _JSON:
            return self._json(_scalars(data).get(1, b""))
        if field.message.endswith(_LISTS):
            return self.message(field.message, data, {}).get("items", [])
        return self.message(field.message, data, before if isinstance(before, dict) else {})

    def _json(self, data: Any) -> Any:
        if not isinstance(data, bytes) or not data:
            return None
        return self._load_json(data)


_WIRES: Final = {
    "bool": VARINT,
    "bytes": BYTES,
    "int32": VARINT,
    "int64": VARINT,
    "message": BYTES,
    "string": BYTES,
}
_EMPTY: Final[Mapping[str, Value]] = {
    kind: b"" if wire == BYTES else 0 for kind, wire in _WIRES.items()
}


def _bytes(value: Value) -> bytes:
    assert isinstance(value, bytes)
    return value


def _integer(bits: int) -> Callable[[Value], int]:
    def read(value: Value) -> int:
        assert isinstance(value, int)
        return signed(value, bits)

    return read


_SCALARS: Final[Mapping[str, Callable[[Value], Any]]] = {
    "bool": bool,
    "bytes": lambda value: b64encode(_bytes(value)).decode(),
    "int32": _integer(32),
    "int64": _integer(64),
    "string": lambda value: _text(_bytes(value)),
}

Scalars = Mapping[int, Value]


def _scalars(data: bytes) -> Scalars:
    return {number: value for number, _, value in fields(data)}


def _number(parts: Scalars, number: int, bits: int = 64) -> int:
    value = parts.get(number, 0)
    return signed(value, bits) if isinstance(value, int) else 0


def _string(parts: Scalars, number: int) -> str:
    value = parts.get(number, b"")
    return _text(value) if isinstance(value, bytes) else ""


def _quantity(parts: Scalars) -> str:
    return _string(parts, 1) or "0"


_EPOCH: Final = datetime.fromtimestamp(0, UTC).replace(tzinfo=None)


def _time(parts: Scalars) -> str | None:
    return _moment(parts, timedelta(), "seconds")


def _micro_time(parts: Scalars) -> str | None:
    fraction = timedelta(microseconds=_number(parts, 2, 32) // 1000)
    return _moment(parts, fraction, "microseconds")


def _moment(parts: Scalars, fraction: timedelta, unit: str) -> str | None:
    if not parts:
        return None  # nobody said when
    try:
        moment = _EPOCH + timedelta(seconds=_number(parts, 1)) + fraction
    except OverflowError:
        raise WireError("Time.MarshalJSON: year outside of range [0,9999]") from None
    return moment.isoformat(timespec=unit) + "Z"


def _int_or_string(parts: Scalars) -> int | str:
    return _string(parts, 3) if _number(parts, 1) else _number(parts, 2, 32)


def _duration(parts: Scalars) -> str:
    return f"{_number(parts, 1) / 1e9:g}s"


_SPECIAL: Final[Mapping[str, Callable[[Scalars], Any]]] = {
    _MACHINERY + "api.resource.Quantity": _quantity,
    _MACHINERY + "api.resource.QuantityValue": _quantity,
    _META + "Time": _time,
    _META + "MicroTime": _micro_time,
    _META + "Duration": _duration,
    _MACHINERY + "util.intstr.IntOrString": _int_or_string,
}
"""Messages that are no objects in JSON."""
_JSON: Final = frozenset({_META + "FieldsV1", _MACHINERY + "runtime.RawExtension"})
"""Messages that hold JSON."""
_LISTS: Final = (".ExtraValue", ".v1.Verbs")
"""Messages that are lists in JSON."""


def _go_name(name: str) -> str:
    return name[:1].upper() + name[1:]

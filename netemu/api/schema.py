"""What each kind's fields are: read once, when first asked for, from the shipped schema file.

The file (`scripts/build_schema.py` writes it) holds the definitions and, apart from them, their
descriptions. Here the definitions become a small graph of immutable types without descriptions;
only an OpenAPI document needs those, and reads them again. Types refer to each other directly,
and to themselves where the API does (JSONSchemaProps), so they compare by identity.
"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import msgspec

from netemu.model.resources import Resource

EXTRA: Final = Path(__file__).parent / "data" / "extra.json"
"""Kinds of others that many clusters know, and the node hints of endpoints (KEP-3015), which are
newer than the rest; written by hand in the same form."""
GZIP: Final = 31
"""zlib's window for a gzip member."""

ListType: TypeAlias = Literal["atomic", "set", "map"]


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A string."""


@dataclass(frozen=True, slots=True, eq=False)
class Boolean:
    """true or false."""


@dataclass(frozen=True, slots=True, eq=False)
class Integer:
    """A whole number of that many bits, signed."""

    bits: int


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """A float64."""


@dataclass(frozen=True, slots=True, eq=False)
class Bytes:
    """A string in base64."""


@dataclass(frozen=True, slots=True, eq=False)
class Time:
    """A string in RFC 3339: whole seconds, or six digits after them."""

    micro: bool


@dataclass(frozen=True, slots=True, eq=False)
class IntOrString:
    """An int32 or a string."""


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """A string like ``100m`` or ``1Gi``; a number is taken, too."""


@dataclass(frozen=True, slots=True, eq=False)
class Anything:
    """JSON that the API keeps as it is."""

    objects: "Struct | None" = None
    """What objects in it are, and those in a list (JSONSchemaPropsOrBool, …OrArray)."""


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """A list, and how lists of it merge."""

    items: "Type"
    list_type: ListType = "atomic"
    """How managers own it (KEP-555): whole, by value, or by the keys of its items."""
    keys: tuple[str, ...] = ()
    """The fields that tell the items of a "map" apart."""
    merges: bool = False
    """Whether a strategic merge patch merges it; else it replaces."""
    merge_key: str = ""
    """The field by which a strategic merge patch finds an item; "" for plain values."""


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """An object with free keys."""

    values: "Type"
    atomic: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Struct:
    """An object with known fields."""

    name: str
    """As Go names it: package and type, ``v1.DeploymentSpec``."""
    fields: Mapping[str, "Type"] = field(repr=False)
    defaults: Mapping[str, Any] = field(repr=False)
    """Of fields that are part of a list's key."""
    always: frozenset[str] = field(repr=False)
    """Structs and lists in it that are never absent in a cluster, only empty."""
    atomic: bool = False
    """Whether managers own it whole."""


Type: TypeAlias = (
    Text
    | Boolean
    | Integer
    | Number
    | Bytes
    | Time
    | IntOrString
    | Quantity
    | Anything
    | Array
    | Map
    | Struct
)

_OR: Final = ("JSONSchemaPropsOrArray", "JSONSchemaPropsOrBool")
TEXT: Final = Text()
ANYTHING: Final = Anything()
_PLAIN: Final[Mapping[tuple[str | None, str | None], Type]] = {
    ("string", None): TEXT,
    ("string", "byte"): Bytes(),
    ("string", "date-time"): Time(micro=False),
    ("string", "int-or-string"): IntOrString(),
    ("string", "quantity"): Quantity(),
    ("boolean", None): Boolean(),
    ("integer", "int32"): Integer(32),
    ("integer", "int64"): Integer(64),
    ("number", "double"): Number(),
    ("object", None): ANYTHING,
    (None, None): ANYTHING,
}
"""(type, format) of what has no parts."""
_MICRO_TIME: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime"

Schema: TypeAlias = dict[str, Any]
"""One definition or field as OpenAPI writes it."""


class Definitions(msgspec.Struct, frozen=True):
    """The file's first part."""

    kinds: dict[str, str]
    """The definition of a kind, by "apiVersion/kind"."""
    always: dict[str, list[str]]
    """By definition: the structs and lists in it that a cluster writes even when empty."""
    definitions: dict[str, msgspec.Raw]
    """As OpenAPI writes them, without descriptions; each stays packed until somebody needs it."""


def members() -> Iterator[bytes]:
    """The file's parts, unpacked one by one: definitions, then descriptions."""
    data = (Path(__file__).parent / "data" / "schema.json.gz").read_bytes()
    while data:
        unpack = zlib.decompressobj(GZIP)
        yield unpack.decompress(data)
        data = unpack.unused_data


@cache
def definitions() -> Definitions:
    """The first part, and the kinds of others that netemu knows."""
    shipped = msgspec.json.decode(next(members()), type=Definitions)
    extra = msgspec.json.decode(EXTRA.read_bytes(), type=Definitions)
    return Definitions(
        {**shipped.kinds, **extra.kinds},
        {**shipped.always, **extra.always},
        {**shipped.definitions, **extra.definitions},
    )


def descriptions() -> Mapping[str, Mapping[str, str]]:
    """By definition: its own description as "", its fields' by their name."""
    _, second = members()
    found: Mapping[str, Mapping[str, str]] = msgspec.json.decode(second)
    return found


@cache
def kind_of(api_version: str, kind: str) -> Struct | None:
    """The type of a kind; None when the schema doesn't know it."""
    name = definitions().kinds.get(f"{api_version}/{kind}")
    found = None if name is None else _types().named(name)
    assert found is None or isinstance(found, Struct)
    return found


def named(name: str) -> Type:
    """The type of one definition."""
    return _types().named(name)


def of(resource: Resource) -> Struct:
    """The type of a resource's objects. Raises LookupError for one without a schema."""
    if resource.custom:
        found: Struct = resource.type  # type: ignore[attr-defined]  # a CustomResource
        return found
    return _built_in(resource)


@cache
def _built_in(resource: Resource) -> Struct:
    found = kind_of(resource.api_version, resource.kind)
    if found is None:
        raise LookupError(f"no schema for {resource.kind} in {resource.api_version}")
    return found


class _Types:
    """Turns definitions into types, each once and not before it is needed."""

    def __init__(self, file: Definitions) -> None:
        self._raw = file.definitions
        self._always = file.always
        self._done: dict[str, Type] = {}

    def named(self, name: str) -> Type:
        """The type of one definition."""
        if name not in self._done:
            raw = msgspec.json.decode(self._raw[name])
            if name == _MICRO_TIME:
                self._done[name] = Time(micro=True)
            elif name.endswith(_OR):
                whole = self.named(name.rpartition("Or")[0])
                self._done[name] = Anything(whole if isinstance(whole, Struct) else None)
            elif "properties" not in raw:
                self._done[name] = self._type(raw)
            else:
                self._struct(name, raw)
        return self._done[name]

    def _struct(self, name: str, raw: Schema) -> None:
        fields: dict[str, Type] = {}
        package, _, type_name = name.rpartition(".")
        # Known before its fields are: they may refer back to it.
        self._done[name] = Struct(
            f"{package.rpartition('.')[2]}.{type_name}",
            fields,
            {key: raw["default"] for key, raw in raw["properties"].items() if "default" in raw},
            frozenset(self._always.get(name, ())),
            raw.get("x-kubernetes-map-type") == "atomic",
        )
        for key, raw_field in raw["properties"].items():
            fields[key] = self._type(raw_field)

    def _type(self, raw: Schema) -> Type:
        if "$ref" in raw:
            named = self.named(raw["$ref"])
            if isinstance(named, Struct) and raw.get("x-kubernetes-map-type") == "atomic":
                return replace(named, atomic=True)
            return named
        if raw.get("type") == "array":
            return self._array(raw)
        if "additionalProperties" in raw:
            atomic = raw.get("x-kubernetes-map-type") == "atomic"
            return Map(self._type(raw["additionalProperties"]), atomic)
        return _PLAIN[raw.get("type"), raw.get("format")]

    def _array(self, raw: Schema) -> Array:
        return Array(
            self._type(raw["items"]),
            raw.get("x-kubernetes-list-type", "atomic"),
            tuple(raw.get("x-kubernetes-list-map-keys", ())),
            "merge" in raw.get("x-kubernetes-patch-strategy", "").split(","),
            raw.get("x-kubernetes-patch-merge-key", ""),
        )


@cache
def _types() -> _Types:
    return _Types(definitions())

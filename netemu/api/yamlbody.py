"""YAML as sigs.k8s.io/yaml reads it: the subset that is JSON, with go-yaml's idea of scalars.

PyYAML only parses: its events become values here. Its composer overflows the C stack on deep
nesting, and its rules for plain scalars differ from Go's (``22:22`` is no number, ``2020-01-01``
no date). What aliases stand for is counted each time, so a few lines can't unfold into billions.
"""

import json
import re
from typing import Any, Final

import yaml

from netemu.api.jsonbody import MAX_DEPTH, Malformed, check_depth
from netemu.api.strict import MAX_PROBLEMS

MAX_NODES: Final = 1_000_000
"""Values in one document; a 3 MB body, the most a cluster takes, can't hold as many itself."""
MAX_DIGITS: Final = 70
"""Of a number; longer ones stay text rather than cost time."""

_TAG: Final = "tag:yaml.org,2002:"
_BOOL: Final = re.compile(
    r"(?:y|Y|n|N|[Yy]es|YES|[Nn]o|NO|[Tt]rue|TRUE|[Ff]alse|FALSE|[Oo][Nn]|[Oo]ff|OFF)\Z"
)
_TRUE: Final = ("y", "yes", "true", "on")
_INTEGER: Final = re.compile(
    r"[-+]?(?:0[bB]([01_]+)|0[xX]([0-9a-fA-F_]+)|0o?([0-7][0-7_]*)|(0|[1-9][0-9_]*))\Z"
)
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")


_NULLS: Final = ("", "~", "null", "Null", "NULL")
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(body: bytes) -> tuple[Any, list[str]]:
    """The one document's value, and one problem that lists the names said twice.

    Raises Malformed.
    """
    try:
        parser = _LOADER(body)
        try:
            return _Reader(parser).document()
        finally:
            parser.dispose()
    except yaml.MarkedYAMLError as error:
        raise Malformed(_go_words(error)) from None
    except yaml.reader.ReaderError as error:
        raise Malformed(f"yaml: {error.reason}") from None


def dump(raw: bytes) -> bytes:
    """JSON as YAML, its keys sorted as sigs.k8s.io/yaml writes them."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    value = json.loads(raw)
    text = yaml.dump(
        value, Dumper=dumper, allow_unicode=True, default_flow_style=False, width=2**30
    )
    return bytes(text.encode())


def _go_words(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    line = f"line {mark.line + 1}: " if mark is not None else ""
    return f"yaml: {line}{error.problem or error.context}"


class _Reader:
    """Turns one document's events into JSON."""

    def __init__(self, parser: Any) -> None:
        self._parser = parser
        self._doubled: list[str] = []
        self._count = 0
        self._anchors: dict[str, tuple[Any, int]] = {}
        """Values that aliases may name, and how many nodes each consists of."""

    def document(self) -> tuple[Any, list[str]]:
        """The value of the only document."""
        self._next()  # the stream begins
        if isinstance(self._next(), yaml.StreamEndEvent):
            return None, []
        value = self._value(self._next(), 0)
        check_depth(value)  # aliases may have gone deeper than the text does
        self._next()  # the document ends
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            line = after.start_mark.line + 1
            raise Malformed(f"yaml: line {line}: expected a single document in the stream")
        if not self._doubled:
            return value, []
        return value, ["yaml: unmarshal errors:\n  " + "\n  ".join(self._doubled)]

    def _next(self) -> Any:
        return self._parser.get_event()

    def _counted(self, nodes: int) -> None:
        self._count += nodes
        if self._count > MAX_NODES:
            raise Malformed("yaml: document contains excessive aliasing")

    def _value(self, event: Any, depth: int) -> Any:
        """What begins with an event."""
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise Malformed(f"yaml: unknown anchor '{event.anchor}' referenced")
            value, nodes = self._anchors[event.anchor]
            self._counted(nodes)
            return value
        before = self._count
        self._counted(1)
        value = self._built(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._count - before)
        return value

    def _built(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return scalar(event)
        if depth >= MAX_DEPTH:
            raise Malformed("yaml: exceeded max depth")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(depth + 1)
        found = []
        while not isinstance(item := self._next(), yaml.SequenceEndEvent):
            found.append(self._value(item, depth + 1))
        return found

    def _mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(key := self._next(), yaml.MappingEndEvent):
            if isinstance(key, yaml.ScalarEvent) and key.implicit[0] and key.value == "<<":
                merged = {**_merged(self._value(self._next(), depth)), **merged}
                continue
            name = _name(self._value(key, depth))
            if name in found and len(self._doubled) < MAX_PROBLEMS:
                line = key.start_mark.line + 1
                self._doubled.append(f'line {line}: key "{name}" already set in map')
            found[name] = self._value(self._next(), depth)
        return {**merged, **found}


def _merged(value: Any) -> dict[str, Any]:
    """What ``<<`` brings in: one mapping, or several of which the first wins."""
    found: dict[str, Any] = {}
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, dict):
            raise Malformed("yaml: map merge requires map or sequence of maps as the value")
        found = {**each, **found}
    return found


def _name(key: Any) -> str:
    """A key as JSON has it: a string."""
    if isinstance(key, dict | list):
        raise Malformed("yaml: invalid map key")
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return str(key)


def scalar(event: yaml.ScalarEvent) -> Any:
    """What a scalar stands for; quotes and tags that nobody knows leave text."""
    text: str = event.value
    tag = (event.tag or "").removeprefix(_TAG)
    plain = event.implicit[0]  # no quotes, no tag
    if (plain and text in _NULLS) or tag == "null":
        return None
    if (plain or tag == "bool") and _BOOL.match(text):
        return text.lower() in _TRUE
    return _number(text) if plain or tag in ("int", "float") else text


def _number(text: str) -> str | int | float:
    """A number; what JSON can't say stays text."""
    if len(text) > MAX_DIGITS:
        return text
    match = _INTEGER.match(text)
    if match is not None:
        base = (2, 16, 8, 10)[match.lastindex - 1] if match.lastindex else 10
        digits = match[match.lastindex or 0].replace("_", "")
        number = int(digits, base) if digits else 0
        number = -number if text[0] == "-" else number
        if -(2**63) <= number < 2**63:
            return number
    if _FLOAT.match(text):
        fraction = float(text)
        if abs(fraction) < 2**53 and fraction.is_integer():
            return int(fraction)  # as Go writes it into the JSON that it reads then
        return text if fraction in (float("inf"), float("-inf")) else fraction
    return text

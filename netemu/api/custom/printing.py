"""Columns of custom kinds: what a definition's JSONPaths find in an object."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from netemu.api.tables.wording import since
from netemu.model.meta import Object, name_of

_NAME: Final[Object] = {
    "name": "Name",
    "type": "string",
    "format": "name",
    "description": "Unique within a namespace; cannot be changed.",
    "priority": 0,
}
_ESCAPED: Final = re.compile(r"\.((?:[^.\[\]\\]|\\.)*\\\.(?:[^.\[\]\\]|\\.)*)")
"""A name with escaped dots, which kubectl's dialect writes without brackets."""


def definitions(columns: Sequence[Object]) -> tuple[Object, ...]:
    """The columns of a kind, its name before them."""
    return (_NAME, *map(_definition, columns))


def _definition(column: Object) -> Object:
    return {
        "name": column["name"],
        "type": column["type"],
        "format": column.get("format", ""),
        "description": column.get("description")
        or f"Custom resource definition column (in JSONPath format): {column['jsonPath']}",
        "priority": column.get("priority", 0),
    }


def cells(columns: Sequence[Object], obj: Object, now: float) -> list[Any]:
    """One row."""
    return [name_of(obj), *(_cell(column, obj, now) for column in columns)]


def _cell(column: Object, obj: Object, now: float) -> Any:
    found = _find(column["jsonPath"], obj)
    if not found:
        return None
    return _SHOWN.get(column["type"], _text)(found[0], now)


@lru_cache(1024)
def _compiled(path: str) -> Any:
    import jsonpath  # late: 56 ms, and most clusters have no columns of their own

    bracketed = _ESCAPED.sub(lambda name: "['" + name[1].replace("\\.", ".") + "']", path)
    try:
        return jsonpath.compile("$" + bracketed)
    except jsonpath.JSONPathError:
        return None


def _find(path: str, obj: Object) -> list[Any]:
    compiled = _compiled(path)
    return [] if compiled is None else list(compiled.findall(obj))


def _integer(value: Any, now: float) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value)


def _number(value: Any, now: float) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _boolean(value: Any, now: float) -> Any:
    return value if isinstance(value, bool) else None


def _date(value: Any, now: float) -> Any:
    return since(value, now) if isinstance(value, str) else "<unknown>"


def _text(value: Any, now: float) -> Any:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


_SHOWN: Final[Mapping[str, Callable[[Any, float], Any]]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "string": _text,
}

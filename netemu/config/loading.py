"""Settings from a file and from the command line, into the frozen `Settings`.

The file is YAML; its keys are the settings' names in camelCase, nested as the dataclasses are. A
key nobody knows, a value of the wrong kind and a value out of range are each one clear
`BadSettings`.
"""

import dataclasses
import difflib
import re
import types
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from netemu.config.settings import Settings

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
"""What an instance may be called: it becomes a folder and part of host names."""


class BadSettings(Exception):
    """A setting can't be used; the message says which and why, in one line."""


def check_name(name: str) -> str:
    """The name, if an instance may have it. Raises BadSettings."""
    if NAME.fullmatch(name) is None:
        raise BadSettings(
            f"{name!r} is no name for an instance: use up to 32 lower-case letters, digits "
            "and '-', not at its ends"
        )
    return name


def read_file(path: Path) -> Mapping[str, Any]:
    """The settings in a YAML file. Raises BadSettings."""
    import yaml  # late: most instances have no settings file

    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise BadSettings(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise BadSettings(f"{path}: settings are names with values, not {_kind(content)}")
    return content


def load(given: Mapping[str, Any], *, source: str = "", **options: Any) -> Settings:
    """Settings from what a file gives, with `options` (Settings' own fields) on top; an option
    that is None doesn't count. Raises BadSettings, naming `source`.
    """
    chosen = {name: value for name, value in options.items() if value is not None}
    try:
        fields = _fields(Settings, given, "")
        if "node_count" in chosen:
            node = fields.get("node", Settings(state_dir=Path()).node)
            fields["node"] = dataclasses.replace(node, count=chosen.pop("node_count"))
        settings = Settings(**{**fields, **chosen})
    except (ValueError, TypeError) as error:
        raise BadSettings(f"{source}: {error}" if source else str(error)) from error
    check_name(settings.name)
    return settings


def _fields(kind: Any, given: Mapping[str, Any], path: str) -> dict[str, Any]:
    hints = get_type_hints(kind)
    names = {_camel(field.name): field.name for field in dataclasses.fields(kind)}
    result = {}
    for key, value in given.items():
        if key not in names:
            raise ValueError(f'unknown setting "{path}{key}"{_guess(key, names)}')
        result[names[key]] = _value(hints[names[key]], value, f"{path}{key}")
    return result


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _guess(key: str, names: Mapping[str, str]) -> str:
    close = difflib.get_close_matches(str(key), names, 1)
    return f' (did you mean "{close[0]}"?)' if close else f" (there are {', '.join(sorted(names))})"


def _value(hint: Any, value: Any, path: str) -> Any:
    """The value as its type wants it. Raises ValueError, naming `path`."""
    if isinstance(hint, types.UnionType):
        if value is None:
            return None
        hint = next(option for option in get_args(hint) if option is not types.NoneType)
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise ValueError(f"{path} must have settings below it, not {_kind(value)}")
        return hint(**_fields(hint, value, f"{path}."))  # type: ignore[operator]  # a class
    if get_origin(hint) is Mapping:
        if not isinstance(value, dict):
            raise ValueError(f"{path} must be names with values, not {_kind(value)}")
        return {
            str(key): _value(get_args(hint)[1], item, f"{path}.{key}")
            for key, item in value.items()
        }
    if get_origin(hint) is tuple:
        return _tuple(get_args(hint), value, path)
    return _plain(hint, value, path)


def _tuple(kinds: tuple[Any, ...], value: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{path} must be a list")
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(value)
    if len(value) != len(kinds):
        raise ValueError(f"{path} must be a list of {len(kinds)}")
    return tuple(_value(kind, item, path) for kind, item in zip(kinds, value, strict=True))


def _plain(hint: Any, value: Any, path: str) -> Any:
    if hint in _WRITTEN or issubclass(hint, StrEnum):
        try:
            return hint(str(value))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise ValueError(f"{path} must be {_NAMES[hint]}, not {_kind(value)}")
    return value


_WRITTEN = (IPv4Network, IPv4Address, IPv6Network, IPv6Address, Path)
"""What is made of a text."""

_NAMES: dict[type, str] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
}


def _kind(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "a group of settings"
    return repr(value)

"""Formats of texts that a schema may ask for (kube-openapi's strfmt). Pure."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import date
from ipaddress import ip_address, ip_network
from typing import Final

from netemu.cel.network import is_url

_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z")
_LABEL: Final = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_FORMS: Final[Mapping[str, str]] = {
    "email": r"[^@\s<>]+@[^@\s<>]+",
    "hostname": rf"(?:{_LABEL}\.)*{_LABEL}",
    "mac": (
        r"[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}"
        r"|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}"
    ),
    "uuid": r"(?i:[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})",
    "uuid3": r"(?i:[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12})",
    "uuid4": r"(?i:[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12})",
    "uuid5": r"(?i:[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12})",
    "hexcolor": r"#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})",
    "ssn": r"\d{3}[- ]?\d{2}[- ]?\d{4}",
    "bsonobjectid": r"[0-9a-fA-F]{24}",
    "duration": (
        r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+|0"
        r"|\d+\s*(?:ns|us|µs|ms|s|m|h|d|w|(?:nano|micro|milli)?(?:second)s?|(?:minute|hour|day|week)s?)"
    ),
}


def _is_date(text: str) -> bool:
    try:
        return len(text) == 10 and date.fromisoformat(text) is not None
    except ValueError:
        return False


def _is_stamp(text: str) -> bool:
    return _STAMP.match(text) is not None and _is_date(text[:10])


def _is_address(version: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            return ip_address(text).version == version
        except ValueError:
            return False

    return check


def _is_range(text: str) -> bool:
    try:
        return "/" in text and ip_network(text, strict=False) is not None
    except ValueError:
        return False


def _is_base64(text: str) -> bool:
    try:
        return base64.b64decode(text, validate=True) is not None
    except (binascii.Error, ValueError):
        return False


def _matches(form: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(form, text) is not None


_CHECKS: Final[Mapping[str, Callable[[str], bool]]] = {
    **{name: _matches(form) for name, form in _FORMS.items()},
    "datetime": _is_stamp,
    "date": _is_date,
    "ipv4": _is_address(4),
    "ipv6": _is_address(6),
    "cidr": _is_range,
    "uri": is_url,
    "byte": _is_base64,
}


def fits(name: str, text: str) -> bool:
    """Whether a text is of a format; formats that nobody checks fit everything."""
    check = _CHECKS.get(name.replace("-", ""))
    return check is None or check(text)

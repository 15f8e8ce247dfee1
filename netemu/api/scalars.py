"""Strings with a meaning of their own: quantities, times, base64.

Each is read as a cluster's Go types read it and comes back as these write it, so that equal values
are equal text: ``0.5`` is ``500m``, a time is in UTC.
"""

import binascii
import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, TypeAlias

from netemu.model.quantity import canonical

MAX_QUANTITY: Final = 40
"""Characters and decimal exponent of a quantity; a cluster's own stop at 2**63, far below."""


class Unreadable(Exception):
    """The text isn't what it should be; the message is Go's."""


_QUANTITY: Final = re.compile(r"([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)\Z")
_SUFFIX: Final = re.compile(r"(?:[eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?\Z")
_EXPONENT: Final = re.compile(r"[eE][+-]?(\d+)\Z")


@lru_cache(maxsize=1024)  # objects name the same few again and again
def quantity(text: str) -> str:
    """A quantity in its canonical form. Raises Unreadable."""
    exponent = _EXPONENT.search(text)
    if len(text) > MAX_QUANTITY or (exponent and int(exponent[1]) > MAX_QUANTITY):
        raise Unreadable(_NO_NUMBER)
    try:
        return canonical(text)
    except ValueError as error:
        shape = _QUANTITY.match(text)
        if shape is None:
            raise Unreadable(str(error)) from None
        if _SUFFIX.match(shape[2]):
            raise Unreadable(_NO_NUMBER) from None
        raise Unreadable("unable to parse quantity's suffix") from None


_NO_NUMBER: Final = "unable to parse numeric part of quantity"


Layout: TypeAlias = tuple[tuple[str, str], ...]
"""The parts of a time as Go's layouts write them, each with what it takes."""

_MINUTES: Final[Layout] = (
    ("2006", r"\d{4}"),
    ("-", "-"),
    ("01", r"\d\d"),
    ("-", "-"),
    ("02", r"\d\d"),
    ("T", "T"),
    ("15", r"\d\d"),
    (":", ":"),
    ("04", r"\d\d"),
    (":", ":"),
)
_ZONE: Final = ("Z07:00", r"Z|[+-]\d\d:\d\d")
_TIME: Final[Layout] = (*_MINUTES, ("05", r"\d\d(?:[.,]\d+)?"), _ZONE)
_MICRO_TIME: Final[Layout] = (*_MINUTES, ("05", r"\d\d"), (".000000", r"\.\d{6}"), _ZONE)
"""Here the six digits must be there, unlike the fraction of a time."""


def _form(layout: Layout) -> re.Pattern[str]:
    return re.compile("".join(f"(?:{form})" for _, form in layout) + r"\Z", re.ASCII)


_FORMS: Final = {False: _form(_TIME), True: _form(_MICRO_TIME)}


def time(text: str, micro: bool) -> str:
    """A time in UTC, in whole seconds or with six digits after them. Raises Unreadable."""
    try:
        # Also when it is written as it should be: there is no 2024-02-31.
        moment = datetime.fromisoformat(text) if _FORMS[micro].match(text) else None
        utc = None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        utc = None
    if utc is None:
        raise Unreadable(_no_time(text, micro))
    return utc.isoformat(timespec="microseconds" if micro else "seconds") + "Z"


def _no_time(text: str, micro: bool) -> str:
    layout = _MICRO_TIME if micro else _TIME
    said, rest = quoted(text), text
    for part, form in layout:
        match = re.match(form, rest, re.ASCII)
        if match is None:
            whole = "".join(name for name, _ in layout)
            return f'parsing time {said} as "{whole}": cannot parse {quoted(rest)} as "{part}"'
        rest = rest[match.end() :]
    if rest:
        return f"parsing time {said}: extra text: {quoted(rest)}"
    return f"parsing time {said}: {_out_of_range(text)} out of range"


def _out_of_range(text: str) -> str:
    month, hour, minute, second = (int(text[at : at + 2]) for at in (5, 11, 14, 17))
    wrong = {"month": not 1 <= month <= 12, "hour": hour > 23, "minute": minute > 59}
    return next((name for name in wrong if wrong[name]), "second" if second > 59 else "day")


def quoted(text: str) -> str:
    """A string as Go quotes it, near enough."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def base64(text: str) -> str:
    """The same bytes, canonically encoded. Raises Unreadable."""
    joined = text.replace("\r", "").replace("\n", "")  # Go passes over line ends
    try:
        return b64encode(b64decode(joined, validate=True)).decode()
    except (binascii.Error, ValueError):
        raise Unreadable(f"illegal base64 data at input byte {_bad_byte(text)}") from None


_ALPHABET: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


def _bad_byte(text: str) -> int:
    """Where Go's decoder gives up: at the first byte that can't be there, else at the end, before
    the last group when nothing fills it up.
    """
    data = text.encode()
    good = 0
    for index, byte in enumerate(data):
        if byte in b"\r\n":
            continue
        if byte not in _ALPHABET:
            padding = byte == ord("=") and good % 4 >= 2
            return _after_padding(data, index, 4 - good % 4) if padding else index
        good += 1
    return len(data) - good % 4


def _after_padding(data: bytes, index: int, wanted: int) -> int:
    """The first byte that is no padding where there must be, or that follows it."""
    while wanted and data[index : index + 1] == b"=":
        index, wanted = index + 1, wanted - 1
    return index

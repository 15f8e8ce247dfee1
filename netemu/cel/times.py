"""Timestamps and durations: how they are written, and their parts."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from netemu.cel.errors import EvaluationError

_UNITS: Final = {
    "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9,
}  # fmt: skip
_DURATION: Final = re.compile(r"([+-])?((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+)\Z")
_PIECE: Final = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
_STAMP: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)\Z"
)
_OFFSET: Final = re.compile(r"([+-]?)(\d\d):(\d\d)\Z")


def duration(text: str) -> timedelta:
    """Go's form: ``1h30m``. Raises EvaluationError."""
    match = _DURATION.match(text)
    if text == "0":
        return timedelta(0)
    if match is None:
        raise EvaluationError(f'time: invalid duration "{text}"')
    try:
        pieces = _PIECE.findall(match[2])
        whole = sum(
            (timedelta(seconds=float(n) * _UNITS[unit]) for n, unit in pieces), timedelta(0)
        )
    except OverflowError:
        raise EvaluationError(f'time: invalid duration "{text}"') from None
    return -whole if match[1] == "-" else whole


def shown_duration(span: timedelta) -> str:
    """As ``string()`` writes a duration: in seconds."""
    seconds = f"{span.total_seconds():.6f}".rstrip("0").rstrip(".")
    return f"{seconds}s"


def timestamp(text: str) -> datetime:
    """RFC 3339. Raises EvaluationError."""
    match = _STAMP.match(text)
    if match is None:
        raise EvaluationError(
            f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse "{text}" as "2006"'
        )
    zone = "+00:00" if match[4] in "Zz" else match[4]
    micros = (match[3] or "0").ljust(6, "0")[:6]
    try:
        return datetime.fromisoformat(f"{match[1]}T{match[2]}.{micros}{zone}")
    except ValueError:
        raise EvaluationError(f'parsing time "{text}": day out of range') from None


def date(text: str) -> datetime:
    """A day, at its beginning. Raises EvaluationError."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise EvaluationError(f'parsing time "{text}" as "2006-01-02"') from None


def shown_timestamp(stamp: datetime) -> str:
    """As ``string()`` writes a timestamp."""
    text = stamp.astimezone(UTC).isoformat()
    text, _, _ = text.partition("+")
    return (text.rstrip("0") if "." in text else text) + "Z"


def _zone(name: str) -> Any:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # late: rules name few zones

    match = _OFFSET.match(name)
    if match is not None:
        span = timedelta(hours=int(match[2]), minutes=int(match[3]))
        return timezone(-span if match[1] == "-" else span)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise EvaluationError(f"unknown time zone {name}") from None


PARTS: Final[Mapping[str, Callable[[datetime], int]]] = {
    "getFullYear": lambda at: at.year,
    "getMonth": lambda at: at.month - 1,
    "getDate": lambda at: at.day,
    "getDayOfMonth": lambda at: at.day - 1,
    "getDayOfWeek": lambda at: at.isoweekday() % 7,
    "getDayOfYear": lambda at: at.timetuple().tm_yday - 1,
    "getHours": lambda at: at.hour,
    "getMinutes": lambda at: at.minute,
    "getSeconds": lambda at: at.second,
    "getMilliseconds": lambda at: at.microsecond // 1000,
}
"""Parts of a timestamp, in a zone."""
SPANS: Final[Mapping[str, float]] = {
    "getHours": 3600.0, "getMinutes": 60.0, "getSeconds": 1.0, "getMilliseconds": 1e-3,
}  # fmt: skip
"""What a duration is counted in, in seconds."""


def part(name: str) -> Callable[..., int]:
    """The function that says this part of a timestamp, perhaps in a zone."""

    def of(stamp: datetime, zone: str = "") -> int:
        return PARTS[name](stamp.astimezone(_zone(zone) if zone else UTC))

    return of


def count(name: str) -> Callable[[timedelta], int]:
    """The function that says how many whole units a duration has."""
    if name == "getMilliseconds":  # of a duration: those beyond its whole seconds
        return lambda span: int(span.total_seconds() * 1000) % 1000
    return lambda span: int(span.total_seconds() / SPANS[name])

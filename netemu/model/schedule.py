"""Cron schedules: when a CronJob is due, in a time zone; pure.

Upstream reads schedules with robfig/cron's standard parser: five fields, or a ``@``-name.
"""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from cronsim import CronSim

_NAMED: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIELDS: Final = 5
_EVERY: Final = "@every "
_FIRST_SPAN: Final = 7200.0
_SPAN_FACTOR: Final = 8.0
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Schedule(Struct, frozen=True):
    """What a schedule means: five cron fields, or a period in seconds."""

    cron: str = ""
    period: float = 0.0

    def after(self, when: float, zone: tzinfo = UTC) -> Iterator[float]:
        """Every due time later than `when`, in seconds since the epoch; perhaps none."""
        if self.period:
            while True:
                when += self.period
                yield when
        start = datetime.fromtimestamp(when, UTC).astimezone(zone)
        for due in _sim(self.cron, start):
            yield due.timestamp()

    def latest(self, since: float, now: float, zone: tzinfo = UTC) -> float | None:
        """The last due time after `since` and not after `now`."""
        if self.period:
            times = math.floor((now - since) / self.period)
            return since + times * self.period if times > 0 else None
        # Backwards in growing steps: years of missed times must not be gone through one by one.
        span = _FIRST_SPAN
        while True:
            start = max(since, now - span)
            found = None
            for due in self.after(start, zone):
                if due > now:
                    break
                found = due
            if found is not None or start <= since:
                return found
            span *= _SPAN_FACTOR

    def missed(self, since: float, now: float, limit: int, zone: tzinfo = UTC) -> int:
        """How many due times lie after `since` and not after `now`; counts no further than
        `limit` + 1.
        """
        times = takewhile(lambda due: due <= now, self.after(since, zone))
        return sum(1 for _ in islice(times, limit + 1))


def parse(text: str) -> Schedule:
    """The schedule that a text stands for. Raises ValueError."""
    if text.startswith(_EVERY):
        return Schedule(period=max(1.0, float(int(duration(text.removeprefix(_EVERY))))))
    cron = _NAMED.get(text)
    if cron is None:
        if text.startswith("@"):
            raise ValueError(f"unrecognized descriptor: {text}")
        cron = _plain(text)
    try:
        _sim(cron, datetime(2000, 1, 1, tzinfo=UTC))
    except ValueError as error:
        raise ValueError(f"{error} in {text}") from None
    return Schedule(cron)


def _plain(text: str) -> str:
    parts = text.split()
    if len(parts) != _FIELDS:
        shown = f"[{' '.join(parts)}]"
        raise ValueError(f"expected exactly {_FIELDS} fields, found {len(parts)}: {shown}")
    # `?` is the same as `*` in robfig/cron; cronsim's L, # and W aren't known to it.
    parts = ["*" if part == "?" else part for part in parts]
    for part in (parts[2], parts[4]):
        if re.search(r"[LW#]", re.sub(r"(?i)jul|wed", "", part.upper())):
            raise ValueError(f"failed to parse int from {part}")
    return " ".join(parts)


def _sim(cron: str, start: datetime) -> "CronSim":
    from cronsim import CronSim, CronSimError  # late: most clusters have no CronJob

    try:
        return CronSim(cron, start)
    except CronSimError as error:
        raise ValueError(str(error)) from None


def zone(name: str) -> tzinfo:
    """The time zone of that name, as IANA calls it. Raises ValueError."""
    if name in ("UTC", "Etc/UTC"):
        return UTC
    from zoneinfo import ZoneInfo  # late, for the same reason

    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError(f"unknown time zone {name}") from None


def duration(text: str) -> float:
    """Seconds of a Go duration such as ``1h30m``. Raises ValueError."""
    parts = re.findall(r"([0-9]*\.?[0-9]+)(ms|s|m|h)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f'time: invalid duration "{text}"')
    return timedelta(seconds=sum(float(n) * _UNITS[unit] for n, unit in parts)).total_seconds()

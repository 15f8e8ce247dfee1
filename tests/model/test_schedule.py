"""Cron schedules."""

from datetime import UTC, datetime
from itertools import islice

import pytest

from netemu.model import schedule


def due(text: str, since: str, count: int = 2, zone: str = "UTC") -> list[str]:
    start = datetime.fromisoformat(since).replace(tzinfo=UTC).timestamp()
    times = islice(schedule.parse(text).after(start, schedule.zone(zone)), count)
    return [datetime.fromtimestamp(t, UTC).strftime("%m-%dT%H:%M:%S") for t in times]


@pytest.mark.parametrize(
    ("text", "since", "times"),
    [
        ("*/5 * * * *", "2024-01-01T00:03", ["01-01T00:05:00", "01-01T00:10:00"]),
        ("@hourly", "2024-01-01T00:03", ["01-01T01:00:00", "01-01T02:00:00"]),
        ("0 12 ? * MON", "2024-01-01T12:00", ["01-08T12:00:00", "01-15T12:00:00"]),
        ("@every 1h30m", "2024-01-01T00:00", ["01-01T01:30:00", "01-01T03:00:00"]),
    ],
)
def test_when_it_is_due(text: str, since: str, times: list[str]) -> None:
    assert due(text, since) == times


def test_a_time_zone_moves_it() -> None:
    assert due("0 9 * * *", "2024-07-01T00:00", 1, "Europe/Berlin") == ["07-01T07:00:00"]


@pytest.mark.parametrize("text", ["", "* * *", "61 * * * *", "@never", "* * L * *", "@every x"])
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        schedule.parse(text)


def test_an_unknown_zone() -> None:
    with pytest.raises(ValueError, match="unknown time zone Nowhere/Land"):
        schedule.zone("Nowhere/Land")

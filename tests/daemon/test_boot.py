import os

from netemu.daemon.boot import Booted
from netemu.daemon.reports import Reports


def test_what_is_reported_arrives_in_order() -> None:
    reading, writing = os.pipe()
    reports = Reports(writing)
    reports.send("event", "one")
    reports.send("ready", {"name": "x"})
    os.close(writing)
    booted = Booted(1, reading, None)
    assert list(booted.reports()) == [("event", "one"), ("ready", {"name": "x"})]
    os.close(reading)

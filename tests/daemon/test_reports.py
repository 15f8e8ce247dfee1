import os

from netemu.daemon.reports import Reports


def test_telling_nobody_is_no_failure() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    Reports(writing).send("event", "unheard")
    os.close(writing)

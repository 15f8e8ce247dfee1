"""What the control socket does with time."""

from pathlib import Path

import pytest

from netemu.daemon.asking import Refused
from netemu.daemon.home import Home
from netemu.daemon.movableclock import MovableClock
from netemu.daemon.timecontrol import TimeControl
from tests.support.control import control


def idle() -> bool:
    return False


async def test_paused_advanced_resumed_and_remembered(tmp_path: Path) -> None:
    home, clock = Home(tmp_path), MovableClock()
    async with control() as plane:
        asked = TimeControl(clock, plane.client, home, idle).answer
        assert (await asked({}))["paused"] is False
        assert (await asked({"do": "pause"}))["paused"] is True
        told = await asked({"do": "advance", "seconds": 90})
        assert 89 < told["aheadSeconds"] <= 90
        assert (await asked({"do": "resume"}))["paused"] is False
    assert 85 < home.ahead() <= 90


@pytest.mark.parametrize(
    "question",
    [{"do": "stop"}, {"do": "advance"}, {"do": "advance", "seconds": -1},
     {"do": "advance", "seconds": 601}, {"do": "advance", "seconds": "1h"}],
)  # fmt: skip
async def test_what_cannot_be_done(tmp_path: Path, question: dict[str, object]) -> None:
    async with control() as plane:
        asked = TimeControl(MovableClock(), plane.client, Home(tmp_path), idle).answer
        with pytest.raises(Refused):
            await asked(question)


def test_an_instance_that_was_never_moved_is_not_ahead(tmp_path: Path) -> None:
    assert Home(tmp_path).ahead() == 0.0


async def test_time_waits_for_what_is_done_in_real_time(tmp_path: Path) -> None:
    clock, looks = MovableClock(), 0

    def busy() -> bool:
        nonlocal looks
        looks += 1
        return looks < 5

    async with control() as plane:
        asked = TimeControl(clock, plane.client, Home(tmp_path), busy).answer
        await asked({"do": "advance", "seconds": 1})
    assert looks == 5

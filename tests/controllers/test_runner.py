"""The loop: keys from changes, retries in growing steps, one log line per distinct error."""

import logging
from collections.abc import Iterable

import pytest

from netemu.controllers.runner import run
from netemu.model import resources
from netemu.model.client import Change
from netemu.model.errors import Conflict, Forbidden
from netemu.model.meta import Object, name_of
from netemu.tasks import task_group
from tests.support.clock import settle
from tests.support.control import Control, control


class Counting:
    """Counts each key's turns; fails as it is told."""

    resources = (resources.SECRETS,)

    def __init__(self, failures: dict[str, list[Exception]] | None = None) -> None:
        self.turns: list[str] = []
        self.failures = failures or {}
        self.again: float | None = None

    def observe(self, change: Change) -> Iterable[str]:
        if name_of(change.object) == "poison":
            raise KeyError("unreadable")
        return (name_of(change.object),)

    async def sync(self, key: str) -> float | None:
        self.turns.append(key)
        if self.failures.get(key):
            raise self.failures[key].pop(0)
        return self.again


def secret(name: str) -> Object:
    return {"metadata": {"namespace": "default", "name": name}}


async def run_with(plane: Control, controller: Counting, *names: str) -> None:
    for name in names:
        await plane.client.create(resources.SECRETS, secret(name))
    await settle()


async def test_every_object_gets_a_turn_and_a_failing_one_gets_more() -> None:
    refused = [Forbidden("no"), Forbidden("no")]
    controller = Counting({"bad": list(refused)})
    async with control(nodes=0) as plane, task_group() as tasks:
        tasks.start(run("test", controller, plane.client, plane.clock), name="test")
        await run_with(plane, controller, "good", "bad")
        assert sorted(controller.turns) == ["bad", "good"]
        await plane.advance(0.005)
        await plane.advance(0.010)
        assert controller.turns.count("bad") == 3
        await plane.advance(60.0)
        assert controller.turns.count("bad") == 3


async def test_an_error_is_logged_once_and_a_conflict_never(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures = [Forbidden("no"), Forbidden("no"), Conflict("secrets", "bad"), ValueError("odd")]
    controller = Counting({"bad": list(failures)})
    with caplog.at_level(logging.WARNING, logger="netemu.controllers.runner"):
        async with control(nodes=0) as plane, task_group() as tasks:
            tasks.start(run("test", controller, plane.client, plane.clock), name="test")
            await run_with(plane, controller, "bad")
            await plane.advance(1.0)
    assert controller.turns == ["bad"] * 5
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]


async def test_an_unreadable_change_does_not_end_the_loop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    controller = Counting()
    async with control(nodes=0) as plane, task_group() as tasks:
        tasks.start(run("test", controller, plane.client, plane.clock), name="test")
        await run_with(plane, controller, "poison", "good")
    assert controller.turns == ["good"]
    assert "could not take note" in caplog.text


async def test_a_key_comes_back_when_it_asked_for_it() -> None:
    controller = Counting()
    controller.again = 10.0
    async with control(nodes=0) as plane, task_group() as tasks:
        tasks.start(run("test", controller, plane.client, plane.clock), name="test")
        await run_with(plane, controller, "a")
        await plane.advance(9.0)
        assert controller.turns == ["a"]
        await plane.advance(1.0)
        assert controller.turns == ["a", "a"]

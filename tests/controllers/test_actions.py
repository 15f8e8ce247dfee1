"""The dull executor, over the real API."""

import pytest

from netemu.controllers.actions import (
    Action,
    Create,
    Delete,
    Tell,
    Update,
    WriteStatus,
    execute,
    namespace_ends,
)
from netemu.model import resources
from netemu.model.errors import AlreadyExists, Conflict, Forbidden
from netemu.model.meta import Object, name_of
from tests.support.control import control

SECRET: Object = {"metadata": {"namespace": "default", "name": "a"}}


async def test_each_action_does_what_it_says() -> None:
    async with control(nodes=0) as plane:
        written: list[str] = []
        recorder = plane.registry.recorder("test")

        async def do(*actions: Action) -> None:
            await execute(
                plane.client, recorder, actions, lambda _, obj: written.append(name_of(obj))
            )

        await do(Create(resources.SECRETS, SECRET))
        stored = plane.get(resources.SECRETS, "a")
        await do(Update(resources.SECRETS, {**stored, "data": {"k": "dg=="}}))
        assert plane.get(resources.SECRETS, "a")["data"] == {"k": "dg=="}
        assert written == ["a", "a"]
        default = plane.get(resources.NAMESPACES, "default", "")
        await do(WriteStatus(resources.NAMESPACES, default, {"phase": "Active", "conditions": []}))
        await do(Tell(stored, "Normal", "Seen", "it is there"))
        await plane.settled()
        assert plane.events("Seen") == ["a: it is there"]
        await do(Delete(resources.SECRETS, stored))
        await do(Delete(resources.SECRETS, stored))  # gone is gone
        assert plane.client.get(resources.SECRETS, "default", "a") is None


async def test_a_status_never_lands_on_a_namesake() -> None:
    async with control(nodes=0) as plane:
        default = plane.get(resources.NAMESPACES, "default", "")
        namesake = {**default, "metadata": {**default["metadata"], "uid": "another"}}
        action = WriteStatus(resources.NAMESPACES, namesake, {"phase": "Terminating"})
        await execute(plane.client, plane.registry.recorder("test"), [action])
        assert plane.get(resources.NAMESPACES, "default", "")["status"]["phase"] == "Active"


async def test_a_refusal_ends_the_run() -> None:
    async with control(nodes=0) as plane:
        recorder = plane.registry.recorder("test")
        await execute(plane.client, recorder, [Create(resources.SECRETS, SECRET)])
        stored = plane.get(resources.SECRETS, "a")
        again: list[Action] = [
            Create(resources.SECRETS, SECRET),
            Tell(stored, "Normal", "Made", "never"),
        ]
        with pytest.raises(AlreadyExists):
            await execute(plane.client, recorder, again)
        await plane.client.update(resources.SECRETS, {**stored, "data": {"k": "dg=="}})
        with pytest.raises(Conflict):
            await execute(plane.client, recorder, [Update(resources.SECRETS, stored)])
        await plane.settled()
        assert plane.events("Made") == []


def test_a_refusal_for_an_ending_namespace_is_told_apart() -> None:
    assert namespace_ends(Forbidden("no", causes=[{"reason": "NamespaceTerminating"}]))
    assert not namespace_ends(Forbidden("no"))

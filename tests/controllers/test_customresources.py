"""A definition takes its objects along."""

from netemu.controllers.actions import Delete, Update, WriteStatus
from netemu.controllers.customresources import FINALIZER, naming_plan, plan
from netemu.model import resources
from netemu.model.meta import Object
from tests.support import crontabs
from tests.support.control import control

GOING: Object = {
    "metadata": {
        "name": "things.a.b",
        "uid": "u",
        "finalizers": [FINALIZER],
        "deletionTimestamp": "x",
    },
    "spec": {},
}


def thing(**metadata: object) -> Object:
    return {"metadata": {"name": "x", "namespace": "n", "uid": "v", **metadata}}


def test_its_objects_go_first() -> None:
    status, delete = plan(GOING, [thing()], 0.0)
    assert isinstance(status, WriteStatus)
    assert status.status["conditions"][0]["type"] == "Terminating"
    assert isinstance(delete, Delete)
    assert delete.resource == "things.a.b"


def test_planning_on_its_own_result_gives_nothing() -> None:
    (status, _) = plan(GOING, [thing()], 0.0)
    assert isinstance(status, WriteStatus)
    after = {**GOING, "status": status.status}
    assert plan(after, [thing(deletionTimestamp="x")], 0.0) == []


def test_then_it_goes_itself() -> None:
    (update,) = plan(GOING, [], 0.0)
    assert isinstance(update, Update)
    assert update.obj["metadata"]["finalizers"] == []


def test_one_that_stays_is_left_alone() -> None:
    stays = {**GOING, "metadata": {"name": "x", "finalizers": [FINALIZER]}}
    assert plan(stays, [thing()], 0.0) == []
    assert plan(None, [], 0.0) == []


def test_names_that_became_free_are_given_to_who_waits() -> None:
    names = {"plural": "as", "singular": "a", "kind": "A", "listKind": "AList"}
    waiting = {
        "metadata": {"name": "as.g.example"},
        "spec": {"group": "g.example", "names": names},
        "status": {"conditions": [{"type": "NamesAccepted", "status": "False"}]},
    }
    (action,) = naming_plan([waiting], 0)
    assert isinstance(action, WriteStatus)
    assert action.status["acceptedNames"] == names
    assert not naming_plan([{**waiting, "status": action.status}], 0)


async def test_a_definition_goes_when_its_objects_are_gone() -> None:
    async with control() as plane:
        await plane.client.create(resources.CUSTOM_RESOURCE_DEFINITIONS, crontabs.definition())
        obj = crontabs.crontab()
        obj["metadata"]["namespace"] = "default"
        await plane.client.create("crontabs.stable.example.com", obj)
        name = f"crontabs.{crontabs.GROUP}"
        await plane.client.delete(resources.CUSTOM_RESOURCE_DEFINITIONS, "", name)
        await plane.settled()
        assert not plane.all(resources.CUSTOM_RESOURCE_DEFINITIONS)
        assert not plane.client.list("crontabs.stable.example.com")

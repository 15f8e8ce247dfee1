"""A definition takes its objects along."""

from netemu.controllers.actions import Delete, Update, WriteStatus
from netemu.controllers.customresources import FINALIZER, plan
from netemu.model.meta import Object

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

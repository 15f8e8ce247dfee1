"""What is owned goes with its owners."""

import pytest

from netemu.controllers.actions import Action, Delete, Update
from netemu.controllers.garbagecollector import Observed, Owner, plan
from netemu.model import resources
from netemu.model.client import DeleteOptions
from netemu.model.meta import Object, uid_of
from tests.support.control import Control, control


def secret(name: str, *owners: Object, block: bool = False, **metadata: object) -> Object:
    references = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"].get("uid", f"uid-{owner['metadata']['name']}"),
            "blockOwnerDeletion": block,
        }
        for owner in owners
    ]
    own = {"ownerReferences": references} if references else {}
    return {"metadata": {"namespace": "default", "name": name, **own, **metadata}}


A, B = secret("a", uid="uid-a"), secret("b", uid="uid-b")


def judge(obj: Object, *owners: Owner, dependents: tuple[Object, ...] = ()) -> list[Action]:
    references = obj["metadata"].get("ownerReferences", [])
    seen = Observed(
        resource=resources.SECRETS,
        obj=obj,
        owners=list(zip(references, owners, strict=True)),
        dependents=[(resources.SECRETS, item) for item in dependents],
    )
    return plan(seen)


def test_an_object_lives_as_long_as_one_owner() -> None:
    child = secret("c", A, B)
    assert judge(child, Owner.SOLID, Owner.SOLID) == []
    (update,) = judge(child, Owner.ABSENT, Owner.SOLID)
    assert isinstance(update, Update)
    assert [ref["name"] for ref in update.obj["metadata"]["ownerReferences"]] == ["b"]
    (delete,) = judge(child, Owner.ABSENT, Owner.ABSENT)
    assert isinstance(delete, Delete)
    assert delete.propagation == "Background"


def test_an_object_without_owners_is_left_alone() -> None:
    assert judge(A) == []


def test_a_waited_for_object_waits_for_its_own() -> None:
    (delete,) = judge(secret("c", A), Owner.WAITING, dependents=(secret("d"),))
    assert isinstance(delete, Delete)
    assert delete.propagation == "Foreground"
    (delete,) = judge(secret("c", A), Owner.WAITING)
    assert isinstance(delete, Delete)
    assert delete.propagation == "Background"


@pytest.mark.parametrize(("block", "waits"), [(True, True), (False, False)])
def test_only_blocking_dependents_hold_a_foreground_deletion(block: bool, waits: bool) -> None:
    ending = secret("a", uid="uid-a", deletionTimestamp="t", finalizers=["foregroundDeletion"])
    actions = judge(ending, dependents=(secret("c", A, block=block),))
    assert bool(actions) != waits


def test_orphans_are_set_free_first() -> None:
    ending = secret("a", uid="uid-a", deletionTimestamp="t", finalizers=["orphan", "mine"])
    free, last = judge(ending, dependents=(secret("c", A),))
    assert isinstance(free, Update)
    assert "ownerReferences" not in free.obj["metadata"]
    assert isinstance(last, Update)
    assert last.obj["metadata"]["finalizers"] == ["mine"]


async def create(plane: Control, name: str, *owners: Object, block: bool = False) -> Object:
    return await plane.apply(resources.SECRETS, secret(name, *owners, block=block))


def left(plane: Control) -> list[str]:
    return [obj["metadata"]["name"] for obj in plane.all(resources.SECRETS)]


async def delete(plane: Control, name: str, propagation: str | None = None) -> None:
    options = DeleteOptions(propagation=propagation)
    await plane.client.delete(resources.SECRETS, "default", name, options)
    await plane.settled()


async def test_a_whole_family_goes() -> None:
    async with control(nodes=0) as plane:
        a = await create(plane, "a")
        await create(plane, "c", await create(plane, "b", a))
        await delete(plane, "a")
        assert left(plane) == []


async def test_a_namesake_of_the_owner_is_not_the_owner() -> None:
    async with control(nodes=0) as plane:
        a = await create(plane, "a")
        await delete(plane, "a")
        again = await create(plane, "a")
        assert uid_of(again) != uid_of(a)
        await plane.client.create(resources.SECRETS, secret("b", a))
        await plane.settled()
        assert left(plane) == ["a"]


async def test_orphans_stay() -> None:
    async with control(nodes=0) as plane:
        await create(plane, "b", await create(plane, "a"))
        await delete(plane, "a", "Orphan")
        assert left(plane) == ["b"]
        assert "ownerReferences" not in plane.get(resources.SECRETS, "b")["metadata"]


async def test_in_the_foreground_the_owner_goes_last() -> None:
    async with control(nodes=0) as plane:
        a = await create(plane, "a")
        held = secret("b", a, block=True, finalizers=["example.com/hold"])
        await plane.apply(resources.SECRETS, held)
        await delete(plane, "a", "Foreground")
        assert left(plane) == ["a", "b"]
        b = plane.get(resources.SECRETS, "b")
        await plane.client.update(
            resources.SECRETS, {**b, "metadata": {**b["metadata"], "finalizers": []}}
        )
        await plane.settled()
        assert left(plane) == []


async def test_an_owner_of_an_unknown_kind_is_believed() -> None:
    async with control(nodes=0) as plane:
        obj = secret("a", B)
        obj["metadata"]["ownerReferences"][0] |= {"apiVersion": "x.dev/v1", "kind": "Thing"}
        await plane.apply(resources.SECRETS, obj)
        assert left(plane) == ["a"]

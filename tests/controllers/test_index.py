"""Objects by group, always in their newest state."""

from netemu.controllers.index import Index, ownership
from netemu.model import resources
from netemu.model.client import Change
from netemu.model.meta import Object
from tests.support.control import control
from tests.support.samples import pod


def mine(pod: Object, uid: str) -> Object:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "rs", "uid": uid}
    references = [{**owner, "controller": True}]
    return {**pod, "metadata": {**pod["metadata"], "ownerReferences": references}}


async def test_an_object_is_found_as_soon_as_it_is_put() -> None:
    async with control(nodes=0) as plane:
        index = Index(plane.client, ownership)
        stored = await plane.client.create(resources.SECRETS, secret("a"))
        index.put(resources.SECRETS, stored)
        assert index.objects(("orphan", "default")) == [stored]


async def test_what_changed_its_group_is_no_longer_found_in_the_old_one() -> None:
    async with control(nodes=0) as plane:
        index = Index(plane.client, ownership)
        old = await plane.client.create(resources.SECRETS, secret("a"))
        new = await plane.client.update(resources.SECRETS, mine(old, "u1"))
        index.observe(Change(resources.SECRETS, None, old))
        assert index.objects(("orphan", "default")) == []  # the newest state counts
        index.observe(Change(resources.SECRETS, old, new))
        assert index.size(("orphan", "default")) == 0
        assert index.objects(("owner", "u1")) == [new]
        index.observe(Change(resources.SECRETS, new, None))
        assert index.size(("owner", "u1")) == 0


def secret(name: str) -> Object:
    return {"metadata": {"namespace": "default", "name": name}}


def test_a_pod_without_a_controller_is_an_orphan_of_its_namespace() -> None:
    assert ownership(pod("a")) == (("orphan", "default"),)
    assert ownership(mine(pod("a"), "u1")) == (("owner", "u1"),)

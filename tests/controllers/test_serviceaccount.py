"""The account default in every namespace."""

from netemu.controllers.serviceaccount import plan
from netemu.model import resources
from netemu.model.meta import Object
from tests.support.control import control
from tests.support.pile import Pile

SHOP: Object = {"metadata": {"name": "shop"}}


def test_planning_on_its_own_result_gives_nothing() -> None:
    pile = Pile()
    pile.apply(plan(SHOP, None))
    assert plan(SHOP, pile.one(resources.SERVICE_ACCOUNTS)) == []


def test_a_namespace_that_ends_gets_none() -> None:
    assert plan(None, None) == []
    assert plan({"metadata": {"name": "shop", "deletionTimestamp": "t"}}, None) == []


async def test_a_deleted_account_comes_back() -> None:
    async with control(nodes=0) as plane:
        before = plane.get(resources.SERVICE_ACCOUNTS, "default")
        await plane.client.delete(resources.SERVICE_ACCOUNTS, "default", "default")
        await plane.settled()
        after = plane.get(resources.SERVICE_ACCOUNTS, "default")
        assert before["metadata"]["uid"] != after["metadata"]["uid"]

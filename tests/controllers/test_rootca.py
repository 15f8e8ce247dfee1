"""The CA in every namespace."""

from netemu.controllers.rootca import NAME, plan
from netemu.model import resources
from netemu.model.meta import Object
from tests.support.control import CA, control
from tests.support.pile import Pile

SHOP: Object = {"metadata": {"name": "shop"}}


def test_planning_on_its_own_result_gives_nothing() -> None:
    pile = Pile()
    pile.apply(plan(SHOP, None, "one"))
    assert plan(SHOP, pile.one(resources.CONFIG_MAPS), "one") == []
    pile.apply(plan(SHOP, pile.one(resources.CONFIG_MAPS), "two"))
    assert pile.one(resources.CONFIG_MAPS)["data"] == {"ca.crt": "two"}


def test_a_namespace_that_ends_gets_none() -> None:
    assert plan(None, None, "one") == []


async def test_a_falsified_copy_is_corrected() -> None:
    async with control(nodes=0) as plane:
        obj = plane.get(resources.CONFIG_MAPS, NAME)
        await plane.client.update(resources.CONFIG_MAPS, {**obj, "data": {}})
        await plane.settled()
        assert plane.get(resources.CONFIG_MAPS, NAME)["data"] == {"ca.crt": CA}

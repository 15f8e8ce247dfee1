"""Adoption and release."""

from netemu.controllers.claims import adopted, claim, touched_by, without_owner
from netemu.model.client import Change
from netemu.model.meta import Object, controller_of, owner_reference
from netemu.model.resources import DEPLOYMENTS
from netemu.model.selector import Operator, Requirement, equality
from tests.support.api import registry_with_default
from tests.support.samples import deployment, pod

OWNER: Object = {"metadata": {"name": "web", "uid": "u1"}}
OTHER: Object = {"metadata": {"name": "other", "uid": "u2"}}
WEB = equality({"app": "web"})


def names(objects: tuple[Object, ...]) -> list[str]:
    return [obj["metadata"]["name"] for obj in objects]


def candidates() -> list[Object]:
    mine = owner_reference(OWNER, "apps/v1", "ReplicaSet")
    foreign = owner_reference(OTHER, "apps/v1", "ReplicaSet")
    return [
        pod("mine", owner=mine),
        pod("lost", owner=mine, labels={"app": "x"}),
        pod("orphan"),
        pod("ending", deleting=True),
        pod("stranger", labels={"app": "x"}),
        pod("foreign", owner=foreign),
    ]


def test_what_matches_is_kept_or_adopted_and_what_does_not_is_released() -> None:
    found = claim(OWNER, WEB, candidates())
    assert names(found.mine) == ["mine"]
    assert names(found.adopt) == ["orphan"]
    assert names(found.release) == ["lost"]


def test_an_owner_that_is_being_deleted_claims_nothing_new() -> None:
    leaving: Object = {"metadata": {**OWNER["metadata"], "deletionTimestamp": "now"}}
    found = claim(leaving, WEB, candidates())
    assert names(found.mine) == ["mine"]
    assert (found.adopt, found.release) == ((), ())


def test_expressions_select_as_equalities_do() -> None:
    wanted = (Requirement("app", Operator.NOT_IN, ("x",)),)
    assert names(claim(OWNER, wanted, candidates()).adopt) == ["orphan"]


def test_adoption_and_release_change_only_the_reference() -> None:
    orphan = pod("orphan")
    mine = adopted(orphan, OWNER, "apps/v1", "ReplicaSet")
    assert (controller_of(mine) or {})["uid"] == "u1"
    assert without_owner(mine, "u1") == orphan
    assert adopted(mine, OWNER, "apps/v1", "ReplicaSet") == mine


async def test_owners_and_possible_adopters_are_touched() -> None:
    async with registry_with_default() as registry:
        client = registry.client("test")
        await client.create(DEPLOYMENTS, deployment(1))
        mine = pod("mine", owner=owner_reference(OWNER, "apps/v1", "Deployment"))
        foreign = pod("foreign", owner=owner_reference(OTHER, "apps/v1", "ReplicaSet"))
        orphan, stranger = pod("orphan"), pod("stranger", labels={"app": "x"})
        cases: tuple[tuple[Object | None, Object | None, list[str]], ...] = (
            (None, mine, ["web"]),
            (None, foreign, []),
            (None, orphan, ["web"]),
            (orphan, None, []),
            (None, stranger, []),
            (mine, stranger, ["web"]),
        )
        for old, new, wanted in cases:
            change = Change("pods", old, new)
            found = touched_by(client, DEPLOYMENTS, "Deployment", change)
            assert [name for _, name in found] == wanted

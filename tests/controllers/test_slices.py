"""Packing endpoints into slices."""

from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from netemu.controllers.slices import Packing, Ports, identity, ordered, plan_slices, port_object
from netemu.controllers.targets import Port
from netemu.model import resources
from netemu.model.meta import Object, name_of
from tests.support.pile import Pile

HTTP: Ports = (Port("http", "TCP", 8080),)
ALT: Ports = (Port("http", "TCP", 9090),)
LIMIT = 3


def blank(labels: dict[str, str], ports: Ports) -> Object:
    return {
        "metadata": {
            "generateName": "web-",
            "namespace": "default",
            "labels": labels,
            "ownerReferences": [{"uid": "u"}],
        },
        "endpoints": [],
        "ports": [port_object(port) for port in ports],
    }


def packing(placeholder: bool = True, **labels: str) -> Packing:
    return Packing(blank=partial(blank, labels), limit=LIMIT, placeholder=placeholder)


def endpoints(*numbers: int, ready: bool = True) -> list[Object]:
    return [{"addresses": [f"10.244.1.{n}"], "conditions": {"ready": ready}} for n in numbers]


def bring(pile: Pile, desired: dict[Ports, list[Object]], how: Packing | None = None) -> None:
    pile.apply(plan_slices(how or packing(), desired, pile.all(resources.ENDPOINT_SLICES)))


def contents(pile: Pile) -> dict[str, list[str]]:
    return {
        name_of(part): [item["addresses"][0] for item in part["endpoints"]]
        for part in pile.all(resources.ENDPOINT_SLICES)
    }


NUMBERS = st.lists(st.integers(1, 12), unique=True, max_size=10)


@settings(deadline=None)  # a busy machine is no failure
@given(before=NUMBERS, after=NUMBERS, alt=NUMBERS, ready=st.booleans())
def test_planning_on_its_own_result_gives_nothing(
    before: list[int], after: list[int], alt: list[int], ready: bool
) -> None:
    pile = Pile()
    bring(pile, {HTTP: endpoints(*before)} if before else {})
    groups = {HTTP: endpoints(*after, ready=ready), ALT: endpoints(*(n + 20 for n in alt))}
    desired = {ports: items for ports, items in groups.items() if items}
    bring(pile, desired)
    parts = pile.all(resources.ENDPOINT_SLICES)
    assert plan_slices(packing(), desired, parts) == []
    assert all(len(part["endpoints"]) <= LIMIT for part in parts)
    found = sorted(identity(item) for part in parts for item in part["endpoints"])
    assert found == sorted(identity(item) for items in desired.values() for item in items)
    assert len(parts) >= 1


def test_nothing_to_show_is_one_empty_slice() -> None:
    pile = Pile()
    bring(pile, {})
    (part,) = pile.all(resources.ENDPOINT_SLICES)
    assert (part["endpoints"], part["ports"]) == ([], [])
    mirror = Pile()
    bring(mirror, {}, packing(placeholder=False))
    assert mirror.all(resources.ENDPOINT_SLICES) == []


def test_the_empty_slice_becomes_the_first_real_one() -> None:
    pile = Pile()
    bring(pile, {})
    (before,) = contents(pile)
    bring(pile, {HTTP: endpoints(1)})
    assert contents(pile) == {before: ["10.244.1.1"]}


def test_an_endpoint_stays_in_its_slice() -> None:
    pile = Pile()
    bring(pile, {HTTP: endpoints(1, 2, 3, 4, 5)})
    before = contents(pile)
    bring(pile, {HTTP: endpoints(1, 3, 4, 5)})
    after = contents(pile)
    assert {name: [a for a in items if a != "10.244.1.2"] for name, items in before.items()} == (
        after
    )


def test_new_endpoints_go_where_there_is_room() -> None:
    pile = Pile()
    bring(pile, {HTTP: endpoints(1, 2, 3, 4)})
    count = len(contents(pile))
    bring(pile, {HTTP: endpoints(1, 2, 3, 4, 5)})
    assert len(contents(pile)) == count


def test_a_changed_condition_touches_one_slice_only() -> None:
    pile = Pile()
    bring(pile, {HTTP: endpoints(1, 2, 3, 4, 5)})
    changed = [*endpoints(1, 2, 3, 4), *endpoints(5, ready=False)]
    actions = plan_slices(packing(), {HTTP: changed}, pile.all(resources.ENDPOINT_SLICES))
    assert len(actions) == 1


def test_labels_of_the_owner_reach_the_slices() -> None:
    pile = Pile()
    bring(pile, {HTTP: endpoints(1)})
    bring(pile, {HTTP: endpoints(1)}, packing(tier="front"))
    assert pile.one(resources.ENDPOINT_SLICES)["metadata"]["labels"] == {"tier": "front"}


def test_ports_are_equal_in_any_order() -> None:
    assert ordered((*HTTP, *ALT)) == ordered((*ALT, *HTTP))

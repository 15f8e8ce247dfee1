"""Which Services differ between two snapshots, found without comparing all."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from netemu.model import resources
from netemu.model.meta import Object
from netemu.model.snapshot import EMPTY, RECENT, Snapshot, advance, changed_services


def service(name: str, port: int) -> Object:
    return {
        "metadata": {"namespace": "default", "name": name},
        "spec": {"clusterIPs": ["10.96.0.9"], "ports": [{"port": port}]},
    }


def apply(snapshot: Snapshot, name: str, port: int | None) -> Snapshot:
    old = service(name, 1)
    new = None if port is None else service(name, port)
    return advance(snapshot, resources.SERVICES, old, new)


STEPS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from([1, 2, None])), max_size=2 * RECENT
)


@given(STEPS, STEPS)
def test_every_difference_is_found(
    first: list[tuple[str, int | None]], then: list[tuple[str, int | None]]
) -> None:
    seen = EMPTY
    for step in first:
        seen = apply(seen, *step)
    now = seen
    for step in then:
        now = apply(now, *step)
    changed = changed_services(seen, now)
    for key in {*seen.services, *now.services}:
        if seen.services.get(key) != now.services.get(key):
            assert key in changed


def test_nothing_differs_from_itself() -> None:
    snapshot = apply(EMPTY, "a", 1)
    assert changed_services(snapshot, snapshot) == frozenset()
    assert changed_services(snapshot, replace(snapshot, synced=True)) == frozenset()


def test_only_what_changed_is_named() -> None:
    snapshot = EMPTY
    for number in range(RECENT * 2):
        snapshot = apply(snapshot, f"web-{number}", 1)
    after = apply(apply(snapshot, "web-3", 2), "web-5", None)
    assert changed_services(snapshot, after) == {("default", "web-3"), ("default", "web-5")}


def test_a_snapshot_of_another_line_is_compared_whole() -> None:
    ours = apply(apply(EMPTY, "a", 1), "b", 1)
    theirs = apply(apply(EMPTY, "b", 2), "c", 1)
    assert changed_services(ours, theirs) == {("default", name) for name in "abc"}


def test_after_more_changes_than_remembered_all_are_compared() -> None:
    seen = apply(apply(EMPTY, "a", 1), "b", 1)
    now = apply(seen, "a", 2)
    for number in range(RECENT * 2):
        now = apply(now, "c", number + 1)
    assert changed_services(seen, now) == {("default", "a"), ("default", "c")}

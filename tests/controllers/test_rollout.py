"""How many replicas each ReplicaSet gets."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netemu.controllers.rollout import (
    Deployment,
    ReplicaSet,
    Strategy,
    active,
    deployment_from,
    fenceposts,
    is_scaling,
    new_size,
    replica_set_from,
    roll,
    scale,
    superfluous,
)
from netemu.model.meta import Object

FENCEPOSTS: list[tuple[int | str, int | str, int, tuple[int, int]]] = [
    ("25%", "25%", 4, (1, 1)),
    ("25%", "25%", 3, (1, 0)),
    ("25%", "25%", 10, (3, 2)),
    (0, 0, 5, (0, 1)),
    ("0%", "10%", 5, (0, 1)),
    (2, 1, 5, (2, 1)),
    ("100%", "0%", 7, (7, 0)),
]


@pytest.mark.parametrize(("surge", "unavailable", "replicas", "expected"), FENCEPOSTS)
def test_percentages_are_rounded_up_for_surge_and_down_for_unavailable(
    surge: int | str, unavailable: int | str, replicas: int, expected: tuple[int, int]
) -> None:
    assert fenceposts({"maxSurge": surge, "maxUnavailable": unavailable}, replicas) == expected


def wish(replicas: int, surge: int = 1, unavailable: int = 0, limit: int | None = 10) -> Deployment:
    return Deployment(
        obj={"status": {}},
        name="web",
        replicas=replicas,
        strategy=Strategy.ROLLING_UPDATE,
        surge=surge,
        unavailable=unavailable,
        min_ready_seconds=0,
        paused=False,
        history_limit=limit,
        deadline=600,
    )


def has(
    uid: str, size: int, available: int | None = None, created: float = 0, **more: int
) -> ReplicaSet:
    ready = size if available is None else available
    return ReplicaSet(
        obj={"metadata": {}},
        uid=uid,
        name=uid,
        size=size,
        replicas=size,
        ready=ready,
        available=ready,
        observed=True,
        created=created,
        revision=more.get("revision", 0),
        desired=more.get("desired"),
        maximum=more.get("maximum"),
    )


def test_a_new_replica_set_gets_the_room_there_is() -> None:
    assert new_size(wish(4, surge=1), has("new", 0), [has("old", 4), has("new", 0)]) == 1
    assert new_size(wish(4, surge=1), has("new", 0), [has("new", 0)]) == 4
    assert new_size(wish(4, surge=0), has("new", 0), [has("old", 4), has("new", 0)]) == 0


def test_old_pods_go_as_new_ones_become_available() -> None:
    assert roll(wish(4, 1, 1), has("new", 2, 1), [has("old", 3)]) == {"old": 2}
    assert roll(wish(4, 1, 0), has("new", 1, 0), [has("old", 4)]) == {}
    assert roll(wish(4, 1, 0), has("new", 1, 1), [has("old", 4)]) == {"old": 3}


def test_unhealthy_old_pods_go_first() -> None:
    sizes = roll(wish(10, 3, 2), has("new", 5, 0), [has("a", 4, created=1), has("b", 4, 2)])
    assert sizes == {}  # all 8 that must stay available are counted on
    sizes = roll(wish(10, 3, 2), has("new", 4, 4), [has("a", 4, created=1), has("b", 4, 2)])
    assert sizes == {"new": 5}
    sizes = roll(wish(10, 3, 2), has("new", 5, 5), [has("a", 4, created=1), has("b", 4, 2)])
    assert sizes == {"b": 0, "a": 3}


def test_a_lagging_count_of_available_pods_does_not_shrink_too_far() -> None:
    old = ReplicaSet(obj={}, uid="old", name="old", size=5, replicas=8, ready=8, available=8)
    assert roll(wish(10, 3, 2), has("new", 5, 5), [old]) == {"new": 8}
    assert roll(wish(10, 0, 2), has("new", 5, 5), [old]) == {"old": 3}


def test_one_active_replica_set_takes_the_whole_size() -> None:
    assert scale(wish(5), has("new", 3), []) == {"new": 5}
    assert scale(wish(5), has("new", 0), [has("old", 3)]) == {"old": 5}
    assert scale(wish(5), None, [has("a", 0, created=1), has("b", 0, created=2)]) == {"b": 5}
    assert scale(wish(5), None, []) == {}


def test_sizes_are_scaled_in_proportion() -> None:
    old, new = has("old", 8, created=1, maximum=13), has("new", 5, 0, created=2, maximum=13)
    assert scale(wish(30, 3, 2), new, [old]) == {"old": 20, "new": 13}
    assert scale(wish(0, 0, 0), new, [old]) == {"old": 0, "new": 0}


def test_a_saturated_new_one_takes_over() -> None:
    assert scale(wish(5), has("new", 5, 5, desired=5), [has("old", 2)]) == {"old": 0}


def test_a_changed_size_is_noticed_by_the_annotation() -> None:
    assert is_scaling(wish(5), [has("a", 3, desired=3)])
    assert not is_scaling(wish(3), [has("a", 3, desired=3)])
    assert not is_scaling(wish(5), [has("a", 3)])
    assert not is_scaling(wish(5), [has("a", 0, desired=3)])


def test_only_empty_old_ones_past_the_limit_are_superfluous() -> None:
    old = [has("a", 0, revision=1), has("b", 1, revision=2), has("c", 0, revision=3)]
    assert [item.uid for item in superfluous(wish(1, limit=1), old)] == ["a"]
    assert [item.uid for item in superfluous(wish(1, limit=0), old)] == ["a", "c"]
    assert superfluous(wish(1, limit=None), old) == []


@settings(deadline=None)  # a busy machine is no failure
@given(
    replicas=st.integers(0, 12),
    surge=st.integers(0, 4),
    unavailable=st.integers(0, 4),
    new=st.integers(0, 12),
    old=st.lists(st.integers(0, 12), max_size=3),
)
def test_every_rollout_ends(
    replicas: int, surge: int, unavailable: int, new: int, old: list[int]
) -> None:
    """Pods that become available at once: sizes settle on the new ReplicaSet alone."""
    want = wish(replicas, surge, min(unavailable, replicas) or (0 if surge else 1))
    sizes = {"new": new, **{f"old{n}": size for n, size in enumerate(old)}}
    for _ in range(100):
        olds = [has(uid, size) for uid, size in sizes.items() if uid != "new"]
        step = roll(want, has("new", sizes["new"]), olds)
        if not step:
            break
        assert all(size >= 0 for size in step.values())
        sizes |= step
    assert sizes == {uid: replicas if uid == "new" else 0 for uid in sizes}


@settings(deadline=None)  # a busy machine is no failure
@given(
    replicas=st.integers(0, 40),
    surge=st.integers(0, 5),
    sizes=st.lists(st.integers(0, 20), min_size=2, max_size=5),
)
@example(replicas=1, surge=1, sizes=[1, 1, 1, 1])
def test_scaling_reaches_what_is_allowed(replicas: int, surge: int, sizes: list[int]) -> None:
    every = [has(f"rs{n}", size, created=n, maximum=sum(sizes)) for n, size in enumerate(sizes)]
    if len(active(every)) < 2:
        return
    result = scale(wish(replicas, surge), every[-1], every[:-1])
    assert all(size >= 0 for size in result.values())
    allowed, total = replicas + surge if replicas else 0, sum(result.values())
    # What rounding leaves goes to the largest, which can't lose more than it has (as upstream).
    assert total == allowed or (total > allowed and min(result.values()) == 0)


def test_objects_are_shrunk_with_their_defaults() -> None:
    obj: Object = {"metadata": {"name": "web"}, "spec": {"replicas": 4}}
    found = deployment_from(obj)
    assert (found.surge, found.unavailable, found.history_limit, found.deadline) == (1, 1, 10, 600)
    endless = {"strategy": {"type": "Recreate"}, "progressDeadlineSeconds": 2**31 - 1}
    found = deployment_from({**obj, "spec": {"replicas": 4, **endless}})
    assert (found.surge, found.unavailable, found.deadline) == (0, 0, None)
    annotations = {"deployment.kubernetes.io/revision": "no number"}
    old: Object = {"metadata": {"name": "a", "annotations": annotations}, "spec": {}}
    assert replica_set_from(old).revision == 0

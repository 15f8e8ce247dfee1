from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from netemu.controllers.actions import Action, Create, Delete
from netemu.controllers.pods import is_ready
from netemu.controllers.revisions import HASH_LABEL
from netemu.controllers.statefulpods import ordinal_of
from netemu.controllers.statefulsetplan import Observed, plan
from netemu.model.meta import Object, copied, is_deleting, labels_of, name_of
from netemu.model.resources import CONTROLLER_REVISIONS, PERSISTENT_VOLUME_CLAIMS, STATEFUL_SETS
from tests.support.workload import NOW, TinyWorld, workload

CLAIM = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}


class World(TinyWorld):
    """A world with one StatefulSet, ``web``."""

    def __init__(self, **spec: Any) -> None:
        super().__init__()
        whole = {"serviceName": "web", "replicas": 3, **spec}
        self.put(STATEFUL_SETS, workload("StatefulSet", **whole))

    @property
    def set(self) -> Object:
        return self.objects[STATEFUL_SETS, "web"]

    def spec(self, change: Callable[[Object], object]) -> None:
        def changed(obj: Object) -> None:
            change(obj["spec"])
            obj["metadata"]["generation"] += 1

        self.change(STATEFUL_SETS, "web", changed)

    def image(self, image: str) -> None:
        self.spec(lambda s: s["template"]["spec"]["containers"][0].update(image=image))

    def look(self, now: float = NOW) -> Observed:
        revisions = self.all(CONTROLLER_REVISIONS)
        return Observed(
            stateful_set=self.set,
            pods=self.all("pods"),
            revisions=revisions,
            claims={name_of(item): item for item in self.all(PERSISTENT_VOLUME_CLAIMS)},
            taken=frozenset(map(name_of, revisions)),
            now=now,
        )

    def step(self) -> list[Action]:
        return self.run(plan(self.look()))

    def converge(self) -> None:
        for _ in range(200):
            if not self.step() and not self.settle():
                return
        raise AssertionError("it never comes to rest")

    def pods(self) -> list[str]:
        return [name_of(pod) for pod in self.all("pods")]

    def images(self) -> dict[str, str]:
        return {name_of(pod): pod["spec"]["containers"][0]["image"] for pod in self.all("pods")}


def made(actions: list[Action]) -> list[str]:
    return [name_of(a.obj) for a in actions if isinstance(a, Create) and a.resource == "pods"]


def deleted(actions: list[Action]) -> list[str]:
    return [name_of(a.obj) for a in actions if isinstance(a, Delete) and a.resource == "pods"]


def test_pods_are_made_in_order_each_after_the_one_before_is_ready() -> None:
    world = World()
    assert made(world.step()) == ["web-0"]
    assert made(world.step()) == []
    world.becomes("web-0", "Running")
    assert made(world.step()) == []
    world.becomes("web-0", "Running", ready=True)
    assert made(world.step()) == ["web-1"]
    assert "SuccessfulCreate: create Pod web-0 in StatefulSet web successful" in world.told


def test_parallel_pods_are_made_at_once() -> None:
    world = World(podManagementPolicy="Parallel")
    assert made(world.step()) == ["web-0", "web-1", "web-2"]
    world.spec(lambda s: s.update(replicas=1))
    assert deleted(world.step()) == ["web-2", "web-1"]


def test_a_pod_has_its_identity() -> None:
    world = World(replicas=1, ordinals={"start": 5}, volumeClaimTemplates=[CLAIM])
    world.step()
    [pod] = world.all("pods")
    assert (name_of(pod), pod["spec"]["hostname"], pod["spec"]["subdomain"]) == (
        "web-5",
        "web-5",
        "web",
    )
    assert labels_of(pod)["statefulset.kubernetes.io/pod-name"] == "web-5"
    assert labels_of(pod)["apps.kubernetes.io/pod-index"] == "5"
    assert labels_of(pod)[HASH_LABEL] == world.set["status"]["updateRevision"]
    assert pod["spec"]["volumes"] == [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-5"}}
    ]
    [claim] = world.all(PERSISTENT_VOLUME_CLAIMS)
    assert (name_of(claim), labels_of(claim)) == ("data-web-5", {"app": "web"})
    message = "create Claim data-web-5 Pod web-5 in StatefulSet web success"
    assert f"SuccessfulCreate: {message}" in world.told


def test_pods_go_in_reverse_order_and_not_while_a_lower_one_is_unhealthy() -> None:
    world = World()
    world.converge()
    world.becomes("web-0", "Running")
    world.becomes("web-1", "Running")
    world.becomes("web-2", "Running")
    world.spec(lambda s: s.update(replicas=0))
    assert deleted(world.step()) == []
    for name in world.pods():
        world.becomes(name, "Running", ready=True)
    gone = []
    for _ in range(3):
        gone += deleted(world.step())
        assert deleted(world.step()) == []
        world.settle()
    assert gone == ["web-2", "web-1", "web-0"]


def test_a_pod_whose_node_is_lost_is_not_made_anew_until_its_object_is_gone() -> None:
    world = World()
    world.converge()
    world.change("pods", "web-1", lambda o: o["metadata"].update(deletionTimestamp="x"))
    for _ in range(5):
        assert made(world.step()) == []
    world.end("web-1")
    assert made(world.step()) == ["web-1"]


def test_a_name_rests_before_it_is_used_again() -> None:
    world = World(replicas=1)
    seen = replace(world.look(), resting=frozenset({"web-0"}))
    assert made(plan(seen)) == []
    assert made(plan(world.look())) == ["web-0"]


@pytest.mark.parametrize(
    ("phase", "reason"),
    [("Failed", "RecreatingFailedPod"), ("Succeeded", "RecreatingTerminatedPod")],
)
def test_a_pod_that_ended_is_made_anew_under_its_name(phase: str, reason: str) -> None:
    world = World()
    world.converge()
    world.becomes("web-1", phase)
    assert deleted(world.step()) == ["web-1"]
    assert any(item.startswith(f"{reason}: StatefulSet default/web") for item in world.told)
    world.end("web-1")
    assert made(world.step()) == ["web-1"]


def test_a_rolling_update_goes_from_the_highest_number_down_one_at_a_time() -> None:
    world = World()
    world.converge()
    first = world.set["status"]["currentRevision"]
    world.image("v2")
    order = []
    for _ in range(12):
        order += deleted(world.step())
        world.settle()
    assert order == ["web-2", "web-1", "web-0"]
    assert set(world.images().values()) == {"v2"}
    status = world.set["status"]
    assert status["currentRevision"] == status["updateRevision"] != first


def test_a_template_that_comes_back_has_its_old_revision_with_a_new_number() -> None:
    world = World()
    world.converge()
    first = world.set["status"]["currentRevision"]
    world.image("v2")
    world.converge()
    world.image("v1")
    world.converge()
    assert world.set["status"]["currentRevision"] == first
    assert {r["revision"] for r in world.all(CONTROLLER_REVISIONS)} == {2, 3}


def test_a_partition_holds_lower_pods_at_their_revision_even_when_they_are_deleted() -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}
    world = World(updateStrategy=rolling)
    world.converge()
    world.image("v2")
    world.converge()
    assert set(world.images().values()) == {"v1"}
    world.spec(lambda s: s["updateStrategy"]["rollingUpdate"].update(partition=2))
    world.converge()
    assert world.images() == {"web-0": "v1", "web-1": "v1", "web-2": "v2"}
    for name in ("web-0", "web-2"):
        world.change("pods", name, lambda o: o["metadata"].update(deletionTimestamp="x"))
    world.converge()
    assert world.images() == {"web-0": "v1", "web-1": "v1", "web-2": "v2"}
    assert world.set["status"]["updatedReplicas"] == 1
    world.spec(lambda s: s["updateStrategy"]["rollingUpdate"].update(partition=0))
    world.converge()
    status = world.set["status"]
    assert status["currentRevision"] == status["updateRevision"]


def test_on_delete_leaves_pods_until_somebody_deletes_them() -> None:
    world = World(updateStrategy={"type": "OnDelete"})
    world.converge()
    world.image("v2")
    world.converge()
    assert set(world.images().values()) == {"v1"}
    world.change("pods", "web-1", lambda o: o["metadata"].update(deletionTimestamp="x"))
    world.converge()
    assert world.images() == {"web-0": "v1", "web-1": "v2", "web-2": "v1"}


def test_max_unavailable_lets_several_go_at_once() -> None:
    rolling = {"rollingUpdate": {"maxUnavailable": 2}}
    world = World(replicas=5, podManagementPolicy="Parallel", updateStrategy=rolling)
    world.converge()
    world.image("v2")
    assert deleted(world.step()) == ["web-4", "web-3"]
    assert deleted(world.step()) == []
    world.converge()
    assert set(world.images().values()) == {"v2"}


def test_min_ready_seconds_count_before_the_next_pod() -> None:
    world = World(minReadySeconds=3000)
    world.step()
    world.becomes("web-0", "Running", ready=True)
    assert made(world.step()) == []
    assert (world.set["status"]["readyReplicas"], world.set["status"]["availableReplicas"]) == (
        1,
        0,
    )
    later = plan(world.look(NOW + 3000))
    assert made(later) == ["web-1"]


def test_start_raised_and_lowered_moves_the_range() -> None:
    world = World(replicas=2)
    world.converge()
    world.spec(lambda s: s.update(ordinals={"start": 1}))
    world.converge()
    assert world.pods() == ["web-1", "web-2"]
    world.spec(lambda s: s.pop("ordinals"))
    world.converge()
    assert world.pods() == ["web-0", "web-1"]


def owners(world: World) -> dict[str, list[str]]:
    return {
        name_of(claim): [r["kind"] for r in claim["metadata"].get("ownerReferences") or ()]
        for claim in world.all(PERSISTENT_VOLUME_CLAIMS)
    }


@pytest.mark.parametrize(
    ("policy", "kept", "condemned"),
    [
        ({}, [], []),
        ({"whenDeleted": "Delete"}, ["StatefulSet"], ["StatefulSet"]),
        ({"whenScaled": "Delete"}, [], ["Pod"]),
        ({"whenDeleted": "Delete", "whenScaled": "Delete"}, ["StatefulSet"], ["Pod"]),
    ],
)
def test_claims_belong_to_whom_the_retention_policy_says(
    policy: dict[str, str], kept: list[str], condemned: list[str]
) -> None:
    world = World(
        replicas=2, volumeClaimTemplates=[CLAIM], persistentVolumeClaimRetentionPolicy=policy
    )
    world.converge()
    assert owners(world) == {"data-web-0": kept, "data-web-1": kept}
    world.spec(lambda s: s.update(replicas=1))
    assert deleted(world.step()) == ["web-1"]
    assert owners(world) == {"data-web-0": kept, "data-web-1": condemned}


def test_orphans_of_its_names_are_adopted_and_others_released() -> None:
    world = World(replicas=1)
    world.converge()

    def orphaned(obj: Object) -> None:
        obj["metadata"].pop("ownerReferences")
        obj["metadata"]["labels"].pop("statefulset.kubernetes.io/pod-name")

    world.change("pods", "web-0", orphaned)
    world.converge()
    [pod] = world.all("pods")
    assert pod["metadata"]["ownerReferences"][0]["uid"] == world.set["metadata"]["uid"]
    assert labels_of(pod)["statefulset.kubernetes.io/pod-name"] == "web-0"
    world.change("pods", "web-0", lambda o: o["metadata"]["labels"].update(app="other"))
    world.step()
    [pod] = world.all("pods")
    assert "ownerReferences" not in pod["metadata"]


def test_history_is_kept_as_far_as_its_limit() -> None:
    world = World(replicas=1, revisionHistoryLimit=2)
    for number in range(6):
        world.image(f"v{number}")
        world.converge()
    assert [r["revision"] for r in world.all(CONTROLLER_REVISIONS)].__len__() == 3


def test_one_that_is_being_deleted_makes_nothing() -> None:
    world = World()
    world.change(STATEFUL_SETS, "web", lambda o: o["metadata"].update(deletionTimestamp="x"))
    assert made(world.step()) == []


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("replicas"), st.integers(0, 4)),
        st.tuples(st.just("image"), st.sampled_from(["v1", "v2", "v3"])),
        st.tuples(st.just("ready"), st.integers(0, 4)),
        st.tuples(st.just("unready"), st.integers(0, 4)),
        st.tuples(st.just("fail"), st.integers(0, 4)),
        st.tuples(st.just("delete"), st.integers(0, 4)),
        st.tuples(st.just("end"), st.integers(0, 4)),
        st.tuples(st.just("start"), st.integers(0, 2)),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(events=EVENTS, ordered=st.booleans())
def test_whatever_happens_order_holds_and_it_comes_to_rest(
    events: list[tuple[str, Any]], ordered: bool
) -> None:
    policy = "OrderedReady" if ordered else "Parallel"
    world = World(podManagementPolicy=policy, volumeClaimTemplates=[copied(CLAIM)])
    for kind, value in events:
        _happens(world, kind, value)
        before = copied(world.all("pods"))
        actions = world.step()
        if ordered:
            _check_order(before, world.set, actions)
    world.converge()
    start = (world.set["spec"].get("ordinals") or {}).get("start", 0)
    replicas = world.set["spec"]["replicas"]
    assert world.pods() == [f"web-{start + number}" for number in range(replicas)]
    wanted = world.set["spec"]["template"]["spec"]["containers"][0]["image"]
    assert set(world.images().values()) <= {wanted}
    assert plan(world.look()) == []


@settings(max_examples=100, deadline=None)
@given(events=EVENTS, most=st.integers(2, 3))
def test_an_update_never_takes_more_than_may_be_missing(
    events: list[tuple[str, Any]], most: int
) -> None:
    rolling = {"rollingUpdate": {"maxUnavailable": most}}
    world = World(replicas=4, podManagementPolicy="Parallel", updateStrategy=rolling)
    world.converge()
    for kind, value in events:
        if kind in ("replicas", "start"):
            continue
        _happens(world, kind, value)
        before = _served(world)
        world.step()
        lost = before - _served(world)
        assert not lost or len(_served(world)) >= 4 - most
    world.converge()
    assert len(_served(world)) == 4


def _served(world: World) -> set[str]:
    """Pods that are ready and stay."""
    return {name_of(p) for p in world.all("pods") if is_ready(p) and not is_deleting(p)}


def _happens(world: World, kind: str, value: Any) -> None:
    name = f"web-{value}"
    if kind == "replicas":
        world.spec(lambda s: s.update(replicas=value))
    elif kind == "start":
        world.spec(lambda s: s.update(ordinals={"start": value}))
    elif kind == "image":
        world.image(value)
    elif name in world.pods():
        gone = is_deleting(world.objects["pods", name])
        match kind:
            case "ready" | "unready":
                world.becomes(name, "Running", ready=kind == "ready")
            case "fail":
                world.becomes(name, "Failed")
            case "delete":
                world.change("pods", name, lambda o: o["metadata"].update(deletionTimestamp="x"))
            case "end" if gone:
                world.end(name)


def _check_order(before: list[Object], obj: Object, actions: list[Action]) -> None:
    """A pod is made only when all lower ones are ready, and one pod at most comes or goes."""
    assert len(made(actions)) + len(deleted(actions)) <= 1
    ready = {
        ordinal_of(pod)
        for pod in before
        if (pod.get("status") or {}).get("phase") == "Running"
        and pod["status"]["conditions"][0]["status"] == "True"
        and not is_deleting(pod)
    }
    start = (obj["spec"].get("ordinals") or {}).get("start", 0)
    for name in made(actions):
        lower = range(start, int(name.rpartition("-")[2]))
        assert set(lower) <= ready

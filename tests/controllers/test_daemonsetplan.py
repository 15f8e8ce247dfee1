from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netemu.controllers.actions import Action, Create, Delete
from netemu.controllers.daemonpods import fit, node_of
from netemu.controllers.daemonsetplan import Observed, plan
from netemu.controllers.pods import is_ready
from netemu.model.meta import Object, copied, is_deleting, name_of
from netemu.model.resources import CONTROLLER_REVISIONS, DAEMON_SETS, NODES
from tests.support.workload import NOW, TinyWorld, workload


class World(TinyWorld):
    """A world of nodes with one DaemonSet, ``web``."""

    def __init__(self, nodes: int = 3, **spec: Any) -> None:
        super().__init__()
        self._number = 0
        whole = {"updateStrategy": rolling(maxUnavailable=1, maxSurge=0), **spec}
        self.put(DAEMON_SETS, workload("DaemonSet", **whole))
        for number in range(nodes):
            self.put(NODES, {"metadata": {"name": f"n{number}", "labels": {}}, "spec": {}})

    def put(self, resource: str, obj: Object) -> Object:
        if "name" not in obj["metadata"]:
            self._number += 1
            name = f"{obj['metadata']['generateName']}{self._number:05}"
            obj = {**obj, "metadata": {**obj["metadata"], "name": name}}
        return super().put(resource, obj)

    @property
    def set(self) -> Object:
        return self.objects[DAEMON_SETS, "web"]

    def spec(self, change: Callable[[Object], object]) -> None:
        self.change(DAEMON_SETS, "web", lambda o: change(o["spec"]))

    def image(self, image: str) -> None:
        self.spec(lambda s: s["template"]["spec"]["containers"][0].update(image=image))

    def taint(self, node: str, effect: str) -> None:
        taints = [{"key": "k", "value": "v", "effect": effect}] if effect else []
        self.change(NODES, node, lambda o: o["spec"].update(taints=taints))

    def look(self, **more: Any) -> Observed:
        revisions = self.all(CONTROLLER_REVISIONS)
        return Observed(
            daemon_set=self.set,
            pods=self.all("pods"),
            nodes=self.all(NODES),
            revisions=revisions,
            taken=frozenset(map(name_of, revisions)),
            now=NOW,
            **more,
        )

    def step(self) -> list[Action]:
        return self.run(plan(self.look()))

    def schedule(self) -> None:
        for pod in self.all("pods"):
            if not pod["spec"].get("nodeName"):
                spec = {**pod["spec"], "nodeName": node_of(pod)}
                self.change("pods", name_of(pod), partial(dict.update, spec=spec))

    def converge(self) -> None:
        for _ in range(200):
            quiet = not self.step()
            self.schedule()
            if not self.settle() and quiet:
                return
        raise AssertionError("it never comes to rest")

    def places(self) -> list[str]:
        return sorted(node_of(pod) for pod in self.all("pods"))

    def images(self) -> list[str]:
        return [pod["spec"]["containers"][0]["image"] for pod in self.all("pods")]


def rolling(**wish: Any) -> Object:
    return {"type": "RollingUpdate", "rollingUpdate": wish}


def made(actions: list[Action]) -> list[str]:
    found = [a.obj for a in actions if isinstance(a, Create) and a.resource == "pods"]
    return [node_of(pod) for pod in found]


def deleted(actions: list[Action]) -> list[str]:
    found = [a.obj for a in actions if isinstance(a, Delete) and a.resource == "pods"]
    return [node_of(pod) for pod in found]


def test_every_node_gets_a_pod_and_a_new_node_gets_one_too() -> None:
    world = World()
    assert made(world.step()) == ["n0", "n1", "n2"]
    world.converge()
    world.put(NODES, {"metadata": {"name": "n3"}, "spec": {}})
    assert made(world.step()) == ["n3"]
    world.converge()
    assert world.set["status"] == {
        "currentNumberScheduled": 4,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 4,
        "numberReady": 4,
        "observedGeneration": 1,
        "updatedNumberScheduled": 4,
        "numberAvailable": 4,
    }


def test_a_pod_is_bound_by_affinity_to_its_node_and_tolerates_trouble() -> None:
    world = World(1)
    world.step()
    [pod] = world.all("pods")
    [term] = pod["spec"]["affinity"]["nodeAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]["nodeSelectorTerms"]
    assert term == {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n0"]}]}
    keys = {item["key"] for item in pod["spec"]["tolerations"]}
    assert "node.kubernetes.io/unschedulable" in keys
    assert "node.kubernetes.io/network-unavailable" not in keys


def test_pods_follow_a_node_selector() -> None:
    world = World()
    world.spec(lambda s: s["template"]["spec"].update(nodeSelector={"color": "blue"}))
    world.converge()
    assert world.places() == []
    world.change(NODES, "n1", lambda o: o["metadata"].update(labels={"color": "blue"}))
    world.converge()
    assert world.places() == ["n1"]
    world.change(NODES, "n1", lambda o: o["metadata"].update(labels={"color": "green"}))
    world.converge()
    assert world.places() == []


@pytest.mark.parametrize(
    ("effect", "runs", "stays"),
    [
        ("", True, True),
        ("PreferNoSchedule", True, True),
        ("NoSchedule", False, True),
        ("NoExecute", False, False),
    ],
)
def test_taints(effect: str, runs: bool, stays: bool) -> None:
    world = World(1)
    world.taint("n0", effect)
    found = fit({}, world.objects[NODES, "n0"])
    assert (found.runs, found.stays) == (runs, stays)
    tolerations = [{"operator": "Exists"}]
    assert fit({"tolerations": tolerations}, world.objects[NODES, "n0"]).runs


def test_a_pod_on_a_node_that_got_a_taint_is_miscounted_not_killed() -> None:
    world = World()
    world.converge()
    world.taint("n1", "NoSchedule")
    world.converge()
    assert world.places() == ["n0", "n1", "n2"]
    status = world.set["status"]
    assert (status["desiredNumberScheduled"], status["numberMisscheduled"]) == (2, 1)


def test_a_failed_pod_is_replaced_unless_one_failed_there_a_moment_ago() -> None:
    world = World(1)
    world.converge()
    [pod] = world.all("pods")
    world.becomes(name_of(pod), "Failed")
    held = plan(world.look(held_back=frozenset({"n0"})))
    assert deleted(held) == []
    assert deleted(world.step()) == ["n0"]
    assert any(line.startswith("FailedDaemonPod: Found failed daemon pod") for line in world.told)
    world.converge()
    assert world.places() == ["n0"]


def test_a_rolling_update_takes_away_as_many_as_may_be_missing() -> None:
    world = World(5, updateStrategy=rolling(maxUnavailable="30%", maxSurge=0))
    world.converge()
    world.image("v2")
    assert len(deleted(world.step())) == 2
    assert deleted(world.step()) == []
    world.converge()
    assert set(world.images()) == {"v2"}


def test_a_surge_brings_the_new_pod_up_before_the_old_one_goes() -> None:
    world = World(3, updateStrategy=rolling(maxUnavailable=0, maxSurge=1))
    world.converge()
    world.image("v2")
    [node] = made(world.step())
    assert made(world.step()) == deleted(world.step()) == []
    world.schedule()
    world.settle()
    assert deleted(world.step()) == [node]
    world.converge()
    assert world.images() == ["v2"] * 3


def test_on_delete_leaves_pods_until_somebody_deletes_them() -> None:
    world = World(2, updateStrategy={"type": "OnDelete"})
    world.converge()
    world.image("v2")
    world.converge()
    assert world.images() == ["v1", "v1"]
    name = name_of(world.all("pods")[0])
    world.change("pods", name, lambda o: o["metadata"].update(deletionTimestamp="x"))
    world.converge()
    assert sorted(world.images()) == ["v1", "v2"]


def test_going_back_restarts_only_what_has_changed() -> None:
    world = World(3)
    world.converge()
    before = {pod["metadata"]["uid"] for pod in world.all("pods")}
    world.image("bad")
    [gone] = deleted(world.step())
    for pod in world.all("pods"):
        if is_deleting(pod):
            world.end(name_of(pod))
    world.step()
    world.image("v1")
    world.converge()
    after = {pod["metadata"]["uid"] for pod in world.all("pods")}
    assert len(before & after) == 2
    assert world.places() == ["n0", "n1", "n2"], gone
    assert {r["revision"] for r in world.all(CONTROLLER_REVISIONS)} == {2, 3}


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["image", "ready", "unready", "fail", "delete", "end", "taint", "label", "schedule"]
        ),
        st.integers(0, 3),
    ),
    max_size=25,
)
STRATEGIES = st.sampled_from(
    [rolling(maxUnavailable=1, maxSurge=0), rolling(maxUnavailable=0, maxSurge=2)]
)


@settings(max_examples=120, deadline=None)
@given(events=EVENTS, strategy=STRATEGIES)
def test_whatever_happens_no_more_is_missing_than_may_be_and_it_comes_to_rest(
    events: list[tuple[str, int]], strategy: Object
) -> None:
    world = World(4, updateStrategy=copied(strategy))
    for what, number in events:
        _happens(world, what, number)
        ready = _served(world)
        actions = world.step()
        _check(world, strategy, ready, actions)
    for number in range(4):
        world.taint(f"n{number}", "")
    world.converge()
    assert world.places() == [f"n{number}" for number in range(4)]
    wanted = world.set["spec"]["template"]["spec"]["containers"][0]["image"]
    assert set(world.images()) == {wanted}
    assert plan(world.look()) == []


def _happens(world: World, what: str, number: int) -> None:
    pods = world.all("pods")
    pod = pods[number % len(pods)] if pods else None
    if what == "image":
        world.image(f"v{number}")
    elif what == "taint":
        world.taint(f"n{number}", ("", "NoSchedule", "NoExecute", "PreferNoSchedule")[number])
    elif what == "schedule":
        world.schedule()
    elif pod is not None:
        match what:
            case "ready" | "unready":
                world.becomes(name_of(pod), "Running", ready=what == "ready")
            case "fail":
                world.becomes(name_of(pod), "Failed")
            case "delete":
                world.change(
                    "pods", name_of(pod), lambda o: o["metadata"].update(deletionTimestamp="x")
                )
            case "end" if is_deleting(pod):
                world.end(name_of(pod))


def _served(world: World) -> set[str]:
    """Nodes with a pod that is ready and stays."""
    return {node_of(p) for p in world.all("pods") if is_ready(p) and not is_deleting(p)}


def _check(world: World, strategy: Object, ready: set[str], actions: list[Action]) -> None:
    """Ready pods go only within the budget, or because their node won't have them."""
    spec = world.set["spec"]["template"]["spec"]
    runs = {name_of(n) for n in world.all(NODES) if fit(spec, n).runs}
    lost = (ready - _served(world)) & runs
    assert len(lost) <= strategy["rollingUpdate"]["maxUnavailable"]
    assert len(made(actions)) <= 4

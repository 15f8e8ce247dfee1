"""sig-scheduling, row by row of the catalogue."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.rows import RefusedError, Space, condition, pause, pod, workload

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

NODE, OTHER = "node-1", "node-2"
GPU = "example.com/fakecpu"
KEY = "kubernetes.io/e2e-row"


@pytest.fixture
def marked(space: Space) -> Iterator[Space]:
    """node-1 has a label, and is as before afterwards."""
    space.patch("nodes", NODE, {"metadata": {"labels": {KEY: "42"}}})
    yield space
    space.patch("nodes", NODE, {"metadata": {"labels": {KEY: None}}, "spec": {"taints": None}})


@pytest.fixture
def gifted(marked: Space) -> Iterator[Space]:
    """node-1 has ten of something rare."""
    offer(marked, "10")
    yield marked
    offer(marked, None)


def offer(space: Space, number: str | None) -> None:
    amounts = {GPU: number}
    patch = {"status": {"capacity": amounts, "allocatable": amounts}}
    space.patch("nodes", NODE, patch, "status")


def rare(number: str) -> Any:
    return pause(resources={"requests": {GPU: number}, "limits": {GPU: number}})


def unschedulable(space: Space, name: str) -> str:
    """Wait until a pod is said to fit nowhere; why."""
    space.wait(
        lambda: condition(space.get("pods", name), "PodScheduled").get("reason") == "Unschedulable",
        f"{name} to be unschedulable",
    )
    return str(condition(space.get("pods", name), "PodScheduled")["message"])


def where(space: Space, name: str) -> str:
    return str(
        space.wait(lambda: space.get("pods", name)["spec"].get("nodeName"), f"{name}'s node")
    )


def taint(space: Space, effect: str, value: str = "yes") -> None:
    taints = [{"key": KEY, "value": value, "effect": effect}]
    space.patch("nodes", NODE, {"spec": {"taints": taints}})


def untaint(space: Space) -> None:
    space.patch("nodes", NODE, {"spec": {"taints": None}})


def tolerates(effect: str, **more: Any) -> Any:
    return [{"key": KEY, "operator": "Equal", "value": "yes", "effect": effect, **more}]


def test_18_1_resource_limits(space: Space) -> None:
    nodes = space.all("nodes")
    most = 0
    for number, node in enumerate(nodes):
        name = node["metadata"]["name"]
        cpus = int(1000 * float(node["status"]["allocatable"]["cpu"]))
        most = max(most, cpus)
        fill = pause(resources={"requests": {"cpu": f"{cpus * 7 // 10}m"}})
        selector = {"kubernetes.io/hostname": name}
        space.create("pods", pod(f"fill-{number}", fill, nodeSelector=selector))
    space.wait_ready(*(f"fill-{number}" for number in range(len(nodes))))
    more = pause(resources={"requests": {"cpu": f"{most // 2}m"}})
    space.create("pods", pod("additional", more))
    assert unschedulable(space, "additional").startswith(
        "0/3 nodes are available: 3 Insufficient cpu."
    )
    assert space.events("additional", "FailedScheduling")


def test_18_2_a_node_selector_that_nothing_matches(space: Space) -> None:
    space.create("pods", pod("p", nodeSelector={"label": "nonempty"}))
    assert unschedulable(space, "p") == (
        "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. "
        "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )


def test_18_3_a_node_selector_that_a_node_matches(marked: Space) -> None:
    marked.create("pods", pod("p", nodeSelector={KEY: "42"}))
    assert where(marked, "p") == NODE


def affinity(values: list[str]) -> Any:
    expression = {"key": KEY, "operator": "In", "values": values}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


def test_18_4_node_affinity_that_nothing_matches(marked: Space) -> None:
    marked.create("pods", pod("p", affinity=affinity(["41"])))
    assert "3 node(s) didn't match Pod's node affinity/selector" in unschedulable(marked, "p")


def test_18_4_node_affinity_that_a_node_matches(marked: Space) -> None:
    marked.create("pods", pod("p", affinity=affinity(["42"])))
    assert where(marked, "p") == NODE


def test_18_5_a_taint_that_is_tolerated(marked: Space) -> None:
    taint(marked, "NoSchedule")
    wanted = {"nodeSelector": {KEY: "42"}, "tolerations": tolerates("NoSchedule")}
    marked.create("pods", pod("p", **wanted))
    assert where(marked, "p") == NODE


def test_18_5_a_taint_that_is_not_tolerated(marked: Space) -> None:
    taint(marked, "NoSchedule")
    marked.create("pods", pod("p", nodeSelector={KEY: "42"}))
    assert f"1 node(s) had untolerated taint {{{KEY}: yes}}" in unschedulable(marked, "p")
    untaint(marked)
    assert where(marked, "p") == NODE


def port(address: str) -> Any:
    return pause(ports=[{"containerPort": 8080, "hostPort": 54322, "hostIP": address}])


def test_18_6_host_ports_meet(marked: Space) -> None:
    marked.create("pods", pod("p4", port(""), nodeSelector={KEY: "42"}))
    marked.wait_ready("p4")
    marked.create("pods", pod("p5", port("172.30.0.11"), nodeSelector={KEY: "42"}))
    told = unschedulable(marked, "p5")
    assert "1 node(s) didn't have free ports for the requested pod ports" in told


def test_18_7_too_many_pods(marked: Space) -> None:
    before = marked.get("nodes", NODE)["status"]["allocatable"]["pods"]
    there = [p for p in marked.all("pods", everywhere=True) if p["spec"].get("nodeName") == NODE]
    running = sum(p["status"]["phase"] not in ("Succeeded", "Failed") for p in there)

    def limit(number: int | str) -> None:
        marked.patch("nodes", NODE, {"status": {"allocatable": {"pods": str(number)}}}, "status")

    limit(running + 1)
    try:
        marked.create("pods", pod("fits", nodeSelector={KEY: "42"}))
        assert where(marked, "fits") == NODE
        marked.create("pods", pod("over", nodeSelector={KEY: "42"}))
        assert "1 Too many pods" in unschedulable(marked, "over")
    finally:
        limit(before)


def test_18_7_local_ephemeral_storage(space: Space) -> None:
    asks = pause(resources={"requests": {"ephemeral-storage": "1Pi"}})
    space.create("pods", pod("p", asks))
    assert "3 Insufficient ephemeral-storage" in unschedulable(space, "p")


def test_18_7_overhead_counts(gifted: Space) -> None:
    name = f"{gifted.name}-runtime"
    overhead = {"podFixed": {GPU: "2"}}
    made = {"metadata": {"name": name}, "handler": "netemu", "overhead": overhead}
    gifted.create("runtimeclasses", made)
    try:
        gifted.create("pods", pod("first", rare("7"), runtimeClassName=name))
        assert where(gifted, "first") == NODE
        gifted.create("pods", pod("second", rare("3")))
        assert f"3 Insufficient {GPU}" in unschedulable(gifted, "second")
    finally:
        gifted.delete("runtimeclasses", name)


def test_18_7_topology_spread(space: Space) -> None:
    constraint = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}},
    }
    spec = {"topologySpreadConstraints": [constraint]}
    space.create("replicasets", workload("web", pod=spec, replicas=6))
    space.wait(lambda: len(placed(space)) == 6, "six pods on nodes")
    assert sorted(placed(space)) == sorted([NODE, OTHER, "node-3"] * 2)
    space.patch("nodes", NODE, {"spec": {"unschedulable": True}})
    try:
        space.patch("replicasets", "web", {"spec": {"replicas": 9}})
        space.wait(
            lambda: any("topology spread" in text for text in refusals(space)), "the refusal"
        )
        assert len(placed(space)) == 8
    finally:
        space.patch("nodes", NODE, {"spec": {"unschedulable": None}})
    space.wait(lambda: len(placed(space)) == 9, "the ninth")


def placed(space: Space) -> list[str]:
    return [p["spec"]["nodeName"] for p in space.live() if p["spec"].get("nodeName")]


def refusals(space: Space) -> list[str]:
    return [condition(p, "PodScheduled").get("message", "") for p in space.pods()]


def test_18_7_scheduling_gates(space: Space) -> None:
    gates = [{"name": "example.com/foo"}, {"name": "example.com/bar"}]
    space.create("pods", pod("p", schedulingGates=gates))
    gated = condition(space.get("pods", "p"), "PodScheduled")
    assert gated["reason"] == "SchedulingGated"
    space.patch("pods", "p", {"spec": {"schedulingGates": gates[1:]}})
    space.stays(lambda: "nodeName" not in space.get("pods", "p")["spec"], 0.5)
    space.patch("pods", "p", {"spec": {"schedulingGates": None}})
    space.wait_ready("p")


@pytest.fixture
def classes(gifted: Space) -> Iterator[Space]:
    made = {
        f"{gifted.name}-{name}": value for name, value in (("low", 1), ("mid", 100), ("high", 1000))
    }
    for name, value in made.items():
        gifted.create("priorityclasses", {"metadata": {"name": name}, "value": value})
    yield gifted
    for name in made:
        gifted.delete("priorityclasses", name)


def ranked(space: Space, name: str, rank: str, number: str, **spec: Any) -> None:
    wanted = rank if rank.startswith("system-") else f"{space.name}-{rank}"
    space.create("pods", pod(name, rare(number), priorityClassName=wanted, **spec))


def test_18_8_preemption_makes_room(classes: Space) -> None:
    ranked(classes, "low", "low", "6")
    ranked(classes, "mid", "mid", "4")
    classes.wait_ready("low", "mid")
    low = classes.get("pods", "low")["metadata"]["uid"]
    start = classes.version("pods")
    ranked(classes, "high", "high", "5")
    classes.wait_ready("high")
    preemptor = classes.get("pods", "high")
    assert preemptor["status"]["nominatedNodeName"] == NODE
    assert not classes.exists("pods", "low")
    assert classes.exists("pods", "mid")
    assert classes.events("low", "Preempted") == [
        f"Preempted by pod {preemptor['metadata']['uid']} on node {NODE}"
    ]
    [last] = [
        o
        for kind, o in classes.watched("pods", start)
        if kind == "DELETED" and o["metadata"]["uid"] == low
    ]
    assert condition(last, "DisruptionTarget")["reason"] == "PreemptionByScheduler"


def test_18_8_a_critical_pod_preempts(classes: Space) -> None:
    ranked(classes, "low", "low", "6")
    ranked(classes, "mid", "mid", "4")
    classes.wait_ready("low", "mid")
    ranked(classes, "critical", "system-cluster-critical", "6")
    classes.wait_ready("critical")
    assert not classes.exists("pods", "low")
    assert classes.exists("pods", "mid")


def test_18_8_preemption_running_path(classes: Space) -> None:
    """ReplicaSets of four ranks: the lowest ones make room, and no more than needed."""
    for app, rank, number in (("a", "low", 5), ("b", "mid", 5)):
        spec = {"priorityClassName": f"{classes.name}-{rank}"}
        made = workload(app, rare("1"), app=app, pod=spec, replicas=number)
        classes.create("replicasets", made)
    classes.wait(lambda: len(placed(classes)) == 10, "ten pods")
    spec = {"priorityClassName": f"{classes.name}-high"}
    classes.create("replicasets", workload("c", rare("1"), app="c", pod=spec, replicas=5))
    classes.wait(
        lambda: (classes.get("replicasets", "c")["status"].get("readyReplicas", 0)) == 5, "c"
    )
    ready = [classes.get("replicasets", n)["status"].get("readyReplicas", 0) for n in ("a", "b")]
    assert ready == [0, 5]


def test_18_9_priority_classes(classes: Space) -> None:
    name = f"{classes.name}-low"
    with pytest.raises(RefusedError) as refused:
        classes.patch("priorityclasses", name, {"value": 2})
    assert "value: Forbidden: may not be changed in an update." in refused.value.message
    changed = classes.patch("priorityclasses", name, {"description": "updated"})
    assert changed["description"] == "updated"
    names = [item["metadata"]["name"] for item in classes.all("priorityclasses")]
    assert {name, "system-cluster-critical", "system-node-critical"} <= set(names)


def test_18_10_limit_ranges_defaults_and_bounds(space: Space) -> None:
    limit = {
        "type": "Container",
        "min": {"cpu": "50m", "memory": "100Mi"},
        "max": {"cpu": "500m", "memory": "500Mi"},
        "default": {"cpu": "500m", "memory": "500Mi"},
        "defaultRequest": {"cpu": "100m", "memory": "200Mi"},
    }
    space.create("limitranges", {"metadata": {"name": "l"}, "spec": {"limits": [limit]}})
    space.create("pods", pod("none"))
    [container] = space.get("pods", "none")["spec"]["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "100m", "memory": "200Mi"},
        "limits": {"cpu": "500m", "memory": "500Mi"},
    }
    space.create("pods", pod("some", pause(resources={"requests": {"cpu": "300m"}})))
    [container] = space.get("pods", "some")["spec"]["containers"]
    assert container["resources"]["requests"] == {"cpu": "300m", "memory": "200Mi"}
    for requests, limits, why in (
        ({"cpu": "10m"}, {}, "minimum cpu usage per Container is 50m, but request is 10m"),
        (
            {},
            {"memory": "600Mi"},
            "maximum memory usage per Container is 500Mi, but limit is 600Mi",
        ),
    ):
        resources = {"requests": requests, "limits": limits}
        with pytest.raises(RefusedError) as refused:
            space.create("pods", pod("bad", pause(resources=resources)))
        assert refused.value.code == 403
        assert why in refused.value.message


def test_18_11_limit_ranges_by_collection(space: Space) -> None:
    limit = {"type": "Container", "max": {"cpu": "1"}}
    made = {"metadata": {"name": "l", "labels": {"e": "1"}}, "spec": {"limits": [limit]}}
    space.create("limitranges", made)
    space.patch("limitranges", "l", {"metadata": {"labels": {"l": "patched"}}})
    found = space.all("limitranges", "l=patched", everywhere=True)
    assert [item["metadata"]["name"] for item in found] == ["l"]
    space.delete_all("limitranges", "l=patched")
    assert space.all("limitranges") == []


def on_node(space: Space, name: str, **spec: Any) -> None:
    space.create("pods", pod(name, nodeSelector={KEY: "42"}, **spec))
    space.wait_ready(name)


def gone(space: Space, name: str, seconds: float = 20) -> None:
    space.wait(lambda: not space.exists("pods", name), f"{name} to go", seconds)


def test_18_12_no_execute_evicts(marked: Space) -> None:
    on_node(marked, "p")
    taint(marked, "NoExecute")
    gone(marked, "p")
    assert marked.events("p", "TaintManagerEviction") == [
        f"Marking for deletion Pod {marked.name}/p"
    ]


def test_18_13_a_toleration_keeps(marked: Space) -> None:
    on_node(marked, "p", tolerations=tolerates("NoExecute"))
    taint(marked, "NoExecute")
    marked.pass_time("65s")
    marked.stays(lambda: "deletionTimestamp" not in marked.get("pods", "p")["metadata"], 0.5)


def test_18_14_a_finite_toleration_keeps_for_a_while(marked: Space) -> None:
    on_node(marked, "p", tolerations=tolerates("NoExecute", tolerationSeconds=30))
    taint(marked, "NoExecute")
    marked.stays(lambda: marked.exists("pods", "p"), 1)
    marked.pass_time("35s")
    gone(marked, "p")


def test_18_15_removing_the_taint_cancels(marked: Space) -> None:
    on_node(marked, "p", tolerations=tolerates("NoExecute", tolerationSeconds=60))
    taint(marked, "NoExecute")
    marked.pass_time("20s")
    untaint(marked)
    marked.wait(
        lambda: (
            marked.events("p", "TaintManagerEviction")
            == [f"Cancelling deletion of Pod {marked.name}/p"]
        ),
        "the cancellation",
    )
    marked.pass_time("65s")
    marked.stays(lambda: "deletionTimestamp" not in marked.get("pods", "p")["metadata"], 0.5)


def test_18_16_the_condition_says_why(marked: Space) -> None:
    made = pod("p", nodeSelector={KEY: "42"})
    made["metadata"]["finalizers"] = ["example.com/mine"]
    marked.create("pods", made)
    marked.wait_ready("p")
    taint(marked, "NoExecute")
    marked.wait(lambda: "deletionTimestamp" in marked.get("pods", "p")["metadata"], "its end")
    why = condition(marked.get("pods", "p"), "DisruptionTarget")
    assert (why["status"], why["reason"]) == ("True", "DeletionByTaintManager")
    assert why["message"] == "Taint manager: deleting due to NoExecute taint"
    marked.patch("pods", "p", {"metadata": {"finalizers": None}})


def test_18_17_only_those_without_a_toleration(marked: Space) -> None:
    on_node(marked, "goes")
    on_node(marked, "stays", tolerations=tolerates("NoExecute"))
    taint(marked, "NoExecute")
    gone(marked, "goes")
    marked.stays(lambda: marked.exists("pods", "stays"), 0.5)


def test_18_18_the_least_toleration_counts(marked: Space) -> None:
    both = [
        *tolerates("NoExecute", tolerationSeconds=30),
        {"key": KEY, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
    ]
    on_node(marked, "short", tolerations=tolerates("NoExecute", tolerationSeconds=30))
    on_node(marked, "both", tolerations=both)
    taint(marked, "NoExecute")
    time.sleep(1)
    assert marked.exists("pods", "short")
    marked.pass_time("35s")
    gone(marked, "short")
    gone(marked, "both")


def near(kind: str, app: str, **more: Any) -> Any:
    term = {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": {"app": app}},
        **more,
    }
    return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def test_18_pods_near_and_apart(space: Space) -> None:
    """Affinity between pods (InterPodAffinity has no Conformance row)."""
    space.create("pods", pod("first", labels={"app": "db"}))
    first = where(space, "first")
    space.create("pods", pod("near", affinity=near("podAffinity", "db")))
    assert where(space, "near") == first
    apart = near("podAntiAffinity", "web")
    space.create("replicasets", workload("web", pod={"affinity": apart}, replicas=4))
    space.wait(lambda: len(refusals(space)) == 6 and any(refusals(space)), "the fourth's refusal")
    assert (
        len({p["spec"]["nodeName"] for p in space.pods("app=web") if p["spec"].get("nodeName")})
        == 3
    )
    [told] = [text for text in refusals(space) if text]
    assert told.startswith(
        "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules."
    )

"""Nodes that are no longer heard of."""

from hypothesis import given
from hypothesis import strategies as st

from netemu.clock import rfc3339, rfc3339_micro
from netemu.controllers.actions import Tell, Update, WriteStatus
from netemu.controllers.nodelifecycle import Observed, heard_of, plan, wanted_taints
from netemu.model import resources
from netemu.model.conditions import condition
from netemu.model.meta import Object, name_of
from tests.support.control import control
from tests.support.samples import NOW, pod


def node(ready: str = "True", *, beat: float = NOW, **spec: object) -> Object:
    conditions = [
        {"type": "MemoryPressure", "status": "False", "lastHeartbeatTime": rfc3339(beat)},
        {"type": "Ready", "status": ready, "lastHeartbeatTime": rfc3339(beat)},
    ]
    metadata = {"name": "node-1", "creationTimestamp": rfc3339(NOW - 1000)}
    return {"metadata": metadata, "spec": dict(spec), "status": {"conditions": conditions}}


def lease(renewed: float) -> Object:
    return {"spec": {"renewTime": rfc3339_micro(renewed)}}


def seen(obj: Object, now: float, *pods: Object, renewed: float = NOW) -> Observed:
    return Observed(node=obj, lease=lease(renewed), pods=pods, now=now, grace=50)


def test_a_lease_counts_as_a_word() -> None:
    assert heard_of(node(beat=NOW - 500), lease(NOW)) == NOW
    assert heard_of(node(beat=NOW + 7), lease(NOW)) == NOW + 7
    assert heard_of(node("Unknown", beat=NOW + 7), lease(NOW)) == NOW


def test_a_node_that_is_heard_of_is_left_alone() -> None:
    assert plan(seen(node(), NOW + 49)) == []


def test_a_node_that_is_not_becomes_unknown_and_tainted_and_its_pods_unready() -> None:
    actions = plan(seen(node(), NOW + 50, pod("p"), pod("q", ready=False)))
    (status, of_pod) = (item for item in actions if isinstance(item, WriteStatus))
    ready = condition({"status": status.status}, "Ready") or {}
    assert (ready["status"], ready["reason"]) == ("Unknown", "NodeStatusUnknown")
    assert ready["message"] == "Kubelet stopped posting node status."
    (update,) = (item for item in actions if isinstance(item, Update))
    assert {(taint["key"], taint["effect"]) for taint in update.obj["spec"]["taints"]} == {
        ("node.kubernetes.io/unreachable", "NoSchedule"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
    }
    assert name_of(of_pod.obj) == "p"
    assert (condition({"status": of_pod.status}, "Ready") or {})["status"] == "False"
    told = [item.reason for item in actions if isinstance(item, Tell)]
    assert told == ["NodeNotReady", "NodeNotReady"]


def test_others_taints_stay_and_ours_go_with_their_reason() -> None:
    foreign = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
    old = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "timeAdded": "x"}
    assert wanted_taints(node(taints=[foreign, old]), NOW) == [foreign]
    cordoned = wanted_taints(node(unschedulable=True), NOW)
    assert [item["key"] for item in cordoned] == ["node.kubernetes.io/unschedulable"]


@given(
    ready=st.sampled_from(["True", "False", "Unknown"]),
    age=st.floats(0, 100),
    cordoned=st.booleans(),
)
def test_planning_on_its_own_result_gives_nothing(ready: str, age: float, cordoned: bool) -> None:
    obj = node(ready, unschedulable=True) if cordoned else node(ready)
    for action in plan(seen(obj, NOW + age)):
        if isinstance(action, WriteStatus):
            obj = {**obj, "status": action.status}
        if isinstance(action, Update):
            obj = {**obj, "spec": action.obj["spec"]}
    assert plan(seen(obj, NOW + age)) == []


async def test_pods_leave_a_lost_node_after_their_time() -> None:
    async with control(grace=50) as plane:
        labels = {"app": "web"}
        containers = [{"name": "main", "image": "pause"}]
        template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
        spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
        metadata = {"namespace": "default", "name": "web"}
        await plane.apply(resources.DEPLOYMENTS, {"metadata": metadata, "spec": spec})
        await plane.all_ready()
        await plane.advance(51.0)
        (found,) = plane.all(resources.PODS)
        assert (condition(found, "Ready") or {})["status"] == "False"
        assert plane.events("NodeNotReady")
        await plane.advance(298.0)
        assert "deletionTimestamp" not in plane.get(resources.PODS, name_of(found))["metadata"]
        await plane.advance(3.0)
        gone = plane.get(resources.PODS, name_of(found))
        assert "deletionTimestamp" in gone["metadata"]
        assert (condition(gone, "DisruptionTarget") or {})["reason"] == "DeletionByTaintManager"
        # Its successor finds no node that may be used.
        assert {item["spec"].get("nodeName") for item in plane.running()} == {None}

"""ReplicaSets and their pods."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from netemu.controllers.replicasetplan import (
    BURST,
    Observed,
    Plan,
    failed,
    new_pod,
    plan,
    status_of,
)
from netemu.model import resources
from netemu.model.conditions import condition
from netemu.model.errors import Forbidden
from netemu.model.meta import Object, controller_of, name_of, owner_reference, uid_of
from tests.support.control import Control, control
from tests.support.samples import NOW, pod, template


def replica_set(replicas: int = 3, **spec: object) -> Object:
    return {
        "metadata": {"namespace": "default", "name": "web", "uid": "u1", "generation": 1},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(),
            **spec,
        },
    }


def look(obj: Object, pods: Sequence[Object]) -> Observed:
    return Observed(replica_set=obj, pods=pods, related=lambda: pods, now=NOW)


def mine(name: str, obj: Object, ready: bool = True, deleting: bool = False) -> Object:
    owner = owner_reference(obj, "apps/v1", "ReplicaSet")
    return pod(name, owner=owner, ready=ready, deleting=deleting)


@settings(deadline=None)  # a busy machine is no failure
@given(
    wanted=st.integers(0, 8),
    states=st.lists(st.sampled_from(["ready", "unready", "ending", "orphan", "alien"]), max_size=9),
)
def test_planning_on_its_own_result_gives_nothing(wanted: int, states: list[str]) -> None:
    obj = replica_set(wanted)
    pods = {}
    for number, state in enumerate(states):
        name = f"p{number}"
        made = mine(name, obj, state == "ready", state == "ending")
        if state == "orphan":
            made = pod(name)
        if state == "alien":
            made["metadata"]["labels"] = {"app": "x"}
        pods[name] = made
    what = plan(look(obj, list(pods.values())))
    for changed in (*what.adopt, *what.release):
        pods[name_of(changed)] = changed
    for leaving in what.delete:
        del pods[name_of(leaving)]
    for number in range(what.create):
        pods[f"new{number}"] = mine(f"new{number}", obj)
    assert plan(look(obj, list(pods.values()))) == Plan()


def test_a_great_many_are_made_in_turns() -> None:
    assert plan(look(replica_set(BURST + 10), [])).create == BURST


def test_one_that_is_being_deleted_makes_nothing() -> None:
    obj = replica_set()
    obj["metadata"]["deletionTimestamp"] = "now"
    assert plan(look(obj, [])) == Plan()


def test_a_pod_is_made_from_the_template() -> None:
    obj = replica_set()
    made = new_pod(obj)
    assert made["metadata"]["generateName"] == "web-"
    assert made["metadata"]["labels"] == {"app": "web"}
    assert (controller_of(made) or {})["uid"] == "u1"
    assert made["spec"] == obj["spec"]["template"]["spec"]


def test_the_status_counts_active_pods() -> None:
    obj = replica_set()
    pods = [mine("a", obj), mine("b", obj, ready=False), mine("c", obj, deleting=True)]
    assert status_of(obj, pods, None, NOW) == {
        "replicas": 2,
        "fullyLabeledReplicas": 2,
        "readyReplicas": 1,
        "availableReplicas": 1,
        "observedGeneration": 1,
    }
    slow = replica_set(minReadySeconds=10)
    assert "availableReplicas" not in status_of(slow, pods, None, NOW + 9)
    assert status_of(slow, pods, None, NOW + 10)["availableReplicas"] == 1


def test_a_failure_is_shown_until_it_is_over() -> None:
    obj = replica_set()
    failure = failed(Plan(create=3), Forbidden("exceeded quota"), NOW)
    status = status_of(obj, [], failure, NOW)
    (found,) = status["conditions"]
    assert (found["reason"], found["message"]) == ("FailedCreate", "exceeded quota")
    later = failed(Plan(create=3), Forbidden("exceeded quota"), NOW + 60)
    assert status_of({**obj, "status": status}, [], later, NOW + 60) == status
    assert "conditions" not in status_of({**obj, "status": status}, [], None, NOW)


async def apply(plane: Control, replicas: int, **spec: object) -> Object:
    obj = replica_set(replicas, **spec)
    obj["metadata"] = {"namespace": "default", "name": "web"}
    return await plane.apply(resources.REPLICA_SETS, obj)


async def test_exactly_as_many_pods_are_made() -> None:
    async with control() as plane:
        await apply(plane, 20)
        assert len(plane.running()) == 20
        assert plane.get(resources.REPLICA_SETS, "web")["status"]["replicas"] == 20
        assert len(plane.events("SuccessfulCreate")) == 20
        await plane.change(resources.REPLICA_SETS, "web", replicas=5)
        assert len(plane.running()) == 5
        assert len(plane.events("SuccessfulDelete")) == 15


async def test_a_deleted_pod_is_replaced() -> None:
    async with control() as plane:
        await apply(plane, 2)
        (gone, _) = plane.running()
        await plane.client.delete(resources.PODS, "default", name_of(gone))
        await plane.settled()
        assert len(plane.running()) == 2
        assert name_of(gone) not in {name_of(item) for item in plane.running()}


async def test_an_orphan_is_adopted_and_a_relabelled_pod_released() -> None:
    """9.4 of the upstream catalogue."""
    async with control() as plane:
        spec = template()["spec"]
        metadata = {"namespace": "default", "name": "orphan", "labels": {"app": "web"}}
        await plane.apply(resources.PODS, {"metadata": metadata, "spec": spec})
        made = await apply(plane, 1)
        (found,) = plane.running()
        assert (controller_of(found) or {})["uid"] == uid_of(made)
        relabelled = {**found["metadata"], "labels": {"app": "x"}}
        await plane.client.update(resources.PODS, {**found, "metadata": relabelled})
        await plane.settled()
        released = plane.get(resources.PODS, "orphan")
        assert controller_of(released) is None
        assert len(plane.running()) == 2


async def test_a_refusal_is_met_once_a_turn_and_shown() -> None:
    """9.3 of the upstream catalogue; what refuses here is a namespace that doesn't exist."""
    async with control() as plane:
        obj = replica_set(8)
        obj["metadata"] |= {"namespace": "ghost", "creationTimestamp": plane.stamp()}
        obj |= {"apiVersion": "apps/v1", "kind": "ReplicaSet"}
        await plane.store.create(resources.REPLICA_SETS, ("ghost", "web"), obj)
        await plane.settled()
        found = plane.get(resources.REPLICA_SETS, "web", "ghost")
        failure = condition(found, "ReplicaFailure") or {}
        assert failure["reason"] == "FailedCreate"
        assert failure["message"] == 'namespaces "ghost" not found'
        await plane.client.create(resources.NAMESPACES, {"metadata": {"name": "ghost"}})
        await plane.advance(60.0)
        assert len(plane.all(resources.PODS, "ghost")) == 8
        found = plane.get(resources.REPLICA_SETS, "web", "ghost")
        assert condition(found, "ReplicaFailure") is None


async def test_many_changes_to_many_pods_cost_one_look_a_moment_later() -> None:
    async with control() as plane:
        await apply(plane, 60)
        await plane.advance(1)
        for gone in plane.running()[:30]:
            await plane.client.delete(resources.PODS, "default", name_of(gone))
        await plane.settled()
        await plane.advance(0.1)
        assert len(plane.running()) == 60
        assert plane.get(resources.REPLICA_SETS, "web")["status"]["replicas"] == 60

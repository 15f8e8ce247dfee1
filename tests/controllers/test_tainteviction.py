"""Who must leave a tainted node, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.clock import rfc3339
from netemu.controllers.actions import Delete, Tell
from netemu.controllers.tainteviction import Observed, leaves_in, plan
from netemu.model import resources
from netemu.model.meta import Object, is_deleting
from tests.support.control import control
from tests.support.samples import NOW, node, pod

KEY = "node.kubernetes.io/unreachable"
TAINT = {"key": KEY, "effect": "NoExecute", "timeAdded": rfc3339(NOW)}


def seen(
    *tolerations: Object, now: float = NOW, deleting: bool = False, taint: Object = TAINT
) -> Observed:
    obj = pod("p", tolerations=list(tolerations), deleting=deleting)
    return Observed(pod=obj, taints=[taint], now=now, since=NOW + 2)


@pytest.mark.parametrize(
    ("tolerations", "wait"),
    [
        ([], 0.0),
        ([{"operator": "Exists"}], None),
        ([{"key": KEY, "operator": "Exists", "effect": "NoExecute"}], None),
        ([{"key": KEY, "operator": "Exists", "tolerationSeconds": 300}], 290.0),
        ([{"key": KEY, "operator": "Exists", "tolerationSeconds": 5}], 0.0),
        ([{"key": KEY, "operator": "Exists", "effect": "NoSchedule"}], 0.0),
        ([{"key": KEY, "value": "x"}], 0.0),
        ([{"key": KEY}], None),
        (
            [
                {"key": KEY, "operator": "Exists", "tolerationSeconds": 60},
                {"operator": "Exists", "tolerationSeconds": 300},
            ],
            50.0,
        ),
    ],
)
def test_how_long_a_pod_may_stay(tolerations: list[Object], wait: float | None) -> None:
    assert leaves_in(seen(*tolerations, now=NOW + 10)) == wait


def test_without_a_time_of_the_taint_it_counts_from_when_it_was_seen() -> None:
    by_hand = {"key": KEY, "effect": "NoExecute"}
    patient = {"key": KEY, "operator": "Exists", "tolerationSeconds": 180}
    assert leaves_in(seen(patient, now=NOW + 10, taint=by_hand)) == 172.0
    assert leaves_in(seen(patient, now=NOW + 182, taint=by_hand)) == 0.0


async def test_a_pod_leaves_when_its_patience_with_a_taint_by_hand_ends() -> None:
    async with control() as plane:
        await plane.client.create(resources.NODES, node("node-9"))
        patient = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}
        obj = pod("p", node="node-9", tolerations=[patient])
        obj["metadata"] = {"namespace": "default", "name": "p"}
        await plane.apply(resources.PODS, obj)
        tainted = plane.get(resources.NODES, "node-9", "")
        taints = [{"key": "test", "effect": "NoExecute"}]
        await plane.client.update(
            resources.NODES, {**tainted, "spec": {**tainted["spec"], "taints": taints}}
        )
        await plane.settled()
        await plane.advance(59)
        assert not is_deleting(plane.get(resources.PODS, "p"))
        await plane.advance(2)
        assert is_deleting(plane.get(resources.PODS, "p"))


def test_it_says_why_it_goes() -> None:
    actions = plan(seen())
    assert any(isinstance(action, Delete) for action in actions)
    (said,) = (action.message for action in actions if isinstance(action, Tell))
    assert said == "Marking for deletion Pod default/p"


def test_what_is_going_already_is_left_alone() -> None:
    assert plan(seen(deleting=True)) == []


async def test_a_taint_that_tells_no_time_counts_from_when_it_was_seen() -> None:
    taint = {"key": "example.com/x", "effect": "NoExecute", "value": "y"}
    wish = {
        "key": "example.com/x",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 60,
    }
    async with control(nodes=1) as plane:
        obj = pod("p", tolerations=[wish])
        spec = {**obj["spec"], "nodeName": "node-1"}
        await plane.apply("pods", {"metadata": {"name": "p", "namespace": "default"}, "spec": spec})

        async def put(*taints: Object) -> None:
            node = plane.get("nodes", "node-1", "")
            await plane.client.update("nodes", {**node, "spec": {"taints": list(taints)}})
            await plane.settled()

        await put(taint)
        await plane.advance(50)
        await put()
        assert plane.events("TaintManagerEviction") == ["p: Cancelling deletion of Pod default/p"]
        await put(taint)
        await plane.advance(50)
        assert len(plane.running()) == 1
        await plane.advance(11)
        assert plane.running() == []


TOLERATIONS = st.lists(
    st.fixed_dictionaries(
        {"operator": st.just("Exists")},
        optional={
            "key": st.sampled_from([KEY, "example.com/other"]),
            "effect": st.sampled_from(["NoExecute", "NoSchedule"]),
            "tolerationSeconds": st.integers(-5, 400),
        },
    ),
    max_size=4,
)


@given(tolerations=TOLERATIONS, passed=st.integers(0, 500))
def test_a_pod_goes_when_its_time_is_up_and_is_told_so_once(
    tolerations: list[Object], passed: int
) -> None:
    left = leaves_in(seen(*tolerations, now=NOW + passed))
    goes = bool(plan(seen(*tolerations, now=NOW + passed)))
    assert goes == (left == 0.0)
    if left:
        assert plan(seen(*tolerations, now=NOW + passed + left - 0.5)) == []
        assert plan(seen(*tolerations, now=NOW + passed + left)) != []
    assert plan(seen(*tolerations, now=NOW + passed, deleting=True)) == []

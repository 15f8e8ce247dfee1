import pytest

from netemu.api.binding import bound
from netemu.model.conditions import condition
from netemu.model.errors import Conflict, Invalid
from netemu.model.meta import Object

POD: Object = {
    "metadata": {"name": "p", "uid": "u"},
    "spec": {},
    "status": {
        "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no"}
        ]
    },
}
TO_NODE: Object = {"target": {"kind": "Node", "name": "n1"}}


def test_a_bound_pod_names_its_node_and_is_scheduled() -> None:
    found = bound(POD, TO_NODE, 0.0)
    assert found["spec"]["nodeName"] == "n1"
    assert condition(found, "PodScheduled") == {
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": "1970-01-01T00:00:00Z",
    }


def test_annotations_of_the_binding_go_to_the_pod() -> None:
    found = bound(POD, {**TO_NODE, "metadata": {"annotations": {"a": "b"}}}, 0.0)
    assert found["metadata"]["annotations"] == {"a": "b"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"spec": {"nodeName": "n0"}}, 'pod p is already assigned to node "n0"'),
        ({"metadata": {**POD["metadata"], "deletionTimestamp": "x"}}, "pod p is being deleted"),
        ({"metadata": {**POD["metadata"], "uid": "other"}}, "Precondition failed"),
    ],
)
def test_a_pod_is_bound_once_and_only_while_it_lives(change: Object, why: str) -> None:
    with pytest.raises(Conflict, match=why):
        bound({**POD, **change}, {**TO_NODE, "metadata": {"uid": "u"}}, 0.0)


def test_a_binding_needs_a_node() -> None:
    with pytest.raises(Invalid, match=r"target.name: Required value"):
        bound(POD, {}, 0.0)


def test_only_nodes_take_pods() -> None:
    with pytest.raises(Invalid) as refused:
        bound({"metadata": {"name": "p"}}, {"target": {"kind": "Pod"}}, 0.0)
    assert [cause.field for cause in refused.value.causes] == ["target.kind", "target.name"]
    assert 'Unsupported value: "Pod": supported values: "Node", "<empty>"' in str(refused.value)

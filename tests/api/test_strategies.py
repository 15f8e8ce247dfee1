from typing import Any

import pytest

from netemu.api.strategies import prepare_create, prepare_update
from netemu.model.meta import Object, copied
from netemu.model.resources import BY_KEY
from tests.support.objects import a_deployment, a_pod, in_cluster, named


def made(resource: str, obj: Object) -> Any:
    before = copied(obj)
    result = prepare_create(BY_KEY[resource], obj)
    assert obj == before
    return result


@pytest.mark.parametrize(
    ("resource", "obj", "status"),
    [
        ("deployments.apps", a_deployment(), {}),
        ("replicasets.apps", a_deployment(), {"replicas": 0}),
        ("statefulsets.apps", a_deployment(), {"replicas": 0, "availableReplicas": 0}),
        ("pods", a_pod(), {"phase": "Pending", "qosClass": "BestEffort"}),
        ("namespaces", in_cluster("dev"), {"phase": "Active"}),
        ("nodes", in_cluster("n"), {"phase": "of the client's making"}),
    ],
)
def test_only_a_node_is_born_with_a_status(resource: str, obj: Object, status: Object) -> None:
    own = {"phase": "of the client's making"}
    assert made(resource, {**obj, "status": own})["status"] == status


def test_a_kind_without_status_stays_as_it_is() -> None:
    assert made("configmaps", named(data={"a": "b"})) == named(data={"a": "b"})


def test_a_pod_is_admitted_with_what_every_cluster_adds() -> None:
    spec = made("pods", a_pod())["spec"]
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("default", "default")
    assert (spec["priority"], spec["preemptionPolicy"]) == (0, "PreemptLowerPriority")
    assert spec["tolerations"] == [
        {
            "key": f"node.kubernetes.io/{condition}",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": 300,
        }
        for condition in ("not-ready", "unreachable")
    ]


def test_how_long_a_pod_stays_on_a_lost_node_is_a_setting_and_remembered() -> None:
    pod = prepare_create(BY_KEY["pods"], a_pod(), 7)
    waits = [item["tolerationSeconds"] for item in pod["spec"]["tolerations"]]
    assert waits == [7, 7]
    replaced = {**a_pod(), "metadata": pod["metadata"]}
    again = prepare_update(BY_KEY["pods"], replaced, pod)
    assert again["spec"]["tolerations"] == pod["spec"]["tolerations"]


def test_what_a_pod_says_itself_stays() -> None:
    said: dict[str, Any] = {
        "serviceAccountName": "robot",
        "priority": 5,
        "tolerations": [{"operator": "Exists"}],
    }
    spec = made("pods", a_pod(**said))["spec"]
    assert {key: spec[key] for key in said} == said


def test_a_gated_pod_says_that_it_waits() -> None:
    (condition,) = made("pods", a_pod(schedulingGates=[{"name": "a"}]))["status"]["conditions"]
    assert (condition["type"], condition["reason"]) == ("PodScheduled", "SchedulingGated")


def test_a_namespace_is_held_until_it_is_empty() -> None:
    assert made("namespaces", in_cluster("dev"))["spec"] == {"finalizers": ["kubernetes"]}
    own = in_cluster("dev", spec={"finalizers": ["a.b/c", "kubernetes"]})
    assert made("namespaces", own)["spec"] == own["spec"]


def test_an_update_leaves_the_status_alone() -> None:
    resource = BY_KEY["deployments.apps"]
    old = {**a_deployment(replicas=1), "status": {"replicas": 1}}
    new = {**a_deployment(replicas=2), "status": {"replicas": 7}}
    result = prepare_update(resource, new, old)
    assert (result["spec"]["replicas"], result["status"]) == (2, {"replicas": 1})
    assert "status" not in prepare_update(resource, new, a_deployment())


def test_an_update_of_a_namespace_leaves_its_finalizers_alone() -> None:
    old = made("namespaces", in_cluster("dev"))
    new = in_cluster("dev", spec={"finalizers": []})
    assert prepare_update(BY_KEY["namespaces"], new, old)["spec"] == {"finalizers": ["kubernetes"]}


def test_an_update_of_a_pod_keeps_its_priority() -> None:
    old = made("pods", a_pod(priority=5))
    spec = prepare_update(BY_KEY["pods"], a_pod(), old)["spec"]
    assert (spec["priority"], len(spec["tolerations"])) == (5, 2)

"""What objects count for."""

from typing import Any, NamedTuple

import pytest

from netemu.model.meta import Object
from netemu.model.quota import Amount, amount, in_scope, kind_of, pod_amounts, total, usage, used


def container(restart: str = "", **requests: str) -> Object:
    return {"resources": {"requests": requests}, "restartPolicy": restart}


def pod(*containers: Object, init: tuple[Object, ...] = (), **spec: Any) -> Object:
    return {"spec": {"containers": list(containers), "initContainers": list(init), **spec}}


def texts(amounts: dict[str, Amount]) -> dict[str, str]:
    return {name: str(value) for name, value in amounts.items()}


def test_amounts_keep_the_way_they_are_written() -> None:
    assert str(amount("128Mi") + amount("128Mi")) == "256Mi"
    assert str(amount("100m") + amount("1.9")) == "2"
    assert str(total([{"a": amount("0")}, {"a": amount("1Gi")}])["a"]) == "1Gi"


def test_init_containers_run_one_by_one_and_some_stay() -> None:
    spec = pod(
        container(cpu="1"),
        container(cpu="1"),
        init=(container(cpu="3"), container("Always", cpu="2"), container(cpu="1")),
        overhead={"cpu": "100m"},
    )["spec"]
    assert texts(pod_amounts(spec, "requests")) == {"cpu": "4100m"}
    assert pod_amounts(spec, "limits") == {}


class Case(NamedTuple):
    name: str
    resource: str
    obj: Object
    usage: dict[str, str]


def a_service(**spec: Any) -> Object:
    return {"spec": {"ports": [{"nodePort": 1}, {}], **spec}}


CASES = [
    Case(
        "a pod",
        "pods",
        pod(container(cpu="500m", memory="1Gi")),
        {
            "count/pods": "1",
            "pods": "1",
            "cpu": "500m",
            "requests.cpu": "500m",
            "memory": "1Gi",
            "requests.memory": "1Gi",
        },
    ),
    Case(
        "a pod that is over",
        "pods",
        {**pod(container(cpu="1")), "status": {"phase": "Succeeded"}},
        {"count/pods": "1"},
    ),
    Case("any object", "deployments.apps", {}, {"count/deployments.apps": "1"}),
    Case("a Secret", "secrets", {}, {"count/secrets": "1", "secrets": "1"}),
    Case(
        "a Service inside",
        "services",
        a_service(type="ClusterIP"),
        {
            "count/services": "1",
            "services": "1",
            "services.nodeports": "0",
            "services.loadbalancers": "0",
        },
    ),
    Case(
        "a balanced Service without node ports of its own",
        "services",
        a_service(type="LoadBalancer", allocateLoadBalancerNodePorts=False),
        {
            "count/services": "1",
            "services": "1",
            "services.nodeports": "1",
            "services.loadbalancers": "1",
        },
    ),
    Case(
        "a claim",
        "persistentvolumeclaims",
        {
            "spec": {
                "resources": {"requests": {"storage": "2Gi"}},
                "storageClassName": "fast",
            }
        },
        {
            "count/persistentvolumeclaims": "1",
            "persistentvolumeclaims": "1",
            "requests.storage": "2Gi",
            "fast.storageclass.storage.k8s.io/requests.storage": "2Gi",
            "fast.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
        },
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_an_object_counts_for(case: Case) -> None:
    assert texts(usage(case.resource, case.obj)) == case.usage


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_names_say_whose_objects_count(case: Case) -> None:
    assert {kind_of(name) for name in case.usage} == {case.resource}


BEST: Object = {**pod(), "status": {"qosClass": "BestEffort"}}
SCOPES = [
    ("BestEffort", BEST, True),
    ("NotBestEffort", BEST, False),
    ("Terminating", pod(activeDeadlineSeconds=5), True),
    ("Terminating", pod(), False),
    ("NotTerminating", pod(), True),
    ("PriorityClass", pod(priorityClassName="high"), True),
    ("PriorityClass", pod(), False),
]


@pytest.mark.parametrize(("scope", "obj", "within"), SCOPES)
def test_scopes(scope: str, obj: Object, within: bool) -> None:
    assert in_scope({"spec": {"scopes": [scope]}}, "pods", obj) is within


@pytest.mark.parametrize(
    ("operator", "values", "within"),
    [
        ("In", ["high"], True),
        ("In", ["low"], False),
        ("NotIn", ["low"], True),
        ("Exists", [], True),
        ("DoesNotExist", [], False),
    ],
)
def test_classes_of_priority(operator: str, values: list[str], within: bool) -> None:
    item = {"scopeName": "PriorityClass", "operator": operator, "values": values}
    quota = {"spec": {"scopeSelector": {"matchExpressions": [item]}}}
    assert in_scope(quota, "pods", pod(priorityClassName="high")) is within
    assert not in_scope(quota, "secrets", {})


def test_pods_that_look_into_other_namespaces() -> None:
    term = {"namespaces": ["other"], "topologyKey": "x"}
    rules = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    quota = {"spec": {"scopes": ["CrossNamespacePodAffinity"]}}
    assert in_scope(quota, "pods", pod(affinity={"podAffinity": rules}))
    assert not in_scope(quota, "pods", pod())


def test_what_is_used_is_told_for_what_is_limited() -> None:
    hard = {"pods": "5", "requests.cpu": "1", "secrets": "1", "count/jobs.batch": "3"}
    objects: dict[str, list[Object]] = {
        "pods": [pod(container(cpu="100m")), pod(container(cpu="200m"))]
    }
    found = used({"spec": {"hard": hard}}, lambda kind: objects.get(kind, []))
    assert texts(found) == {
        "pods": "2",
        "requests.cpu": "300m",
        "secrets": "0",
        "count/jobs.batch": "0",
    }

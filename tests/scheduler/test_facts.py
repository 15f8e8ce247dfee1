"""Nodes and pods, shrunk."""

import pytest

from netemu.model.meta import Object
from netemu.model.placement import Taint, Toleration
from netemu.scheduler.facts import NOT_READY, UNREACHABLE, node_from, pod_from, requests_of
from tests.support.samples import node, pod

TAINT = Taint("color", "red", "NoSchedule")
TOLERATIONS = [
    pytest.param(Toleration("color", "red", "NoSchedule", exists=False), True, id="equal"),
    pytest.param(Toleration("color", "blue", "", exists=False), False, id="another value"),
    pytest.param(Toleration("color", "", "", exists=True), True, id="the key exists"),
    pytest.param(Toleration("color", "", "NoExecute", exists=True), False, id="another effect"),
    pytest.param(Toleration("shape", "", "", exists=True), False, id="another key"),
    pytest.param(Toleration("", "", "", exists=True), True, id="everything"),
    pytest.param(Toleration("", "red", "", exists=False), False, id="no key and no Exists"),
]


@pytest.mark.parametrize(("toleration", "expected"), TOLERATIONS)
def test_tolerations(toleration: Toleration, expected: bool) -> None:
    assert toleration.tolerates(TAINT) == expected


def container(cpu: str, **more: object) -> Object:
    return {"name": "c", "resources": {"requests": {"cpu": cpu}}, **more}


def test_requests_are_summed_and_init_containers_count_by_their_peak() -> None:
    spec = {
        "containers": [container("100m"), container("0.2")],
        "initContainers": [
            container("1"),
            container("50m", restartPolicy="Always"),
            container("700m"),
        ],
        "overhead": {"cpu": "10m", "memory": "1Ki"},
    }
    assert requests_of(spec) == {"cpu": 1010, "memory": 1024}
    assert requests_of({"containers": [container("100m"), container("0.2")]}) == {"cpu": 300}


def test_a_node_that_is_not_ready_is_tainted() -> None:
    sick = node("n")
    sick["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    assert [taint.key for taint in node_from(sick).taints] == [NOT_READY]
    sick["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]
    assert [taint.key for taint in node_from(sick).taints] == [UNREACHABLE]
    assert node_from(node("n")).taints == ()
    assert node_from(node("n")).allocatable == {"cpu": 4000, "memory": 8 * 2**30, "pods": 110}


def test_a_pods_wishes_are_read() -> None:
    term = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
    obj = pod(
        "a",
        nodeSelector={"zone": "a"},
        preemptionPolicy="Never",
        tolerations=[{"key": "color", "operator": "Exists"}],
        containers=[{"name": "c", "ports": [{"containerPort": 80, "hostPort": 8080}]}],
        affinity={
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]},
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {"weight": 5, "preference": term}
                ],
            }
        },
    )
    found = pod_from(obj)
    assert found.host_ports == {("0.0.0.0", "TCP", 8080)}
    assert [item.key for item in found.node_selector] == ["zone"]
    assert found.required is not None
    assert found.required[0].labels[0].values == ("ssd",)
    assert found.preferred[0][0] == 5
    assert found.tolerations[0].exists
    assert not found.preempts

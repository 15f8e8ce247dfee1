from typing import Any

import pytest

from netemu.controllers.daemonpods import fit, new_pod, node_of
from netemu.model.meta import Object
from tests.support.workload import workload


def node(name: str = "n1", **labels: str) -> Object:
    return {"metadata": {"name": name, "labels": labels}, "spec": {}}


def affinity(**term: Any) -> Object:
    wanted = {"nodeSelectorTerms": [term]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": wanted}}


IN_SSD = {"key": "disk", "operator": "In", "values": ["ssd"]}


@pytest.mark.parametrize(
    ("spec", "runs"),
    [
        ({}, True),
        ({"nodeName": "n2"}, False),
        ({"nodeSelector": {"disk": "ssd"}}, True),
        ({"nodeSelector": {"disk": "hdd"}}, False),
        ({"affinity": affinity(matchExpressions=[IN_SSD])}, True),
        ({"affinity": affinity(matchExpressions=[{**IN_SSD, "operator": "NotIn"}])}, False),
    ],
)
def test_which_nodes_a_template_selects(spec: Object, runs: bool) -> None:
    assert fit(spec, node(disk="ssd")).runs is runs


@pytest.mark.parametrize(
    ("key", "effect", "host_network", "runs"),
    [
        ("node.kubernetes.io/unschedulable", "NoSchedule", False, True),
        ("node.kubernetes.io/not-ready", "NoExecute", False, True),
        ("node.kubernetes.io/network-unavailable", "NoSchedule", False, False),
        ("node.kubernetes.io/network-unavailable", "NoSchedule", True, True),
        ("else", "NoSchedule", False, False),
    ],
)
def test_what_every_daemon_tolerates(key: str, effect: str, host_network: bool, runs: bool) -> None:
    obj = {**node(), "spec": {"taints": [{"key": key, "effect": effect}]}}
    assert fit({"hostNetwork": host_network}, obj).runs is runs


def test_a_pod_is_for_its_node_and_keeps_the_rest_of_its_affinity() -> None:
    preferred: Object = {"preferredDuringSchedulingIgnoredDuringExecution": []}
    template = {"spec": {"containers": [], "affinity": {"nodeAffinity": preferred}}}
    made = new_pod(workload("DaemonSet"), template, "abc", "n7")
    assert node_of(made) == "n7"
    assert preferred.items() <= made["spec"]["affinity"]["nodeAffinity"].items()
    assert node_of({"spec": {"nodeName": "n1"}}) == "n1"
    assert node_of({"spec": {}}) == ""

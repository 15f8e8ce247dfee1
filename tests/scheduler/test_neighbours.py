"""Affinity between pods, and spreading them, decided on plain values."""

import random
from collections.abc import Mapping
from typing import Any

import pytest

from netemu.scheduler.decision import Chosen, Unschedulable, census_of, decide, judged
from netemu.scheduler.facts import Node, Pod, pod_from
from netemu.scheduler.neighbours import NONE, wishes_of
from netemu.scheduler.usage import Cluster

ROOM = {"cpu": 10_000, "memory": 2**33, "pods": 110}
ZONES = {"n1": "a", "n2": "a", "n3": "b"}
WEB = {"matchLabels": {"app": "web"}}


def cluster() -> Cluster:
    made = Cluster()
    for name, zone in ZONES.items():
        made.put_node(Node(name=name, labels={"host": name, "zone": zone}, allocatable=ROOM))
    return made


def pod(name: str, app: str = "web", namespace: str = "default", **spec: Any) -> Pod:
    metadata = {"name": name, "namespace": namespace, "uid": name, "labels": {"app": app}}
    return pod_from({"metadata": metadata, "spec": {"containers": [], **spec}})


def near(kind: str, topology: str = "zone", app: str = "web", **more: Any) -> Any:
    term = {"topologyKey": topology, "labelSelector": {"matchLabels": {"app": app}}, **more}
    return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def allowed(wanted: Pod, where: Cluster, labels: Mapping[str, Any] | None = None) -> set[str]:
    """The nodes that a pod may get."""
    census = census_of(wanted, where, lambda ns: (labels or {}).get(ns, {}))
    return {
        name
        for name, node in where.nodes.items()
        if not judged(wanted, node, where.usage(name), census)
    }


def best(wanted: Pod, where: Cluster) -> set[str]:
    """The nodes that it would get."""
    found = [decide(wanted, where, random.Random(seed)) for seed in range(20)]
    return {decision.node for decision in found if isinstance(decision, Chosen)}


def why(wanted: Pod, where: Cluster) -> str:
    decision = decide(wanted, where, random.Random(1))
    assert isinstance(decision, Unschedulable)
    return decision.message


def test_a_pod_without_wishes_costs_nothing() -> None:
    assert wishes_of({"containers": []}, "default", {}) is NONE


def test_near_means_the_same_domain() -> None:
    where = cluster()
    where.place(pod("db", app="db"), "n3")
    assert allowed(pod("p", affinity=near("podAffinity", app="db")), where) == {"n3"}
    where.place(pod("db2", app="db"), "n1")
    assert allowed(pod("p", affinity=near("podAffinity", app="db")), where) == {"n1", "n2", "n3"}


def test_near_nobody_is_impossible_but_the_first_of_a_group_may_begin() -> None:
    where = cluster()
    assert "3 node(s) didn't match pod affinity rules" in why(
        pod("p", affinity=near("podAffinity", app="db")), where
    )
    first = pod("p", affinity=near("podAffinity", app="web"))
    assert allowed(first, where) == {"n1", "n2", "n3"}


def test_apart_holds_both_ways() -> None:
    where = cluster()
    shy = pod("shy", app="x", affinity=near("podAntiAffinity"))
    where.place(pod("web"), "n1")
    assert allowed(shy, where) == {"n3"}
    where.place(shy, "n3")
    assert allowed(pod("another"), where) == {"n1", "n2"}
    assert allowed(pod("other", app="other"), where) == {"n1", "n2", "n3"}


@pytest.mark.parametrize(
    ("more", "found"),
    [
        pytest.param({}, {"n1", "n2", "n3"}, id="the pod's own namespace"),
        pytest.param({"namespaces": ["there"]}, {"n3"}, id="a namespace by name"),
        pytest.param({"namespaceSelector": {}}, {"n3"}, id="every namespace"),
        pytest.param(
            {"namespaceSelector": {"matchLabels": {"team": "a"}}}, {"n3"}, id="by its labels"
        ),
        pytest.param(
            {"namespaceSelector": {"matchLabels": {"team": "b"}}},
            {"n1", "n2", "n3"},
            id="by other labels",
        ),
    ],
)
def test_namespaces(more: Any, found: set[str]) -> None:
    where = cluster()
    where.place(pod("web", namespace="there"), "n1")
    shy = pod("shy", app="x", affinity=near("podAntiAffinity", **more))
    assert allowed(shy, where, {"there": {"team": "a"}}) == found


def spread(topology: str = "zone", **more: Any) -> Any:
    given = {"topologyKey": topology, "maxSkew": 1, "labelSelector": WEB, **more}
    return {"topologySpreadConstraints": [given]}


def test_pods_are_spread() -> None:
    where = cluster()
    where.place(pod("first"), "n1")
    assert allowed(pod("p", **spread()), where) == {"n3"}
    where.place(pod("second"), "n3")
    assert allowed(pod("p", **spread()), where) == {"n1", "n2", "n3"}


def test_a_skew_that_cannot_be_kept_is_told() -> None:
    where = cluster()
    where.place(pod("first"), "n1")
    here = {"nodeAffinityPolicy": "Ignore"}
    wanted = pod("p", nodeSelector={"zone": "a"}, **spread(**here))
    assert "2 node(s) didn't match pod topology spread constraints" in why(wanted, where)
    honoured = pod("p", nodeSelector={"zone": "a"}, **spread())
    assert allowed(honoured, where) == {"n1", "n2"}


def test_nodes_without_the_label_are_out() -> None:
    told = why(pod("p", **spread("rack")), cluster())
    assert "3 node(s) didn't match pod topology spread constraints (missing required label)" in told


def test_too_few_domains_count_as_empty_ones() -> None:
    where = cluster()
    where.place(pod("first"), "n1")
    where.place(pod("second"), "n3")
    assert allowed(pod("p", **spread(minDomains=3)), where) == set()


def test_pods_that_leave_are_not_counted() -> None:
    where = cluster()
    metadata = {"name": "old", "namespace": "default", "uid": "old", "labels": {"app": "web"}}
    leaving = {"metadata": {**metadata, "deletionTimestamp": "now"}, "spec": {"containers": []}}
    where.place(pod_from(leaving), "n1")
    assert allowed(pod("p", **spread()), where) == {"n1", "n2", "n3"}


def test_only_pods_of_the_same_generation_count_with_match_label_keys() -> None:
    where = cluster()
    where.place(pod("old", app="web"), "n1")
    wanted = pod("p", app="web2", **spread(labelSelector={}, matchLabelKeys=["app"]))
    assert allowed(wanted, where) == {"n1", "n2", "n3"}


def test_rather_is_no_must() -> None:
    where = cluster()
    where.place(pod("db", app="db"), "n3")
    term = near("podAffinity", app="db")["podAffinity"]
    [wish] = term["requiredDuringSchedulingIgnoredDuringExecution"]
    weighted = [{"weight": 100, "podAffinityTerm": wish}]
    kind = "preferredDuringSchedulingIgnoredDuringExecution"
    assert best(pod("p", affinity={"podAffinity": {kind: weighted}}), where) == {"n3"}
    assert best(pod("p", affinity={"podAntiAffinity": {kind: weighted}}), where) == {"n1", "n2"}
    softly = pod("p", app="db", **spread(whenUnsatisfiable="ScheduleAnyway", labelSelector={}))
    assert best(softly, where) == {"n1", "n2"}

"""What counts in a quota."""

from typing import Any

import pytest

from netemu.model.quota import covers, kinds_of, missing, shown, total, usage

POD: Any = {
    "metadata": {"name": "p"},
    "spec": {
        "priorityClassName": "high",
        "containers": [
            {
                "name": "c",
                "resources": {"requests": {"cpu": "250m"}, "limits": {"memory": "64Mi"}},
            }
        ],
    },
    "status": {"phase": "Running", "qosClass": "Burstable"},
}
ENDED: Any = {**POD, "status": {"phase": "Succeeded"}}
BALANCER: Any = {"spec": {"type": "LoadBalancer", "ports": [{"nodePort": 30000}, {"port": 1}]}}
CLAIM: Any = {"spec": {"storageClassName": "gold", "resources": {"requests": {"storage": "1Gi"}}}}


def quota(**hard: str) -> Any:
    return {"metadata": {"name": "q"}, "spec": {"hard": hard}}


@pytest.mark.parametrize(
    ("kind", "obj", "used"),
    [
        pytest.param(
            "pods",
            POD,
            {
                "count/pods": "1",
                "pods": "1",
                "requests.cpu": "250m",
                "cpu": "250m",
                "limits.memory": "64Mi",
            },
            id="a pod that runs",
        ),
        pytest.param("pods", ENDED, {"count/pods": "1"}, id="a pod that has ended"),
        pytest.param(
            "services",
            BALANCER,
            {
                "count/services": "1",
                "services": "1",
                "services.loadbalancers": "1",
                "services.nodeports": "2",
            },
            id="a balancer",
        ),
        pytest.param(
            "persistentvolumeclaims",
            CLAIM,
            {
                "count/persistentvolumeclaims": "1",
                "persistentvolumeclaims": "1",
                "requests.storage": "1Gi",
                "gold.storageclass.storage.k8s.io/requests.storage": "1Gi",
                "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
            },
            id="a claim",
        ),
        pytest.param("jobs.batch", {}, {"count/jobs.batch": "1"}, id="any other"),
    ],
)
def test_usage(kind: str, obj: Any, used: dict[str, str]) -> None:
    assert shown(usage(kind, obj)) == used


def test_a_total_tells_of_what_is_limited() -> None:
    limited = quota(pods="5", cpu="1", secrets="3")
    found = total([("pods", POD), ("pods", ENDED), ("pods", POD)], limited)
    assert shown(found) == {"pods": "2", "cpu": "500m", "secrets": "0"}


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        (["Terminating"], False),
        (["NotTerminating"], True),
        (["BestEffort"], False),
        (["NotBestEffort", "NotTerminating"], True),
    ],
)
def test_scopes(scopes: list[str], expected: bool) -> None:
    limited = {"spec": {"hard": {"pods": "1"}, "scopes": scopes}}
    assert covers(limited, "pods", POD) is expected
    assert not covers(limited, "services", BALANCER)


@pytest.mark.parametrize(("values", "expected"), [(["high"], True), (["low"], False)])
def test_a_priority_as_scope(values: list[str], expected: bool) -> None:
    chosen = {"scopeName": "PriorityClass", "operator": "In", "values": values}
    limited = {"spec": {"hard": {}, "scopeSelector": {"matchExpressions": [chosen]}}}
    assert covers(limited, "pods", POD) is expected


def test_kinds_that_matter() -> None:
    limited = quota(**{"limits.cpu": "1", "services.nodeports": "1", "count/jobs.batch": "2"})
    every = ["jobs.batch", "persistentvolumeclaims", "pods", "secrets", "services"]
    assert kinds_of(limited, every) == ["jobs.batch", "pods", "services"]
    assert kinds_of(quota(**{"requests.storage": "1"}), every) == ["persistentvolumeclaims"]


def test_what_containers_leave_out() -> None:
    limited = quota(**{"limits.cpu": "1", "memory": "1", "requests.cpu": "1", "pods": "1"})
    assert missing(limited, "pods", POD) == {"limits.cpu": ["c"], "memory": ["c"]}

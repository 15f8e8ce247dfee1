"""sig-apps: PodDisruptionBudget, row by row of the catalogue."""

from typing import Any

import pytest

from tests.support.rows import RefusedError, Space, pause, workload

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PDB = "poddisruptionbudgets"
NEVER_READY = {"exec": {"command": ["false"]}, "periodSeconds": 1}


def budget(space: Space, **spec: Any) -> Any:
    selector = {"matchLabels": {"app": "web"}}
    made = {
        "metadata": {"name": "web", "labels": {"x": "y"}},
        "spec": {"selector": selector, **spec},
    }
    return space.create(PDB, made)


def allowed(space: Space) -> int:
    return int(space.get(PDB, "web")["status"]["disruptionsAllowed"])


def wait_allowed(space: Space, number: int) -> None:
    space.wait(lambda: allowed(space) == number, f"{number} allowed")
    space.wait(lambda: space.get(PDB, "web")["status"]["observedGeneration"] >= 1)


def evict(space: Space, name: str) -> int:
    """The answer's code."""
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    return space.api.raw("POST", space.path("pods", name, "eviction"), body)[0]


def replicas(space: Space, number: int, *containers: Any) -> list[str]:
    space.create("replicasets", workload("web", *containers, replicas=number))
    space.wait(lambda: len(running(space)) == number, "pods")
    return running(space)


def running(space: Space) -> list[str]:
    return [p["metadata"]["name"] for p in space.live() if p["status"]["phase"] == "Running"]


def ready(space: Space, number: int) -> None:
    space.wait(
        lambda: space.get("replicasets", "web")["status"].get("readyReplicas", 0) == number,
        f"{number} ready",
    )


def test_13_1_create_update_patch_delete(space: Space) -> None:
    budget(space, minAvailable=1)
    space.update(PDB, "web", lambda b: b["spec"].update(minAvailable=2))
    space.patch(PDB, "web", {"spec": {"minAvailable": "50%"}})
    assert space.get(PDB, "web")["spec"]["minAvailable"] == "50%"
    space.delete(PDB, "web")
    assert not space.exists(PDB, "web")


def test_13_2_status_is_updated(space: Space) -> None:
    budget(space, minAvailable=1)
    replicas(space, 3)
    wait_allowed(space, 2)
    status = space.get(PDB, "web")["status"]
    counts = [status[k] for k in ("currentHealthy", "desiredHealthy", "expectedPods")]
    assert counts == [3, 1, 3]
    [condition] = status["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == (
        "DisruptionAllowed",
        "True",
        "SufficientPods",
    )


def test_13_3_status_can_be_written(space: Space) -> None:
    budget(space, minAvailable=1)
    replicas(space, 1)
    space.wait(lambda: space.get(PDB, "web")["status"].get("currentHealthy") == 1)
    disrupted = {"status": {"disruptedPods": {"pod-0": "2030-01-01T00:00:00Z"}}}
    obj = space.get(PDB, "web", "status")
    obj["status"] |= disrupted["status"]
    written = space.put(PDB, obj, "status")
    assert "pod-0" in written["status"]["disruptedPods"]
    patch = {"status": {"disruptedPods": {"pod-1": "2030-01-01T00:00:00Z"}}}
    assert "pod-1" in space.patch(PDB, "web", patch, "status")["status"]["disruptedPods"]


def test_13_4_list_everywhere_and_delete_a_collection(space: Space) -> None:
    budget(space, minAvailable=1)
    found = space.all(PDB, "x=y", everywhere=True)
    assert space.name in {b["metadata"]["namespace"] for b in found}
    space.delete_all(PDB, "x=y")
    assert space.all(PDB) == []


def test_13_5_an_eviction_waits_for_the_budget(space: Space) -> None:
    budget(space, minAvailable=3)
    names = replicas(space, 3)
    ready(space, 3)
    space.wait(lambda: space.get(PDB, "web")["status"]["currentHealthy"] == 3)
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": names[0]}}
    with pytest.raises(RefusedError) as refused:
        space.api.ask("POST", space.path("pods", names[0], "eviction"), body)
    assert refused.value.code == 429
    assert refused.value.message == (
        "Cannot evict pod as it would violate the pod's disruption budget."
    )
    space.patch(PDB, "web", {"spec": {"minAvailable": 2}})
    space.wait(lambda: evict(space, names[0]) == 201, "the eviction")
    space.wait(lambda: not space.exists("pods", names[0]), "its end")


@pytest.mark.parametrize(
    ("spec", "pods", "evictable"),
    [
        pytest.param(None, 1, True, id="no budget"),
        pytest.param({"minAvailable": 2}, 2, False, id="too few pods, absolute"),
        pytest.param({"minAvailable": 2}, 3, True, id="enough pods, absolute"),
        pytest.param({"minAvailable": "90%"}, 5, False, id="too few pods, percentage"),
        pytest.param({"minAvailable": "50%"}, 4, True, id="enough pods, percentage"),
        pytest.param({"maxUnavailable": 1}, 3, True, id="maxUnavailable allows one"),
        pytest.param({"maxUnavailable": 0}, 3, False, id="maxUnavailable allows none"),
        pytest.param({"maxUnavailable": "10%"}, 3, True, id="a percentage is rounded up"),
    ],
)
def test_13_6_evicted_exactly_when_the_budget_permits(
    space: Space, spec: Any, pods: int, evictable: bool
) -> None:
    if spec is not None:
        budget(space, **spec)
    names = replicas(space, pods)
    ready(space, pods)
    if spec is not None:
        space.wait(lambda: space.get(PDB, "web")["status"].get("currentHealthy") == pods)
    assert evict(space, names[0]) == (201 if evictable else 429)


@pytest.mark.parametrize(
    ("policy", "code"), [("IfHealthyBudget", 429), (None, 429), ("AlwaysAllow", 201)]
)
def test_13_7_unready_pods_by_policy(space: Space, policy: str | None, code: int) -> None:
    more = {"unhealthyPodEvictionPolicy": policy} if policy else {}
    budget(space, minAvailable=3, **more)
    names = replicas(space, 3, pause(readinessProbe=NEVER_READY))
    space.wait(lambda: space.get(PDB, "web")["status"].get("expectedPods") == 3)
    assert evict(space, names[0]) == code

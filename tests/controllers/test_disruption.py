"""How many pods may be evicted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.clock import rfc3339
from netemu.controllers.disruption import Observed, status_of
from netemu.model import resources
from netemu.model.meta import Object
from tests.support.control import Control, control
from tests.support.samples import NOW, deployment, pod, template

OWNER = {"kind": "ReplicaSet", "name": "web", "uid": "r1", "controller": True}


def budget(status: Object | None = None, **spec: object) -> Object:
    metadata = {"namespace": "default", "name": "b", "generation": 3}
    return {"metadata": metadata, "spec": spec, "status": status or {}}


def shown(obj: Object, healthy: int, unready: int = 0, *, scale: int = 0) -> Object:
    pods = [pod(f"p{number}", owner=OWNER) for number in range(healthy)]
    pods += [pod(f"u{number}", owner=OWNER, ready=False) for number in range(unready)]
    scales = {"r1": scale or healthy + unready}
    return status_of(Observed(budget=obj, pods=pods, scales=scales, now=NOW))


@pytest.mark.parametrize(
    ("spec", "healthy", "unready", "allowed", "desired"),
    [
        ({"minAvailable": 2}, 3, 0, 1, 2),
        ({"minAvailable": 2}, 2, 1, 0, 2),
        ({"minAvailable": "50%"}, 3, 0, 1, 2),
        ({"maxUnavailable": 1}, 3, 0, 1, 2),
        ({"maxUnavailable": "34%"}, 3, 0, 2, 1),
        ({"maxUnavailable": 1}, 2, 1, 0, 2),
        ({"maxUnavailable": 0}, 3, 0, 0, 3),
        ({"minAvailable": 0}, 2, 0, 2, 0),
    ],
)
def test_what_may_go(spec: Object, healthy: int, unready: int, allowed: int, desired: int) -> None:
    """13.2 and 13.6 of the upstream catalogue."""
    status = shown(budget(**spec), healthy, unready)
    assert (status["disruptionsAllowed"], status["desiredHealthy"]) == (allowed, desired)
    assert status["currentHealthy"] == healthy
    assert status["expectedPods"] == healthy + unready
    assert status["observedGeneration"] == 3
    said = "SufficientPods" if allowed else "InsufficientPods"
    assert status["conditions"][0]["reason"] == said


def test_a_share_is_of_what_is_wanted_not_of_what_there_is() -> None:
    assert shown(budget(maxUnavailable="50%"), 2, scale=4)["disruptionsAllowed"] == 0


def test_an_evicted_pod_counts_as_gone_for_a_while() -> None:
    noted = {"disruptedPods": {"p0": rfc3339(NOW - 60), "gone": rfc3339(NOW)}}
    status = shown(budget(noted, minAvailable=1), 3)
    assert status["disruptedPods"] == {"p0": rfc3339(NOW - 60)}
    assert status["currentHealthy"] == 2
    noted = {"disruptedPods": {"p0": rfc3339(NOW - 121)}}
    assert "disruptedPods" not in shown(budget(noted, minAvailable=1), 3)


@given(
    least=st.one_of(st.integers(0, 8), st.integers(0, 100).map("{}%".format)),
    healthy=st.integers(0, 6),
    unready=st.integers(0, 3),
)
def test_never_below_what_must_be_there(least: int | str, healthy: int, unready: int) -> None:
    obj = budget(minAvailable=least)
    status = shown(obj, healthy, unready)
    if status["disruptionsAllowed"]:
        assert healthy - status["disruptionsAllowed"] >= status["desiredHealthy"]
    assert shown({**obj, "status": status}, healthy, unready) == status


async def declared(plane: Control, **spec: object) -> None:
    """A budget over all the pods there are, all of them ready."""
    await plane.all_ready()
    metadata = {"namespace": "default", "name": "b"}
    spec["selector"] = {"matchLabels": {"app": "web"}}
    await plane.apply(resources.POD_DISRUPTION_BUDGETS, {"metadata": metadata, "spec": spec})


def counted(plane: Control) -> tuple[int, int, int]:
    """What the budget expects, has, and lets go."""
    status = plane.get(resources.POD_DISRUPTION_BUDGETS, "b")["status"]
    return status["expectedPods"], status["currentHealthy"], status["disruptionsAllowed"]


async def test_a_deployment_counts_once_however_many_of_its_templates_have_pods() -> None:
    """Upstream's getExpectedScale goes by the uid of what is scaled."""
    async with control() as plane:
        await plane.apply(resources.DEPLOYMENTS, deployment(4))
        await declared(plane, minAvailable="50%")
        assert counted(plane) == (4, 4, 2)
        await plane.change(resources.DEPLOYMENTS, "web", template=template("v2"))
        assert counted(plane) == (4, 3, 1)


async def test_a_share_of_a_replication_controllers_pods() -> None:
    async with control() as plane:
        spec = {"replicas": 3, "selector": {"app": "web"}, "template": template()}
        metadata = {"namespace": "default", "name": "web"}
        await plane.apply(resources.REPLICATION_CONTROLLERS, {"metadata": metadata, "spec": spec})
        await declared(plane, maxUnavailable=1)
        assert counted(plane) == (3, 3, 1)

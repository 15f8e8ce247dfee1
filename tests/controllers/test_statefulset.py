"""StatefulSets in motion: real API, real controllers, a test in the node's place."""

from netemu.controllers.statefulset import REST_SECONDS
from netemu.model import resources
from netemu.model.meta import Object, name_of, uid_of
from netemu.model.resources import PODS, STATEFUL_SETS
from tests.support.control import Control, control
from tests.support.samples import template

CLAIM = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
}


def stateful_set(replicas: int = 2, image: str = "v1", **spec: object) -> Object:
    return {
        "metadata": {"namespace": "default", "name": "web"},
        "spec": {
            "serviceName": "web",
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(image),
            **spec,
        },
    }


def names(plane: Control) -> list[str]:
    return [name_of(pod) for pod in plane.all(PODS)]


async def test_pods_come_one_after_the_other() -> None:
    async with control() as plane:
        await plane.apply(STATEFUL_SETS, stateful_set())
        assert names(plane) == ["web-0"]
        await plane.all_ready()
        assert names(plane) == ["web-0", "web-1"]
        status = plane.get(STATEFUL_SETS, "web")["status"]
        assert (status["readyReplicas"], status["availableReplicas"]) == (2, 2)


async def test_claims_are_bound_before_their_pod_gets_a_node() -> None:
    async with control() as plane:
        await plane.apply(STATEFUL_SETS, stateful_set(1, volumeClaimTemplates=[CLAIM]))
        [claim] = plane.all(resources.PERSISTENT_VOLUME_CLAIMS)
        assert (name_of(claim), claim["status"]["phase"]) == ("data-web-0", "Bound")
        assert plane.get(PODS, "web-0")["spec"]["nodeName"]


async def test_a_name_rests_before_it_is_used_again() -> None:
    async with control() as plane:
        await plane.apply(STATEFUL_SETS, stateful_set(1))
        await plane.all_ready()
        before = uid_of(plane.get(PODS, "web-0"))
        await plane.client.delete(PODS, "default", "web-0")
        await plane.settled()
        assert uid_of(plane.get(PODS, "web-0")) == before  # terminating: the name is taken
        await plane.end(plane.get(PODS, "web-0"))
        await plane.settled()
        assert names(plane) == []
        await plane.advance(REST_SECONDS)
        assert uid_of(plane.get(PODS, "web-0")) != before


async def test_time_alone_makes_a_pod_available() -> None:
    async with control() as plane:
        await plane.apply(STATEFUL_SETS, stateful_set(2, minReadySeconds=5))
        await plane.all_ready()
        assert names(plane) == ["web-0"]
        await plane.advance(5)
        assert names(plane) == ["web-0", "web-1"]


async def test_what_cannot_be_made_is_told() -> None:
    async with control() as plane:
        bad = {**template("v1")}
        bad["spec"] = {**bad["spec"], "nodeSelector": {"a b": "c"}}
        await plane.apply(STATEFUL_SETS, stateful_set(1, template=bad))
        [told] = set(plane.events("FailedCreate"))
        assert told.startswith("web: create Pod web-0 in StatefulSet web failed error: ")
        assert plane.get(STATEFUL_SETS, "web")["status"]["replicas"] == 0

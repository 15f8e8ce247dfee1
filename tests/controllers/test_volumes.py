"""Claims and volumes in motion: real API, real controllers."""

from netemu.model.meta import Object, name_of
from netemu.model.resources import (
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    STORAGE_CLASSES,
)
from tests.support.control import Control, control
from tests.support.samples import pod


def claim(**spec: object) -> Object:
    whole = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Mi"}},
        **spec,
    }
    return {"metadata": {"namespace": "default", "name": "data"}, "spec": whole}


def phases(plane: Control) -> tuple[list[str], list[str]]:
    claims, volumes = plane.all(PERSISTENT_VOLUME_CLAIMS), plane.all(PERSISTENT_VOLUMES, "")
    return [c["status"]["phase"] for c in claims], [v["status"]["phase"] for v in volumes]


async def test_a_claim_is_bound_to_a_volume_made_for_it() -> None:
    async with control() as plane:
        await plane.apply(PERSISTENT_VOLUME_CLAIMS, claim())
        assert phases(plane) == (["Bound"], ["Bound"])
        [volume] = plane.all(PERSISTENT_VOLUMES, "")
        told = plane.events("ProvisioningSucceeded")
        assert told == [f"data: Successfully provisioned volume {name_of(volume)}"]


async def test_a_volume_that_comes_later_is_found() -> None:
    async with control() as plane:
        await plane.apply(PERSISTENT_VOLUME_CLAIMS, claim(storageClassName="manual"))
        assert phases(plane) == (["Pending"], [])
        spec = {
            "storageClassName": "manual",
            "capacity": {"storage": "5Mi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/data"},
        }
        await plane.apply(PERSISTENT_VOLUMES, {"metadata": {"name": "mine"}, "spec": spec})
        assert phases(plane) == (["Bound"], ["Bound"])
        await plane.client.delete(PERSISTENT_VOLUME_CLAIMS, "default", "data")
        await plane.settled()
        assert phases(plane) == ([], ["Released"])
        await plane.client.delete(PERSISTENT_VOLUMES, "", "mine")
        await plane.settled()
        assert phases(plane) == ([], [])


async def test_a_claim_waits_for_its_first_consumer_and_the_pod_for_the_claim() -> None:
    later: Object = {
        "metadata": {"name": "later"},
        "provisioner": "netemu.dev/local",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    async with control() as plane:
        await plane.client.create(STORAGE_CLASSES, later)
        await plane.apply(PERSISTENT_VOLUME_CLAIMS, claim(storageClassName="later"))
        assert phases(plane) == (["Pending"], [])
        volume = {"name": "v", "persistentVolumeClaim": {"claimName": "data"}}
        made = pod("web", node="", volumes=[volume])
        await plane.apply(PODS, {"metadata": made["metadata"], "spec": made["spec"]})
        assert phases(plane) == (["Bound"], ["Bound"])
        assert plane.get(PODS, "web")["spec"]["nodeName"]


async def test_a_pod_without_its_claim_waits_and_says_so() -> None:
    async with control() as plane:
        volume = {"name": "v", "persistentVolumeClaim": {"claimName": "data"}}
        made = pod("web", node="", volumes=[volume])
        await plane.apply(PODS, {"metadata": made["metadata"], "spec": made["spec"]})
        assert plane.events("FailedScheduling") == [
            (
                'web: 0/2 nodes are available: persistentvolumeclaim "data" not found. preemption: '
                "0/2 nodes are available: 2 Preemption is not helpful for scheduling."
            )
        ]
        await plane.apply(PERSISTENT_VOLUME_CLAIMS, claim())
        assert plane.get(PODS, "web")["spec"]["nodeName"]
        await plane.client.delete(PERSISTENT_VOLUME_CLAIMS, "default", "data")
        await plane.settled()
        assert phases(plane) == (["Bound"], ["Bound"])  # in use
        await plane.client.delete(PODS, "default", "web")
        await plane.end(plane.get(PODS, "web"))
        await plane.settled()
        assert plane.all(PERSISTENT_VOLUME_CLAIMS) == []

from typing import Any

import pytest

from netemu.api.registry import Registry
from netemu.model.client import Client
from netemu.model.meta import Object
from netemu.model.resources import PERSISTENT_VOLUME_CLAIMS, STORAGE_CLASSES
from netemu.scheduler.claims import UNBOUND, objection, unbound, with_node
from tests.support.api import add_namespace, new_registry

POD: Object = {
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]},
}


@pytest.fixture
async def client() -> Client:
    registry: Registry = new_registry()
    await add_namespace(registry)
    found = registry.client("tests")
    for name, mode in (("now", "Immediate"), ("later", "WaitForFirstConsumer")):
        await found.create(
            STORAGE_CLASSES,
            {"metadata": {"name": name}, "provisioner": "p.io/x", "volumeBindingMode": mode},
        )
    return found


async def claim(client: Client, of_class: str = "now", **status: Any) -> None:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Mi"}},
        "storageClassName": of_class,
    }
    metadata = {"name": "data", "namespace": "default"}
    made = await client.create(PERSISTENT_VOLUME_CLAIMS, {"metadata": metadata, "spec": spec})
    if status:
        await client.update_status(PERSISTENT_VOLUME_CLAIMS, {**made, "status": status})


async def test_a_pod_without_claims_has_nothing_to_wait_for(client: Client) -> None:
    assert objection(client, {**POD, "spec": {}}) == ""


async def test_a_missing_claim_is_named(client: Client) -> None:
    assert objection(client, POD) == 'persistentvolumeclaim "data" not found'


async def test_an_ordinary_claim_must_be_bound_first(client: Client) -> None:
    await claim(client)
    assert objection(client, POD) == UNBOUND


async def test_a_bound_claim_is_no_matter(client: Client) -> None:
    await claim(client, phase="Bound")
    assert objection(client, POD) == ""
    assert list(unbound(client, POD)) == []


async def test_a_claim_that_waits_for_its_consumer_is_told_the_node(client: Client) -> None:
    await claim(client, "later")
    assert objection(client, POD) == ""
    [found] = unbound(client, POD)
    told = with_node(found, "node-1")
    annotations = told["metadata"]["annotations"]
    assert annotations == {"volume.kubernetes.io/selected-node": "node-1"}
    assert with_node(told, "node-1") is told

"""What users of lightkube do, run in the contract environment against the cluster of KUBECONFIG."""

import io
import uuid
from collections.abc import Iterator

import pytest
from httpx2.websockets import WebSocketUpgradeError
from lightkube import ApiError, AsyncClient, Client, codecs
from lightkube.generic_resource import load_in_cluster_generic_resources
from lightkube.models.autoscaling_v1 import ScaleSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Namespace, Node, Pod, Service
from lightkube.types import CascadeType, PatchType

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: main
        image: registry.k8s.io/e2e-test-images/agnhost:2.53
        args: [netexec, --http-port=8080]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
"""
CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: parcels.lightkube.test}
spec:
  group: lightkube.test
  names: {kind: Parcel, plural: parcels}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {weight: {type: integer}}}
          status: {type: object, properties: {sent: {type: boolean}}}
"""


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    name = f"lightkube-{uuid.uuid4().hex[:6]}"
    made = Client(namespace=name, field_manager="lightkube")
    made.create(Namespace(metadata=ObjectMeta(name=name)))
    yield made
    made.delete(Namespace, name, cascade=CascadeType.FOREGROUND)


@pytest.fixture(scope="module")
def pod(client: Client) -> str:
    for obj in codecs.load_all_yaml(MANIFEST):
        client.apply(obj)
    client.wait(Deployment, "web", for_conditions=["Available"])
    return next(str(found.metadata.name) for found in client.list(Pod, labels={"app": "web"}))


def config(name: str, **data: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name=name), data=data)


def test_create_get_replace_patch_delete(client: Client) -> None:
    created = client.create(config("basic", a="1"))
    created.data["a"] = "2"
    assert client.replace(created).data == {"a": "2"}
    with pytest.raises(ApiError) as stale:
        client.replace(created)
    assert stale.value.status.reason == "Conflict"
    assert client.patch(ConfigMap, "basic", {"data": {"b": "3"}}).data == {"a": "2", "b": "3"}
    operations = [{"op": "remove", "path": "/data/a"}]
    patched = client.patch(ConfigMap, "basic", operations, patch_type=PatchType.JSON)
    assert patched.data == {"b": "3"}
    client.delete(ConfigMap, "basic")
    with pytest.raises(ApiError) as gone:
        client.get(ConfigMap, "basic")
    assert gone.value.status.code == 404


def test_apply_owns_fields_and_conflicts(client: Client) -> None:
    client.apply(config("owned", a="1"), field_manager="one")
    with pytest.raises(ApiError) as refused:
        client.apply(config("owned", a="2"), field_manager="two")
    assert refused.value.status.code == 409
    assert client.apply(config("owned", a="2"), field_manager="two", force=True).data == {"a": "2"}
    assert client.apply(config("owned", a="3"), dry_run=True, force=True).data == {"a": "3"}
    assert client.get(ConfigMap, "owned").data == {"a": "2"}


def test_labels_and_annotations_are_set(client: Client) -> None:
    client.create(config("labelled"))
    found = client.set(ConfigMap, "labelled", labels={"a": "b"}, annotations={"c": "d"})
    assert (found.metadata.labels, found.metadata.annotations) == ({"a": "b"}, {"c": "d"})
    assert not client.set(ConfigMap, "labelled", labels={"a": None}).metadata.labels


def test_lists_come_in_pieces_and_by_selectors(client: Client) -> None:
    for number in range(5):
        obj = config(f"piece-{number}")
        obj.metadata.labels = {"piece": str(number % 2)}
        client.create(obj)
    found = client.list(ConfigMap, chunk_size=2, labels={"piece": {"0", "1"}})
    names = [obj.metadata.name for obj in found]
    assert names == [f"piece-{number}" for number in range(5)]
    assert len(list(client.list(ConfigMap, labels={"piece": "1"}))) == 2
    assert len(list(client.list(ConfigMap, fields={"metadata.name": "piece-3"}))) == 1
    assert {node.metadata.name for node in client.list(Node)} >= {"node-1"}
    client.deletecollection(ConfigMap, dry_run=True)
    assert len(list(client.list(ConfigMap, labels={"piece": None}))) == 5
    client.deletecollection(ConfigMap)
    assert not list(client.list(ConfigMap, labels={"piece": None}))


def test_a_watch_sees_what_happens(client: Client) -> None:
    listed = client.list(ConfigMap)
    assert list(listed) is not None  # which is what reads it
    version = listed.resourceVersion
    client.create(config("seen", a="1"))
    client.patch(ConfigMap, "seen", {"data": {"a": "2"}})
    client.delete(ConfigMap, "seen")
    seen = []
    for kind, obj in client.watch(
        ConfigMap, fields={"metadata.name": "seen"}, resource_version=version, server_timeout=20
    ):
        seen.append((kind, (obj.data or {}).get("a")))
        if kind == "DELETED":
            break
    assert seen == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]


def test_scale_and_status(client: Client, pod: str) -> None:
    scale = client.get(Deployment.Scale, "web")
    assert scale.status.selector == "app=web"
    scale.spec = ScaleSpec(replicas=3)
    assert client.replace(scale).spec.replicas == 3
    assert client.patch(Deployment.Scale, "web", {"spec": {"replicas": 2}}).spec.replicas == 2
    assert client.get(Deployment.Status, "web").status.observedGeneration


def test_logs(client: Client, pod: str) -> None:
    following = client.log(pod, follow=True)
    first = next(iter(following))
    assert "Started HTTP server on port 8080" in first
    assert next(iter(client.log(pod, newlines=False))) + "\n" == first
    assert len(list(client.log(pod, tail_lines=1))) == 1


def test_exec(client: Client, pod: str) -> None:
    command = ["sh", "-c", "cat; echo err >&2; exit 3"]
    done = client.exec(pod, command=command, stdin="typed", stdout=True, stderr=True)
    assert (done.stdout, done.stderr, done.exit_code) == ("typed", "err\n", 3)
    large = io.BytesIO(bytes(range(256)) * 8192)
    out = io.BytesIO()
    client.exec(pod, command=["cat"], stdin=large, stdout=out)
    assert out.getvalue() == large.getvalue()
    with pytest.raises(ApiError):
        client.exec(pod, command=["false"], stdout=True, raise_on_error=True)
    with pytest.raises(WebSocketUpgradeError, match="404"):
        client.exec("nope", command=["true"], stdout=True)


async def test_the_asynchronous_client(client: Client, pod: str) -> None:
    it = AsyncClient(namespace=client.namespace)
    done = await it.exec(pod, command=["hostname"], stdout=True)
    assert done.stdout == f"{pod}\n"
    assert [obj.metadata.name async for obj in it.list(Service)] == ["web"]
    async for kind, obj in it.watch(Service, server_timeout=10):
        assert (kind, obj.metadata.name) == ("ADDED", "web")
        break
    assert [line async for line in it.log(pod, tail_lines=1)]
    await it.close()


def test_custom_resources_are_loaded_from_the_cluster(client: Client) -> None:
    (definition,) = codecs.load_all_yaml(CRD)
    client.create(definition)
    load_in_cluster_generic_resources(client)
    try:
        (parcel,) = codecs.load_all_yaml(
            "{apiVersion: lightkube.test/v1, kind: Parcel, metadata: {name: p}, spec: {weight: 3}}"
        )
        created = client.create(parcel)
        assert created["spec"]["weight"] == 3
        status = client.patch(
            type(parcel).Status, "p", {"status": {"sent": True}}, patch_type=PatchType.MERGE
        )
        assert status["status"] == {"sent": True}
        assert [obj.metadata.name for obj in client.list(type(parcel))] == ["p"]
    finally:
        client.delete(type(definition), "parcels.lightkube.test")

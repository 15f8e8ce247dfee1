"""Every request is checked against the roles that are stored now."""

from typing import Any

import pytest

from netemu.api.request import User
from tests.support.api import Cluster

ANNE = User("anne", ("system:authenticated",))
PODS = "/api/v1/namespaces/default/pods"
RBAC = "/apis/rbac.authorization.k8s.io/v1"


def role(**rule: Any) -> dict[str, Any]:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"], **rule}]
    return {"metadata": {"name": "reader"}, "rules": rules}


def binding(kind: str = "Role", *, name: str = "reader") -> dict[str, Any]:
    return {
        "metadata": {"name": "readers"},
        "roleRef": {"kind": kind, "name": name},
        "subjects": [{"kind": "User", "name": "anne"}],
    }


async def allow(cluster: Cluster, **rule: Any) -> None:
    await cluster.json("POST", f"{RBAC}/namespaces/default/roles", role(**rule))
    await cluster.json("POST", f"{RBAC}/namespaces/default/rolebindings", binding())


async def test_nothing_is_allowed_until_a_role_says_so(cluster: Cluster) -> None:
    refused = await cluster.refused("GET", PODS, user=ANNE)
    assert (refused["code"], refused["reason"]) == (403, "Forbidden")
    assert refused["message"] == (
        'pods is forbidden: User "anne" cannot list resource "pods" in API group "" in the '
        'namespace "default"'
    )
    await allow(cluster)
    assert (await cluster.json("GET", PODS, user=ANNE))["items"] == []
    await cluster.json("DELETE", f"{RBAC}/namespaces/default/rolebindings/readers")
    await cluster.refused("GET", PODS, user=ANNE)


@pytest.mark.parametrize(
    ("method", "path", "verb", "query"),
    [
        ("GET", PODS, "list", {}),
        ("GET", PODS, "watch", {"watch": "1"}),
        ("GET", f"{PODS}/p", "get", {}),
        ("POST", PODS, "create", {}),
        ("PUT", f"{PODS}/p", "update", {}),
        ("PATCH", f"{PODS}/p", "patch", {}),
        ("DELETE", f"{PODS}/p", "delete", {}),
        ("DELETE", PODS, "deletecollection", {}),
    ],
)
async def test_every_method_has_its_verb(
    cluster: Cluster, method: str, path: str, verb: str, query: dict[str, str]
) -> None:
    refused = await cluster.refused(method, path, user=ANNE, **query)
    assert f'User "anne" cannot {verb} resource "pods"' in refused["message"]


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("GET", f"{PODS}/p/exec", 'get resource "pods/exec"'),
        ("POST", f"{PODS}/p/exec", 'create resource "pods/exec"'),
        ("POST", f"{PODS}/p/attach", 'create resource "pods/attach"'),
        ("GET", f"{PODS}/p/portforward", 'get resource "pods/portforward"'),
        ("POST", f"{PODS}/p/eviction", 'create resource "pods/eviction"'),
        ("PATCH", f"{PODS}/p/ephemeralcontainers", 'patch resource "pods/ephemeralcontainers"'),
        ("GET", f"{PODS}/p/proxy/index.html", 'get resource "pods/proxy"'),
        ("PUT", "/api/v1/namespaces/default/services/s:80/proxy/", 'update resource "services/pr'),
        ("GET", "/api/v1/nodes/n/proxy/healthz", 'get resource "nodes/proxy"'),
        ("GET", "/apis/metrics.k8s.io/v1beta1/nodes", 'list resource "nodes" in API group "metr'),
        ("POST", "/apis/batch/v1/namespaces/default/jobs", 'create resource "jobs"'),
        (
            "GET",
            "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers",
            'list resource "horizontalpodautoscalers" in API group "autoscaling"',
        ),
    ],
)
async def test_streams_proxies_and_views_are_guarded(
    cluster: Cluster, method: str, path: str, words: str
) -> None:
    refused = await cluster.refused(method, path, user=ANNE)
    assert refused["code"] == 403
    assert f'User "anne" cannot {words}' in refused["message"]


async def test_one_that_may_be_read_by_name_may_be_watched_so(cluster: Cluster) -> None:
    await allow(cluster, resourceNames=["p"])
    found = await cluster.json("GET", PODS, user=ANNE, fieldSelector="metadata.name=p")
    assert found["items"] == []
    refused = await cluster.refused("GET", PODS, user=ANNE, fieldSelector="metadata.name=q")
    assert refused["message"].startswith('pods "q" is forbidden: User "anne" cannot list')
    await cluster.refused("GET", PODS, user=ANNE)


async def test_who_may_run_commands_gets_as_far_as_the_pod(cluster: Cluster) -> None:
    await allow(cluster, resources=["pods/exec"], verbs=["create"])
    assert (await cluster.refused("POST", f"{PODS}/p/exec", user=ANNE))["code"] == 404
    assert (await cluster.refused("GET", f"{PODS}/p/exec", user=ANNE))["code"] == 403


async def test_documents_are_guarded_too(cluster: Cluster) -> None:
    refused = await cluster.refused("GET", "/apis", user=ANNE)
    assert refused["message"] == 'forbidden: User "anne" cannot get path "/apis"'


async def test_applying_what_is_absent_takes_the_right_to_create(cluster: Cluster) -> None:
    await allow(cluster, resources=["configmaps"], verbs=["patch"])
    path = "/api/v1/namespaces/default/configmaps/x"
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    apply: dict[str, Any] = {"content_type": "application/apply-patch+yaml", "fieldManager": "m"}
    refused = await cluster.refused("PATCH", path, config, user=ANNE, **apply)
    assert 'User "anne" cannot create resource "configmaps"' in refused["message"]
    await cluster.json("PATCH", path, config, **apply)
    await cluster.json("PATCH", path, config, user=ANNE, **apply)


async def test_roles_are_checked(cluster: Cluster) -> None:
    refused = await cluster.refused("POST", f"{RBAC}/namespaces/default/roles", role(verbs=[]))
    assert refused["message"] == (
        'Role.rbac.authorization.k8s.io "reader" is invalid: rules[0].verbs: Required value: verbs '
        "must contain at least one value"
    )
    bad = binding("Thing")
    refused = await cluster.refused("POST", f"{RBAC}/namespaces/default/rolebindings", bad)
    assert 'roleRef.kind: Unsupported value: "Thing"' in refused["message"]


async def test_a_binding_keeps_its_role(cluster: Cluster) -> None:
    await allow(cluster)
    path = f"{RBAC}/namespaces/default/rolebindings/readers"
    refused = await cluster.refused("PUT", path, binding(name="other"))
    assert "roleRef: Invalid value:" in refused["message"]
    assert refused["message"].endswith("cannot change roleRef")

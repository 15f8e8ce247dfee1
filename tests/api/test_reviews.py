"""Reviews: who somebody is, and what he may do."""

from typing import Any

import pytest

from netemu.api.request import User
from tests.support.api import Cluster

AUTHENTICATION, AUTHORIZATION = "/apis/authentication.k8s.io/v1", "/apis/authorization.k8s.io/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ANNE = User("anne", ("system:authenticated",))
BASICS = [
    {"apiGroups": [g], "resources": ["*"], "verbs": ["create"]}
    for g in ("authentication.k8s.io", "authorization.k8s.io")
]
READ: dict[str, Any] = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}


@pytest.fixture
async def ruled(cluster: Cluster) -> Cluster:
    """Anne may get pods, and ask."""
    await cluster.json(
        "POST", f"{RBAC}/clusterroles", {"metadata": {"name": "r"}, "rules": [READ, *BASICS]}
    )
    subjects = [{"kind": "User", "name": "anne"}]
    reference = {"kind": "ClusterRole", "name": "r"}
    await cluster.json(
        "POST",
        f"{RBAC}/clusterrolebindings",
        {"metadata": {"name": "b"}, "roleRef": reference, "subjects": subjects},
    )
    return cluster


async def test_who_am_i(ruled: Cluster) -> None:
    found = await ruled.whole("POST", f"{AUTHENTICATION}/selfsubjectreviews", {}, user=ANNE)
    assert found.status == 201
    assert (
        b'"status":{"userInfo":{"username":"anne","groups":["system:authenticated"]}}' in found.body
    )


@pytest.mark.parametrize(("verb", "allowed"), [("get", True), ("delete", False)])
async def test_may_i(ruled: Cluster, verb: str, allowed: bool) -> None:
    asked = {"spec": {"resourceAttributes": {"verb": verb, "resource": "pods", "namespace": "x"}}}
    path = f"{AUTHORIZATION}/selfsubjectaccessreviews"
    assert (await ruled.json("POST", path, asked, user=ANNE))["status"]["allowed"] is allowed
    asked["spec"]["user"] = "anne"  # type: ignore[assignment]
    path = f"{AUTHORIZATION}/subjectaccessreviews"
    assert (await ruled.json("POST", path, asked))["status"]["allowed"] is allowed
    path = f"{AUTHORIZATION}/namespaces/x/localsubjectaccessreviews"
    assert (await ruled.json("POST", path, asked))["status"]["allowed"] is allowed


async def test_what_may_i(ruled: Cluster) -> None:
    asked = {"spec": {"namespace": "default"}}
    path = f"{AUTHORIZATION}/selfsubjectrulesreviews"
    found = await ruled.json("POST", path, asked, user=ANNE)
    shown = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
    assert shown in found["status"]["resourceRules"]
    assert found["status"]["incomplete"] is False


async def test_whose_token(ruled: Cluster) -> None:
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    await ruled.json("POST", accounts, {"metadata": {"name": "bot"}})
    request = {"spec": {"expirationSeconds": 600}}
    issued = await ruled.json("POST", f"{accounts}/bot/token", request)
    asked = {"spec": {"token": issued["status"]["token"]}}
    found = await ruled.json("POST", f"{AUTHENTICATION}/tokenreviews", asked)
    assert found["status"]["authenticated"] is True
    assert found["status"]["user"]["username"] == "system:serviceaccount:default:bot"
    asked = {"spec": {"token": "x"}}
    found = await ruled.json("POST", f"{AUTHENTICATION}/tokenreviews", asked)
    assert found["status"] == {"user": {}, "error": "invalid bearer token"}


async def test_a_review_must_ask_one_thing(ruled: Cluster) -> None:
    path = f"{AUTHORIZATION}/selfsubjectaccessreviews"
    refused = await ruled.refused("POST", path, {"spec": {}}, user=ANNE)
    assert "exactly one of nonResourceAttributes or resourceAttributes" in refused["message"]


PATH = {"path": "/x", "verb": "get"}
SHOWN = 'authorization.NonResourceAttributes{Path:"/x", Verb:"get"}'
NOBODY_ASKED = "spec.user: Required value: at least one of user or group must be specified"
ONE = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
BOTH = f"Invalid value: {SHOWN}: cannot be specified in combination with resourceAttributes"
LOCAL = f"Invalid value: {SHOWN}: disallowed on this kind of request"
REFUSED = [
    (
        "subjectaccessreviews",
        {},
        [f'spec.resourceAttributes: Invalid value: "null": {ONE}', NOBODY_ASKED],
    ),
    (
        "subjectaccessreviews",
        {"resourceAttributes": {}, "nonResourceAttributes": PATH},
        [f"spec.nonResourceAttributes: {BOTH}", NOBODY_ASKED],
    ),
    (
        "namespaces/default/localsubjectaccessreviews",
        {"user": "x", "nonResourceAttributes": PATH},
        [f"spec.nonResourceAttributes: {LOCAL}"],
    ),
]


@pytest.mark.parametrize(("path", "spec", "said"), REFUSED)
async def test_all_that_is_wrong_with_a_review_is_told(
    ruled: Cluster, path: str, spec: Any, said: list[str]
) -> None:
    refused = await ruled.refused("POST", f"{AUTHORIZATION}/{path}", {"spec": spec})
    causes = refused["details"]["causes"]
    assert [f"{cause['field']}: {cause['message']}" for cause in causes] == said


async def test_nothing_is_kept(ruled: Cluster) -> None:
    revision = ruled.store.revision
    await ruled.json("POST", f"{AUTHENTICATION}/selfsubjectreviews", {})
    assert ruled.store.revision == revision
    refused = await ruled.refused("GET", f"{AUTHENTICATION}/selfsubjectreviews")
    assert refused["code"] == 405

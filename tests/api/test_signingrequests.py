from typing import Any

import pytest

from netemu.api.request import User
from netemu.api.signingrequests import asked_by
from netemu.model.errors import Forbidden
from netemu.model.meta import Object
from tests.support.api import ADMIN, Cluster
from tests.support.bodies import MERGE
from tests.support.certificates import a_request, asking

PLURAL = "certificatesigningrequests"
REQUESTS = f"/apis/certificates.k8s.io/v1/{PLURAL}"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
APPROVED = {"type": "Approved", "status": "True", "reason": "Test", "message": ""}
ANNE = User("anne")


def a_wish(signer: str = "example.com/signer") -> Object:
    obj = asking("c", a_request("anne"), signer)
    obj["spec"]["username"] = "somebody-else"
    return obj


def test_a_request_says_who_sent_it() -> None:
    user = User("anne", ("a", "b"), "u", {"x": ("y",)})
    found = asked_by({"spec": {"username": "me", "groups": ["system:masters"], "usages": []}}, user)
    assert found["spec"] == {
        "usages": [],
        "username": "anne",
        "uid": "u",
        "groups": ["a", "b"],
        "extra": {"x": ["y"]},
    }
    assert asked_by(found, None) == found
    assert asked_by({}, User("anne"))["spec"] == {"username": "anne"}


def test_nobody_becomes_a_master_by_a_request() -> None:
    wish = asking("c", a_request("anne", "system:masters"))
    with pytest.raises(Forbidden, match="signer with system:masters group is not allowed"):
        asked_by(wish, ADMIN)


async def test_a_request_is_approved_through_its_own_subresource(cluster: Cluster) -> None:
    created = await cluster.json("POST", REQUESTS, a_wish())
    assert created["spec"]["username"] == ADMIN.name
    assert "status" not in created or created["status"] == {}
    approved = {**created, "status": {"conditions": [APPROVED]}}
    found = await cluster.json("PUT", f"{REQUESTS}/c/approval", approved)
    (condition,) = found["status"]["conditions"]
    assert condition["type"] == "Approved"
    assert condition["lastUpdateTime"] == condition["lastTransitionTime"]
    assert found["spec"] == created["spec"]
    again = await cluster.json("GET", f"{REQUESTS}/c/approval")
    assert again["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"]


async def test_a_put_changes_neither_spec_nor_status(cluster: Cluster) -> None:
    created = await cluster.json("POST", REQUESTS, a_wish())
    given = {**created, "spec": {}, "status": {"conditions": [APPROVED]}}
    given["metadata"] = {**created["metadata"], "labels": {"a": "b"}}
    found = await cluster.json("PUT", f"{REQUESTS}/c", given)
    assert found["spec"] == created["spec"]
    assert found.get("status") == created.get("status")
    assert found["metadata"]["labels"] == {"a": "b"}


async def test_a_status_is_no_approval(cluster: Cluster) -> None:
    await cluster.json("POST", REQUESTS, a_wish())
    patch = {"status": {"conditions": [APPROVED]}}
    status = await cluster.refused("PATCH", f"{REQUESTS}/c/status", patch, content_type=MERGE)
    assert status["message"].endswith(
        'Forbidden: updates may not add a condition of type "Approved"'
    )


def grant(verb: str, *signers: str) -> tuple[Any, Any]:
    group = "certificates.k8s.io"
    role = {
        "metadata": {"name": "r"},
        "rules": [
            {"apiGroups": [group], "resources": [f"{PLURAL}/approval"], "verbs": ["*"]},
            {"apiGroups": [group], "resources": ["signers"], "verbs": [verb],
             "resourceNames": list(signers)},
        ],
    }  # fmt: skip
    binding = {
        "metadata": {"name": "b"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"},
        "subjects": [{"kind": "User", "name": "anne", "apiGroup": "rbac.authorization.k8s.io"}],
    }
    return role, binding


@pytest.mark.parametrize(
    ("signers", "may"),
    [(["example.com/signer"], True), (["example.com/*"], True), (["example.com/other"], False)],
)
async def test_approving_takes_a_right_for_the_signer(
    cluster: Cluster, signers: list[str], may: bool
) -> None:
    role, binding = grant("approve", *signers)
    await cluster.json("POST", f"{RBAC}/clusterroles", role)
    await cluster.json("POST", f"{RBAC}/clusterrolebindings", binding)
    created = await cluster.json("POST", REQUESTS, a_wish())
    given = {**created, "status": {"conditions": [APPROVED]}}
    found = await cluster.whole("PUT", f"{REQUESTS}/c/approval", given, user=ANNE)
    assert found.status == (200 if may else 403)
    if not may:
        words = b'user not permitted to approve requests with signerName \\"example.com/signer\\"'
        assert words in found.body

"""How strictly a body is judged, wherever one is sent."""

from typing import Any

import msgspec
import pytest

from tests.support.api import Cluster

HOME = "/api/v1/namespaces/default"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
ASKED = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
APPLY = "application/apply-patch+yaml"


@pytest.fixture
async def account(cluster: Cluster) -> Cluster:
    await cluster.json("POST", f"{HOME}/serviceaccounts", {"metadata": {"name": "a"}})
    return cluster


WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", f"{HOME}/configmaps", {"metadata": {"name": "m"}}),
    ("PUT", f"{HOME}/serviceaccounts/a", {"metadata": {"name": "a"}}),
    ("POST", REVIEWS, ASKED),
    ("POST", f"{HOME}/serviceaccounts/a/token", {"spec": {}}),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES, ids=[path for _, path, _ in WRITES])
async def test_unknown_fields_are_refused_warned_of_or_dropped(
    account: Cluster, method: str, path: str, body: Any
) -> None:
    odd = {**body, "odd": 1}
    status = await account.refused(method, path, odd, fieldValidation="Strict")
    assert 'strict decoding error: unknown field "odd"' in status["message"]
    ignored = await account.whole(method, path, odd, fieldValidation="Ignore")
    assert (ignored.status < 300, list(ignored.headers)) == (True, [])


async def test_a_field_twice_in_what_is_applied(account: Cluster) -> None:
    twice = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: b}\ndata: {a: c}\n"
    asked: dict[str, Any] = {"content_type": APPLY, "fieldManager": "me"}
    path = f"{HOME}/configmaps/m"
    status = await account.refused("PATCH", path, twice, **asked, fieldValidation="Strict")
    assert status["message"].startswith("error strict decoding YAML: ")
    warned = await account.whole("PATCH", path, twice, **asked)
    assert warned.status == 201
    assert [name for name, _ in warned.headers] == ["Warning"]


OWNER = {"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "1"}
OTHER = {**OWNER, "name": "b"}


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_owners_said_twice_count_once_and_are_warned_of(
    cluster: Cluster, method: str
) -> None:
    path, owners = f"{HOME}/configmaps", [OWNER, OTHER, OWNER]
    obj = {"metadata": {"name": "m", "ownerReferences": owners}}
    if method == "POST":
        answer = await cluster.whole("POST", path, obj)
    else:
        await cluster.json("POST", path, {"metadata": {"name": "m"}})
        merge = "application/merge-patch+json"
        answer = await cluster.whole("PATCH", f"{path}/m", obj, content_type=merge)
    made = msgspec.json.decode(answer.body)
    assert made["metadata"]["ownerReferences"] == [OWNER, OTHER]
    (warning,) = (text for name, text in answer.headers if name == "Warning")
    assert "duplicate UID(s) observed: 1" in warning
    assert ("after mutating admission happens" in warning) is (method == "PATCH")

"""Webhooks in effect: when they are called, what they are shown, what comes of their answers."""

from pathlib import Path
from typing import Any

import pytest

from netemu.api.gate import VALIDATING
from netemu.model.meta import Object
from tests.support.api import Cluster
from tests.support.hooks import encoded, webhook

GROUP = "/apis/admissionregistration.k8s.io/v1"
MAPS = "/api/v1/namespaces/default/configmaps"
SCALERS = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
RULE = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "operations": ["CREATE", "UPDATE", "DELETE"],
    "resources": ["configmaps"],
}


def config(name: str = "c", **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


async def registered(
    cluster: Cluster, client: Object, kind: str = "Validating", name: str = "h", **hook: Any
) -> None:
    said = {
        "name": f"{name}.example.com",
        "clientConfig": client,
        "rules": [RULE],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        **hook,
    }
    obj = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [said],
    }
    await cluster.json("POST", f"{GROUP}/{kind.lower()}webhookconfigurations", obj)


def allowing(_: Object) -> Object:
    return {"allowed": True}


async def test_a_webhook_sees_the_write(cluster: Cluster, tmp_path: Path) -> None:
    async with webhook(tmp_path, allowing) as hook:
        await registered(cluster, hook.client_config())
        await cluster.json("POST", MAPS, config(a="1"))
        await cluster.json("PATCH", f"{MAPS}/c", {"data": {"a": "2"}},
                           content_type="application/merge-patch+json")  # fmt: skip
        await cluster.json("DELETE", f"{MAPS}/c")
    create, update, delete = (review["request"] for review in hook.reviews)
    assert create["operation"] == "CREATE"
    assert create["kind"] == {"group": "", "version": "v1", "kind": "ConfigMap"}
    assert create["resource"] == {"group": "", "version": "v1", "resource": "configmaps"}
    assert (create["namespace"], create["name"]) == ("default", "c")
    assert create["userInfo"]["username"] == "kubernetes-admin"
    assert create["object"]["data"] == {"a": "1"}
    assert (create["oldObject"], create["dryRun"]) == (None, False)
    assert (update["oldObject"]["data"], update["object"]["data"]) == ({"a": "1"}, {"a": "2"})
    assert (delete["object"], delete["oldObject"]["data"]) == (None, {"a": "2"})
    assert create["uid"] != update["uid"]


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (
            {"allowed": False, "status": {"message": "not so", "code": 403}},
            403,
            'admission webhook "h.example.com" denied the request: not so',
        ),
        (
            {"allowed": False},
            400,
            'admission webhook "h.example.com" denied the request without explanation',
        ),
        (
            {"allowed": False, "status": {"reason": "Forbidden"}},
            400,
            'admission webhook "h.example.com" denied the request: Forbidden',
        ),
        (
            {"allowed": True, "uid": "x"},
            500,
            'failed calling webhook "h.example.com": received invalid webhook response: expected',
        ),
        (
            {"allowed": True, "httpStatus": 404},
            500,
            "the server could not find the requested resource",
        ),
        (
            {"allowed": True, "patch": "W10=", "patchType": "JSONPatch"},
            500,
            "received invalid webhook response: validating webhook may not return response.patch",
        ),
    ],
)
async def test_what_a_webhook_may_answer(
    cluster: Cluster, tmp_path: Path, answer: Object, code: int, words: str
) -> None:
    async with webhook(tmp_path, lambda _: dict(answer)) as hook:
        await registered(cluster, hook.client_config())
        status = await cluster.refused("POST", MAPS, config())
    assert status["code"] == code
    assert words in status["message"]


async def test_warnings_reach_the_client(cluster: Cluster, tmp_path: Path) -> None:
    async with webhook(tmp_path, lambda _: {"allowed": True, "warnings": ["mind"]}) as hook:
        await registered(cluster, hook.client_config())
        answer = await cluster.whole("POST", MAPS, config())
    assert dict(answer.headers)["Warning"] == '299 - "mind"'


async def test_a_webhook_that_is_not_there(cluster: Cluster, tmp_path: Path) -> None:
    async with webhook(tmp_path, allowing) as hook:
        client = hook.client_config()
    await registered(cluster, client)
    status = await cluster.refused("POST", MAPS, config())
    assert status["message"] == (
        'Internal error occurred: failed calling webhook "h.example.com": failed to call webhook: '
        f'Post "https://localhost:{hook.port}/hook?timeout=10s": dial tcp localhost:{hook.port}: '
        "connect: connection refused"
    )


async def test_who_signs_it_must_be_known(cluster: Cluster, tmp_path: Path) -> None:
    async with webhook(tmp_path, allowing) as hook:
        await registered(cluster, {"url": hook.client_config()["url"]})
        status = await cluster.refused("POST", MAPS, config())
    assert "x509: certificate signed by unknown authority" in status["message"]


async def test_a_service_without_endpoints(cluster: Cluster) -> None:
    service = {"name": "s", "namespace": "default", "path": "/p"}
    await registered(cluster, {"service": service})
    status = await cluster.refused("POST", MAPS, config())
    assert status["message"].endswith(
        'Post "https://s.default.svc:443/p?timeout=10s": services "s" not found'
    )


@pytest.mark.parametrize(
    "said",
    [
        {"failurePolicy": "Ignore"},
        {"namespaceSelector": {"matchLabels": {"a": "b"}}},
        {"objectSelector": {"matchLabels": {"a": "b"}}},
        {"matchConditions": [{"name": "x", "expression": "object.metadata.name != 'c'"}]},
        {"rules": [{**RULE, "operations": ["UPDATE"]}]},
        {"rules": [{**RULE, "scope": "Cluster"}]},
        {"rules": [{**RULE, "resources": ["configmaps/status"]}]},
    ],
)
async def test_who_is_not_asked_does_not_matter(cluster: Cluster, said: Object) -> None:
    await registered(cluster, {"url": "https://localhost:1/"}, **said)
    await cluster.json("POST", MAPS, config())


def adding(path: str, value: str) -> Any:
    patch = encoded([{"op": "add", "path": path, "value": value}])
    return lambda _: {"allowed": True, "patch": patch, "patchType": "JSONPatch"}


async def test_a_webhook_changes_what_is_written(cluster: Cluster, tmp_path: Path) -> None:
    async with webhook(tmp_path, adding("/data/b", "2")) as hook:
        rules = [{**RULE, "operations": ["CREATE"]}]
        await registered(cluster, hook.client_config(), "Mutating", rules=rules)
        found = await cluster.json("POST", MAPS, config(a="1"))
    assert found["data"] == {"a": "1", "b": "2"}
    assert (await cluster.json("GET", f"{MAPS}/c"))["data"] == {"a": "1", "b": "2"}


async def test_what_it_makes_is_judged_like_anything_else(cluster: Cluster, tmp_path: Path) -> None:
    async with webhook(tmp_path, adding("/data/b c", "2")) as hook:
        await registered(cluster, hook.client_config(), "Mutating")
        status = await cluster.refused("POST", MAPS, config(a="1"))
    assert status["code"] == 422


async def test_who_was_asked_before_a_change_is_asked_again(
    cluster: Cluster, tmp_path: Path
) -> None:
    async with (
        webhook(tmp_path, allowing) as first,
        webhook(tmp_path, adding("/data/b", "2")) as second,
    ):
        again = {"reinvocationPolicy": "IfNeeded"}
        await registered(cluster, first.client_config(), "Mutating", "a", **again)
        await registered(cluster, second.client_config(), "Mutating", "b")
        await cluster.json("POST", MAPS, config(a="1"))
    shown = [review["request"]["object"]["data"] for review in first.reviews]
    assert shown == [{"a": "1"}, {"a": "1", "b": "2"}]
    assert len(second.reviews) == 1


async def test_a_dry_run_asks_nobody_who_would_act(cluster: Cluster, tmp_path: Path) -> None:
    async with webhook(tmp_path, allowing) as hook:
        await registered(cluster, hook.client_config(), sideEffects="NoneOnDryRun")
        await cluster.json("POST", MAPS, config(), dryRun="All")
        assert hook.reviews[0]["request"]["dryRun"] is True
        said = {"matchPolicy": "Exact", "sideEffects": "Some"}
        obj = await cluster.json("GET", f"{GROUP}/validatingwebhookconfigurations/h")
        obj["webhooks"][0] |= said
        record = cluster.store.get(VALIDATING, ("", "h"))
        assert record is not None
        await cluster.store.update(record.resource, record.key, obj, record.revision)
        status = await cluster.refused("POST", MAPS, config("d"), dryRun="All")
    assert status["message"] == 'admission webhook "h.example.com" does not support dry run'


async def test_a_webhook_sees_the_version_it_knows(cluster: Cluster, tmp_path: Path) -> None:
    rule = {
        "apiGroups": ["autoscaling"],
        "apiVersions": ["v1"],
        "operations": ["*"],
        "resources": ["*/*", "*"],
    }
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "x"},
        "spec": {
            "maxReplicas": 2,
            "scaleTargetRef": {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"},
        },
    }
    async with webhook(tmp_path, allowing) as hook:
        await registered(cluster, hook.client_config(), rules=[{**rule, "resources": ["*"]}])
        await cluster.json("POST", SCALERS, scaler)
    (review,) = hook.reviews
    assert review["request"]["object"]["apiVersion"] == "autoscaling/v1"
    assert review["request"]["requestKind"]["version"] == "v2"
    assert review["request"]["kind"]["version"] == "v1"


async def test_conditions_that_cannot_be_are_refused(cluster: Cluster) -> None:
    status = await cluster.refused(
        "POST",
        f"{GROUP}/validatingwebhookconfigurations",
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "h"},
            "webhooks": [
                {
                    "name": "h.example.com",
                    "clientConfig": {"url": "https://localhost/"},
                    "sideEffects": "None",
                    "admissionReviewVersions": ["v1"],
                    "matchConditions": [{"name": "x", "expression": "object.a >"}],
                }
            ],
        },
    )
    assert "webhooks[0].matchConditions[0].expression: Invalid value" in status["message"]

"""Tokens for the asking."""

from typing import Any

import pytest

from tests.support.api import Cluster

ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"


async def ask(cluster: Cluster, **spec: Any) -> Any:
    await cluster.json("POST", ACCOUNTS, {"metadata": {"name": "bot"}})
    return await cluster.json("POST", f"{ACCOUNTS}/bot/token", {"spec": spec})


async def test_a_token_lasts_an_hour_unless_asked_otherwise(cluster: Cluster) -> None:
    found = await ask(cluster)
    assert found["kind"] == "TokenRequest"
    assert found["spec"]["expirationSeconds"] == 3600
    assert found["status"]["token"].count(".") == 2


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (60, "may not specify a duration less than 10 minutes"),
        (2**33, "may not specify a duration larger than 2^32 seconds"),
    ],
)
async def test_durations_have_bounds(cluster: Cluster, seconds: int, words: str) -> None:
    await cluster.json("POST", ACCOUNTS, {"metadata": {"name": "bot"}})
    spec = {"spec": {"expirationSeconds": seconds}}
    refused = await cluster.refused("POST", f"{ACCOUNTS}/bot/token", spec)
    assert refused["message"] == (
        'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: '
        f"{seconds}: {words}"
    )


async def test_it_can_be_bound_to_a_pod_of_the_account(cluster: Cluster) -> None:
    await cluster.json("POST", ACCOUNTS, {"metadata": {"name": "bot"}})
    spec = {"serviceAccountName": "bot", "containers": [{"name": "c", "image": "x"}]}
    pods = "/api/v1/namespaces/default/pods"
    await cluster.json("POST", pods, {"metadata": {"name": "p"}, "spec": spec})
    bound = {"kind": "Pod", "apiVersion": "v1", "name": "p"}
    asked = {"spec": {"boundObjectRef": bound}}
    await cluster.json("POST", f"{ACCOUNTS}/bot/token", asked)
    bound["name"] = "q"
    refused = await cluster.refused("POST", f"{ACCOUNTS}/bot/token", asked)
    assert refused["message"] == 'pods "q" not found'


async def test_there_must_be_an_account(cluster: Cluster) -> None:
    refused = await cluster.refused("POST", f"{ACCOUNTS}/bot/token", {"spec": {}})
    assert refused["message"] == 'serviceaccounts "bot" not found'


@pytest.mark.parametrize("key", ["name", "namespace"])
async def test_a_request_speaks_of_the_account_of_its_url(cluster: Cluster, key: str) -> None:
    await cluster.json("POST", ACCOUNTS, {"metadata": {"name": "bot"}})
    refused = await cluster.refused("POST", f"{ACCOUNTS}/bot/token", {"metadata": {key: "other"}})
    assert refused["message"].endswith(
        f'metadata.{key}: Invalid value: "other": must match the service account {key} if specified'
    )

"""What becomes of a new object before it is stored; what each step does has a test of its own."""

from tests.support.api import Cluster
from tests.support.bodies import POD, PODS


async def test_a_new_pod_has_an_identity_defaults_and_an_account(cluster: Cluster) -> None:
    made = await cluster.json("POST", PODS, {**POD, "metadata": {"name": "p", "uid": "mine"}})
    assert made["metadata"]["uid"] != "mine"
    assert made["spec"]["restartPolicy"] == "Always"
    assert made["spec"]["serviceAccountName"] == "default"
    assert made["status"]["phase"] == "Pending"


async def test_overhead_without_a_runtime_class_is_forbidden(cluster: Cluster) -> None:
    pod = {**POD, "spec": {**POD["spec"], "overhead": {"cpu": "1"}}}
    assert (await cluster.refused("POST", PODS, pod))["code"] == 403


async def test_a_broken_rule_comes_before_a_taken_name(cluster: Cluster) -> None:
    await cluster.json("POST", PODS, POD)
    assert (await cluster.refused("POST", PODS, {**POD, "spec": {}}))["code"] == 422
    assert (await cluster.refused("POST", PODS, POD))["code"] == 409

"""What a rollout cost, told by ``netemu rollout report``."""

import json
from typing import Any

import pytest

from netemu.testing import Instance
from tests.e2e.test_counter import EXAMPLES
from tests.e2e.test_rollout import READINESS, SERVICE, asking

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def report(cluster: Instance, *words: str) -> Any:
    done = cluster.netemu("rollout", "report", "deploy/echo-deploy", "-o", "json", *words)
    return json.loads(done.stdout)


def test_a_rollout_under_load_is_told_with_both_versions(netemu_instance: Instance) -> None:
    cluster = netemu_instance
    cluster.kubectl("apply", "-f", str(EXAMPLES / "echo.yaml"))
    cluster.apply(SERVICE)
    cluster.kubectl("patch", "deployment", "echo-deploy", "-p", READINESS)
    cluster.kubectl("rollout", "status", "deployment/echo-deploy", "--timeout=60s")
    with asking(cluster) as answers:
        cluster.kubectl("set", "image", "deployment/echo-deploy", "echo=ghcr.io/subicura/echo:v2")
        cluster.kubectl("rollout", "status", "deployment/echo-deploy", "--timeout=60s")
        cluster.wait_for(lambda: report(cluster)["versions"][-1]["connections"] > 5)
    told = report(cluster)
    assert told["state"] == "complete"
    assert told["failures"] == {"noEndpointReached": 0, "endedByReset": 0}
    assert told["withoutReadyPodSeconds"] == 0
    images = {tuple(row["images"]): row for row in told["versions"] if row["connections"]}
    assert set(images) == {("ghcr.io/subicura/echo:v1",), ("ghcr.io/subicura/echo:v2",)}
    assert [row["new"] for row in images.values()] == [False, True]
    served = sum(row["connections"] for row in told["versions"])
    assert 0 < served <= len(answers) + 1
    text = cluster.netemu("rollout", "report", "deployment/echo-deploy").stdout
    assert f"deployment/echo-deploy revision {told['revision']}: complete in" in text
    assert "failed: none" in text
    assert "ScalingReplicaSet: Scaled up replica set" in text


def test_recreate_shows_its_short_downtime(netemu_instance: Instance) -> None:
    cluster = netemu_instance
    cluster.kubectl("apply", "-f", str(EXAMPLES / "echo.yaml"))
    recreate = {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}}
    cluster.kubectl("patch", "deployment", "echo-deploy", "-p", json.dumps(recreate))
    cluster.kubectl("rollout", "status", "deployment/echo-deploy", "--timeout=60s")
    cluster.kubectl("set", "image", "deployment/echo-deploy", "echo=ghcr.io/subicura/echo:v2")
    cluster.kubectl("rollout", "status", "deployment/echo-deploy", "--timeout=60s")
    told = report(cluster)
    assert told["state"] == "complete"
    assert 0 < told["withoutReadyPodSeconds"] <= told["seconds"]


def test_what_there_is_no_report_of(netemu_instance: Instance) -> None:
    cluster = netemu_instance
    for words, code, said in (
        (("deploy/none",), 1, 'deployments.apps "none" not found'),
        (("sts/kubia",), 2, "'sts/kubia' is no Deployment: use deploy/NAME"),
    ):
        done = cluster.netemu("rollout", "report", *words, check=False)
        assert (done.returncode, said in done.stderr) == (code, True), done.stderr

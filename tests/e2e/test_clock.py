"""Time that is moved: schedules, back-offs and deadlines follow, processes live on."""

import json

import pytest

from netemu.testing import Instance

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CRON = """
apiVersion: batch/v1
kind: CronJob
metadata: {name: tick}
spec:
  schedule: "*/10 * * * *"
  successfulJobsHistoryLimit: 2
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: main, image: busybox, command: [echo, tock]}]
"""


def names_of(cluster: Instance, kind: str) -> list[str]:
    """In the cluster that tests share there may be others."""
    return [each["metadata"]["name"] for each in cluster.get(kind)["items"]]


def test_an_hour_of_a_cron_job(netemu_cluster: Instance) -> None:
    netemu_cluster.apply(CRON)
    netemu_cluster.netemu("clock", "advance", "1h")
    netemu_cluster.wait_for(
        lambda: netemu_cluster.get("cronjob", "tick")["status"].get("lastSuccessfulTime"),
        what="a success",
    )
    listed = netemu_cluster.kubectl("get", "events", "-o", "json")
    made = [
        item
        for item in json.loads(listed)["items"]
        if item["reason"] == "SuccessfulCreate" and item["involvedObject"]["kind"] == "CronJob"
    ]
    assert len(made) == 6

    def kept() -> int:
        return sum(name.startswith("tick-") for name in names_of(netemu_cluster, "jobs"))

    netemu_cluster.wait_for(lambda: kept() == 2, what="the history's limit")
    row = netemu_cluster.kubectl("get", "cronjob", "tick", "--no-headers").split()
    assert row[:9] == ["tick", "*/10", "*", "*", "*", "*", "<none>", "False", "0"]
    netemu_cluster.kubectl("delete", "cronjob", "tick")


def test_a_job_of_a_cron_job_by_hand(netemu_cluster: Instance) -> None:
    netemu_cluster.apply(CRON)
    words = ("create", "job", "now", "--from=cronjob/tick", "--dry-run=client", "-o", "json")
    netemu_cluster.apply(netemu_cluster.kubectl(*words))
    netemu_cluster.kubectl("wait", "--for=condition=Complete", "job/now", "--timeout=30s")
    netemu_cluster.kubectl("delete", "cronjob", "tick")


def test_paused_a_job_waits_for_its_next_try(netemu_cluster: Instance) -> None:
    told = json.loads(netemu_cluster.netemu("clock", "status", "-o", "json").stdout)
    assert told["paused"] is False
    netemu_cluster.netemu("clock", "pause")
    try:
        container = {"name": "m", "image": "busybox", "command": ["false"]}
        template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
        netemu_cluster.apply(
            json.dumps(
                {
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "metadata": {"name": "twice"},
                    "spec": {"template": template, "backoffLimit": 1},
                }
            )
        )
        netemu_cluster.kubectl(
            "wait", "--for=jsonpath={.status.failed}=1", "job/twice", "--timeout=20s"
        )
        assert "paused" in netemu_cluster.netemu("clock", "advance", "9s").stdout
        assert len(netemu_cluster.get("pods", "-l", "job-name=twice")["items"]) == 1
        netemu_cluster.netemu("clock", "advance", "2s")
        netemu_cluster.kubectl("wait", "--for=condition=Failed", "job/twice", "--timeout=20s")
    finally:
        netemu_cluster.netemu("clock", "resume")


def test_what_is_no_duration_is_refused(netemu_cluster: Instance) -> None:
    done = netemu_cluster.netemu("clock", "advance", "soon", check=False)
    assert done.returncode == 2
    assert "use 90s, 5m or 1h30m" in done.stderr

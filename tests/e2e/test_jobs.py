"""Jobs with real processes, driven by kubectl."""

import json

import pytest

from netemu.testing import Instance

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def job(name: str, command: str, **spec: object) -> str:
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", command]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    document = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": template, **spec},
    }
    return json.dumps(document)


def test_a_job_completes(netemu_cluster: Instance) -> None:
    netemu_cluster.apply(job("count", "echo done", completions=4, parallelism=2))
    netemu_cluster.kubectl("wait", "--for=condition=Complete", "job/count", "--timeout=30s")
    row = netemu_cluster.kubectl("get", "job", "count", "--no-headers").split()
    assert row[:3] == ["count", "Complete", "4/4"]
    assert netemu_cluster.kubectl("logs", "job/count").strip() == "done"
    described = netemu_cluster.kubectl("describe", "job", "count")
    assert "0 Active (0 Ready) / 4 Succeeded / 0 Failed" in described
    assert "Completed" in described


def test_each_index_knows_its_number(netemu_cluster: Instance) -> None:
    netemu_cluster.apply(
        job(
            "indexed",
            'echo "$JOB_COMPLETION_INDEX $(hostname)"',
            completions=3,
            parallelism=3,
            completionMode="Indexed",
        )
    )
    netemu_cluster.kubectl("wait", "--for=condition=Complete", "job/indexed", "--timeout=30s")
    said = netemu_cluster.kubectl("logs", "-l", "job-name=indexed").splitlines()
    assert sorted(said) == [f"{number} indexed-{number}" for number in range(3)]
    status = netemu_cluster.get("job", "indexed")["status"]
    assert status["completedIndexes"] == "0-2"


def test_a_job_fails_at_its_limit(netemu_cluster: Instance) -> None:
    netemu_cluster.apply(job("broken", "exit 3", backoffLimit=0))
    netemu_cluster.kubectl("wait", "--for=condition=Failed", "job/broken", "--timeout=30s")
    assert "BackoffLimitExceeded" in netemu_cluster.kubectl("describe", "job", "broken")


def test_an_exit_code_can_end_it(netemu_cluster: Instance) -> None:
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}
    netemu_cluster.apply(job("judged", "exit 42", podFailurePolicy={"rules": [rule]}))
    netemu_cluster.kubectl("wait", "--for=condition=Failed", "job/judged", "--timeout=30s")
    (said,) = [
        item["message"]
        for item in netemu_cluster.get("job", "judged")["status"]["conditions"]
        if item["type"] == "Failed"
    ]
    assert "failed with exit code 42 matching FailJob rule at index 0" in said


def test_create_job_and_delete_it_with_its_pods(netemu_cluster: Instance) -> None:
    words = ("create", "job", "long", "--image=busybox", "--dry-run=client", "-o", "json")
    netemu_cluster.apply(netemu_cluster.kubectl(*words, "--", "sleep", "100"))
    netemu_cluster.kubectl("wait", "--for=jsonpath={.status.ready}=1", "job/long", "--timeout=30s")
    netemu_cluster.kubectl("delete", "job", "long")
    netemu_cluster.wait_for(
        lambda: not netemu_cluster.get("pods", "-l", "job-name=long")["items"], seconds=40
    )


def test_a_bad_job_is_refused_in_upstreams_words(netemu_cluster: Instance) -> None:
    bad = job("bad", "true").replace('"Never"', '"Always"')
    done = netemu_cluster.run("kubectl", "apply", "-f", "-", input=bad, check=False)
    assert done.returncode == 1
    assert (
        'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'
        in done.stderr
    )


def test_a_container_that_fails_once_is_restarted_in_its_pod(netemu_cluster: Instance) -> None:
    """12.2 of the upstream catalogue."""
    script = 'f=/tmp/once-$(hostname); [ -e "$f" ] && rm "$f" && exit 0; touch "$f"; exit 1'
    work = job("once", script, completions=2, parallelism=2)
    netemu_cluster.apply(work.replace('"Never"', '"OnFailure"'))
    netemu_cluster.kubectl("wait", "--for=condition=Complete", "job/once", "--timeout=40s")
    pods = netemu_cluster.get("pods", "-l", "job-name=once")["items"]
    counts = [pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods]
    assert counts == [1, 1]


def test_the_life_of_a_job_object(netemu_cluster: Instance) -> None:
    """12.11 and 12.12."""
    netemu_cluster.apply(job("object", "true", suspend=True))
    patch = ("patch", "job", "object", "--type=merge", "-p")
    netemu_cluster.kubectl(*patch, '{"metadata":{"labels":{"e2e":"patched"}}}')
    condition = {
        "type": "StatusUpdate",
        "status": "True",
        "reason": "E2E",
        "message": "Set from e2e test",
    }
    status = json.dumps({"status": {"conditions": [condition]}})
    netemu_cluster.kubectl(*patch, status, "--subresource=status")
    found = netemu_cluster.get("jobs", "-l", "e2e=patched")["items"]
    assert [item["metadata"]["name"] for item in found] == ["object"]
    kinds = {item["type"] for item in found[0]["status"]["conditions"]}
    assert kinds == {"StatusUpdate"} or kinds == {"StatusUpdate", "Suspended"}
    netemu_cluster.kubectl(*patch, '{"spec":{"suspend":false}}')
    netemu_cluster.kubectl("wait", "--for=condition=Complete", "job/object", "--timeout=30s")
    netemu_cluster.kubectl("delete", "jobs", "-l", "e2e=patched")


def test_a_finished_job_goes_by_itself(netemu_cluster: Instance) -> None:
    """12.15."""
    netemu_cluster.apply(job("brief", "true", ttlSecondsAfterFinished=30))
    netemu_cluster.kubectl("wait", "--for=condition=Complete", "job/brief", "--timeout=30s")
    netemu_cluster.netemu("clock", "advance", "31s")
    netemu_cluster.wait_for(
        lambda: "brief" not in netemu_cluster.kubectl("get", "jobs,pods", "-o", "name"),
        what="the end of the Job and of its pods",
    )

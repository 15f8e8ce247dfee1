"""sig-apps: Job, row by row of the catalogue."""

from typing import Any

import pytest

from tests.support.rows import RefusedError, Space, condition, job, pod, sh, status_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

JOBS = "jobs"
DONE, FAILS, STAYS = sh("exit 0"), sh("exit 1"), sh("exec sleep 1000")
FINISHED = ("Complete", "Failed")


def status(space: Space, name: str = "j") -> Any:
    return space.get(JOBS, name)["status"]


def ended(space: Space, type: str, name: str = "j") -> Any:
    """Wait until the Job has this condition; its reason and message."""
    space.wait(lambda: status_of(space.get(JOBS, name), type) == "True", f"{name}: {type}")
    return condition(space.get(JOBS, name), type)


def active(space: Space, number: int, name: str = "j") -> None:
    space.wait(lambda: status(space, name).get("active", 0) == number, f"{number} active")


def test_12_1_runs_to_completion(space: Space) -> None:
    space.create(JOBS, job("j", DONE, completions=4, parallelism=2))
    ended(space, "Complete")
    assert status(space)["succeeded"] == 4
    assert [p["status"]["phase"] for p in space.pods()] == ["Succeeded"] * 4
    types = [c["type"] for c in status(space)["conditions"]]
    assert types == ["SuccessCriteriaMet", "Complete"]


def test_12_2_locally_restarted(space: Space) -> None:
    script = "test -f /data/once && exit 0; touch /data/once; exit 1"
    container = sh(script, volumeMounts=[{"name": "d", "mountPath": "/data"}])
    local = {"restartPolicy": "OnFailure", "volumes": [{"name": "d", "emptyDir": {}}]}
    space.create(JOBS, job("j", container, pod=local, completions=2, parallelism=2))
    space.wait(
        lambda: (
            [p["status"]["containerStatuses"][0]["restartCount"] for p in space.pods()] == [1, 1]
        )
    )
    ended(space, "Complete")
    assert len(space.pods()) == 2


def test_12_3_not_locally_restarted(space: Space, tmp_path: Any) -> None:
    tmp_path.chmod(0o777)
    script = f"mkdir {tmp_path}/once 2>/dev/null && exit 1; exit 0"
    space.create(JOBS, job("j", sh(script), completions=2, parallelism=1))
    space.wait(lambda: status(space).get("failed") == 1, "the failure")
    space.pass_time("15s")  # its back-off
    ended(space, "Complete")
    assert sorted(p["status"]["phase"] for p in space.pods()) == ["Failed", *["Succeeded"] * 2]


def test_12_4_indexed(space: Space) -> None:
    said = sh("echo $JOB_COMPLETION_INDEX $(hostname)")
    space.create(JOBS, job("j", said, completions=3, parallelism=3, completionMode="Indexed"))
    ended(space, "Complete")
    assert status(space)["completedIndexes"] == "0-2"
    key = "batch.kubernetes.io/job-completion-index"
    found = {p["metadata"]["annotations"][key]: p for p in space.pods()}
    assert sorted(found) == ["0", "1", "2"]
    for index, item in found.items():
        assert item["metadata"]["labels"][key] == index
        assert item["metadata"]["name"].startswith(f"j-{index}-")
        assert item["spec"]["hostname"] == f"j-{index}"
        assert space.logs(item["metadata"]["name"]).split() == [index, f"j-{index}"]


def test_12_5_pods_go_with_their_job(space: Space) -> None:
    space.create(JOBS, job("j", STAYS, parallelism=2))
    active(space, 2)
    space.delete(JOBS, "j", propagationPolicy="Background")
    space.wait(lambda: space.pods() == [], "no pod")


def test_12_6_active_deadline(space: Space) -> None:
    space.create(JOBS, job("j", STAYS, parallelism=2, activeDeadlineSeconds=1))
    failure = ended(space, "Failed")
    assert failure["reason"] == "DeadlineExceeded"
    assert failure["message"] == "Job was active longer than specified deadline"
    space.wait(lambda: space.live() == [], "no pod")


def test_12_7_backoff_limit(space: Space) -> None:
    space.create(JOBS, job("j", FAILS, backoffLimit=1))
    space.wait(lambda: status(space).get("failed") == 1)
    space.pass_time("15s")
    failure = ended(space, "Failed")
    assert failure["reason"] == "BackoffLimitExceeded"
    assert failure["message"] == "Job has reached the specified backoff limit"
    assert [p["status"]["phase"] for p in space.pods()] == ["Failed", "Failed"]


def test_12_8_delete(space: Space) -> None:
    space.create(JOBS, job("j", STAYS, completions=4, parallelism=2))
    active(space, 2)
    space.delete(JOBS, "j", propagationPolicy="Foreground")
    space.wait(lambda: not space.exists(JOBS, "j"), "the end")
    assert space.pods() == []


def test_12_9_orphans_are_adopted_and_strangers_released(space: Space) -> None:
    space.create(JOBS, job("j", STAYS, parallelism=2, completions=4))
    active(space, 2)
    [first, *_] = space.pods()
    name, labels = first["metadata"]["name"], first["metadata"]["labels"]

    def owner() -> str:
        owners = space.get("pods", name)["metadata"].get("ownerReferences") or ({"name": ""},)
        return str(owners[0]["name"])

    space.patch("pods", name, {"metadata": {"ownerReferences": None}})
    space.wait(lambda: owner() == "j", "its adoption")
    space.patch("pods", name, {"metadata": {"labels": dict.fromkeys(labels)}})
    space.wait(lambda: owner() == "", "its release")
    active(space, 2)
    assert len(space.pods()) == 3


def test_12_10_created_suspended(space: Space) -> None:
    space.create(JOBS, job("j", DONE, suspend=True, completions=4, parallelism=2))
    space.wait(lambda: status_of(space.get(JOBS, "j"), "Suspended") == "True")
    space.stays(lambda: space.pods() == [])
    space.patch(JOBS, "j", {"spec": {"suspend": False}})
    ended(space, "Complete")
    assert status_of(space.get(JOBS, "j"), "Suspended") == "False"


def test_12_10_suspended_while_active(space: Space) -> None:
    space.create(JOBS, job("j", STAYS, completions=4, parallelism=2))
    active(space, 2)
    space.patch(JOBS, "j", {"spec": {"suspend": True}})
    space.wait(lambda: space.pods() == [], "no pod")
    suspended = condition(space.get(JOBS, "j"), "Suspended")
    assert (suspended["reason"], suspended["message"]) == ("JobSuspended", "Job suspended")
    space.patch(JOBS, "j", {"spec": {"suspend": False}})
    active(space, 2)


def test_12_11_status_can_be_written(space: Space) -> None:
    space.create(JOBS, job("j", STAYS, suspend=True))
    start = "2030-01-01T00:00:00Z"
    space.wait(lambda: status_of(space.get(JOBS, "j"), "Suspended") == "True")
    new = {"type": "CustomConditionType", "status": "True", "lastTransitionTime": start}
    patch = {"metadata": {"annotations": {"p": "s"}}, "status": {"conditions": [new]}}
    patched = space.patch(JOBS, "j", patch, "status", kind="strategic")
    assert status_of(patched, "CustomConditionType") == "True"
    assert patched["metadata"]["annotations"]["p"] == "s"
    obj = space.get(JOBS, "j", "status")
    obj["metadata"]["annotations"]["u"] = "s"
    assert space.put(JOBS, obj, "status")["metadata"]["annotations"]["u"] == "s"


def test_12_12_the_life_of_a_job(space: Space) -> None:
    start = space.version(JOBS)
    made = job("j", STAYS, suspend=True, parallelism=2, completions=2)
    made["metadata"]["labels"] = {"life": "yes"}
    space.create(JOBS, made)
    space.patch(JOBS, "j", {"metadata": {"annotations": {"updated": "true"}}})
    space.update(JOBS, "j", lambda j: j["spec"].update(suspend=False))
    active(space, 2)
    found = space.all(JOBS, "life=yes", everywhere=True)
    assert [j["metadata"]["name"] for j in found] == ["j"]
    space.delete_all(JOBS, "life=yes")
    space.wait(lambda: space.all(JOBS) == [], "the end")
    kinds = [kind for kind, _ in space.watched(JOBS, start)]
    assert (kinds[0], kinds[-1]) == ("ADDED", "DELETED")


def exits(codes: list[int], action: str, operator: str = "In") -> Any:
    return {"action": action, "onExitCodes": {"operator": operator, "values": codes}}


def test_12_13_an_exit_code_fails_the_job(space: Space) -> None:
    policy = {"rules": [exits([42], "FailJob")]}
    made = job("j", sh("exit 42"), backoffLimit=6, podFailurePolicy=policy)
    space.create(JOBS, made)
    failure = ended(space, "Failed")
    assert failure["reason"] == "PodFailurePolicy"
    [failed] = space.pods()
    name = f"{space.name}/{failed['metadata']['name']}"
    assert failure["message"] == (
        f"Container c for pod {name} failed with exit code 42 matching FailJob rule at index 0"
    )


def test_12_13_an_ignored_failure_counts_nothing(space: Space, tmp_path: Any) -> None:
    tmp_path.chmod(0o777)
    script = f"mkdir {tmp_path}/once 2>/dev/null && exit 42; exit 0"
    policy = {"rules": [exits([42], "Ignore")]}
    space.create(JOBS, job("j", sh(script), backoffLimit=0, podFailurePolicy=policy))
    space.pass_time("15s")
    ended(space, "Complete")
    assert status(space).get("failed", 0) == 0


def test_12_13_an_ignored_disruption(space: Space) -> None:
    rule = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}
    made = job("j", sh("sleep 2"), backoffLimit=0, podFailurePolicy={"rules": [rule]})
    space.create(JOBS, made)
    active(space, 1)
    [victim] = space.pods()
    name = victim["metadata"]["name"]
    space.wait_phase(name, "Running")
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    space.api.ask("POST", space.path("pods", name, "eviction"), body)
    space.wait(lambda: not space.exists("pods", name), "its end")
    space.pass_time("15s")
    ended(space, "Complete")
    assert status(space).get("failed", 0) == 0


def test_12_13_counted_failures_use_up_the_limit(space: Space) -> None:
    policy = {"rules": [exits([1], "Count")]}
    space.create(JOBS, job("j", FAILS, backoffLimit=0, podFailurePolicy=policy))
    assert ended(space, "Failed")["reason"] == "BackoffLimitExceeded"


INDEXED = {"completionMode": "Indexed", "completions": 2, "parallelism": 2}
EVEN = sh("test $JOB_COMPLETION_INDEX = 0")


def test_12_13_a_limit_for_each_index(space: Space) -> None:
    space.create(JOBS, job("j", EVEN, **INDEXED, backoffLimitPerIndex=0))
    failure = ended(space, "Failed")
    assert failure["reason"] == "FailedIndexes"
    found = status(space)
    assert (found["completedIndexes"], found["failedIndexes"]) == ("0", "1")


def test_12_13_too_many_failed_indexes(space: Space) -> None:
    many = {**INDEXED, "completions": 6, "backoffLimitPerIndex": 0, "maxFailedIndexes": 1}
    space.create(JOBS, job("j", FAILS, **many))
    failure = ended(space, "Failed")
    assert failure["reason"] == "MaxFailedIndexesExceeded"
    assert failure["message"] == "Job has exceeded the specified maximal number of failed indexes"


def test_12_13_an_exit_code_fails_the_index(space: Space) -> None:
    policy = {"rules": [exits([1], "FailIndex")]}
    more = {"backoffLimitPerIndex": 3, "podFailurePolicy": policy}
    space.create(JOBS, job("j", EVEN, **INDEXED, **more))
    assert ended(space, "Failed")["reason"] == "FailedIndexes"
    assert status(space)["failed"] == 1  # no second try


@pytest.mark.parametrize(
    ("rule", "completed"),
    [
        pytest.param({"succeededIndexes": "0"}, "0", id="by indexes"),
        pytest.param({"succeededCount": 1}, "0", id="by a count"),
        pytest.param({"succeededIndexes": "0-1", "succeededCount": 1}, "0", id="by both"),
    ],
)
def test_12_13_success_by_policy(space: Space, rule: Any, completed: str) -> None:
    leader = sh("test $JOB_COMPLETION_INDEX = 0 || exec sleep 1000")
    space.create(JOBS, job("j", leader, **INDEXED, successPolicy={"rules": [rule]}))
    met = ended(space, "SuccessCriteriaMet")
    assert (met["reason"], met["message"]) == ("SuccessPolicy", "Matched rules at index 0")
    assert ended(space, "Complete")["reason"] == "SuccessPolicy"
    assert status(space)["completedIndexes"] == completed
    space.wait(lambda: len(space.live()) == 1, "the others' end")


def test_12_14_with_requests_of_cpu(space: Space) -> None:
    thirsty = sh("exit 0", resources={"requests": {"cpu": "1"}})
    nodes = space.all("nodes")
    cpus = sum(int(node["status"]["allocatable"]["cpu"]) for node in nodes)
    number = 3 * cpus
    space.create(JOBS, job("j", thirsty, completions=number, parallelism=number))
    ended(space, "Complete")


def test_12_15_ttl_after_finished(space: Space) -> None:
    made = job("j", DONE, ttlSecondsAfterFinished=10)
    made["metadata"]["finalizers"] = ["example.com/mine"]
    space.create(JOBS, made)
    ended(space, "Complete")
    space.pass_time("11s")
    space.wait(lambda: "deletionTimestamp" in space.get(JOBS, "j")["metadata"], "its deletion")
    space.patch(JOBS, "j", {"metadata": {"finalizers": None}})
    space.wait(lambda: not space.exists(JOBS, "j"), "its end")


def test_12_a_job_object_cannot_change_its_pods(space: Space) -> None:
    space.create(JOBS, job("j", STAYS))
    with pytest.raises(RefusedError) as refused:
        space.patch(JOBS, "j", {"spec": {"template": pod("x")}})
    assert "field is immutable" in refused.value.message

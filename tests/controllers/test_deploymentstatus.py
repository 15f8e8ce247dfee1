"""What a Deployment says of itself."""

from netemu.clock import rfc3339
from netemu.controllers.deploymentstatus import (
    counts,
    failed_creation,
    is_complete,
    seconds_to_deadline,
    with_availability,
    with_failures,
    with_new,
    with_pause,
    with_progress,
)
from netemu.controllers.rollout import Deployment, ReplicaSet, deployment_from
from netemu.model.meta import Object
from tests.support.samples import NOW, deployment


def web(status: Object | None = None, **spec: object) -> Deployment:
    obj = deployment(3, "v1", **spec)
    obj["metadata"]["generation"] = 2
    return deployment_from({**obj, "status": status or {}})


def rs(replicas: int, available: int, uid: str = "u", status: Object | None = None) -> ReplicaSet:
    return ReplicaSet(
        obj={"status": status or {}},
        uid=uid,
        name="web-x",
        size=replicas,
        replicas=replicas,
        ready=available,
        available=available,
    )


def progressing(reason: str, status: str = "True", at: float = NOW) -> Object:
    return {
        "type": "Progressing",
        "status": status,
        "reason": reason,
        "lastUpdateTime": rfc3339(at),
        "lastTransitionTime": rfc3339(at),
        "message": "",
    }


def test_counts_are_sums_and_zeros_are_left_out() -> None:
    new, old = rs(2, 1), rs(2, 2)
    assert counts(web({"collisionCount": 1}), new, [new, old]) == {
        "observedGeneration": 2,
        "replicas": 4,
        "updatedReplicas": 2,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "unavailableReplicas": 1,
        "collisionCount": 1,
    }
    assert counts(web(), None, []) == {"observedGeneration": 2}


def test_complete_means_all_new_and_available_and_seen() -> None:
    done = {"updatedReplicas": 3, "replicas": 3, "availableReplicas": 3, "observedGeneration": 2}
    assert is_complete(web(), done)
    for key in done:
        assert not is_complete(web(), {**done, key: 1})


def test_availability_allows_for_what_may_be_unavailable() -> None:
    strategy = {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    (found,) = with_availability(web(strategy=strategy), (), {"availableReplicas": 2}, NOW)
    assert (found["status"], found["reason"]) == ("True", "MinimumReplicasAvailable")
    (found,) = with_availability(web(), (), {"availableReplicas": 2}, NOW)
    assert (found["status"], found["reason"]) == ("False", "MinimumReplicasUnavailable")
    assert found["message"] == "Deployment does not have minimum availability."


def test_an_unchanged_condition_keeps_its_times() -> None:
    before = with_availability(web(), (), {}, NOW)
    assert with_availability(web(), before, {}, NOW + 60) is before


def test_a_created_and_a_found_replica_set_are_told_apart() -> None:
    (found,) = with_new(web(), (), rs(1, 0, uid=""), NOW)
    assert found["message"] == 'Created new replica set "web-x"'
    (found,) = with_new(web(), (), rs(1, 0), NOW)
    assert found["message"] == 'Found new replica set "web-x"'
    old = [progressing("ReplicaSetUpdated")]
    assert with_new(web(), old, rs(1, 0), NOW) is old


def test_progress_renews_its_time() -> None:
    old = [progressing("ReplicaSetUpdated")]
    now = NOW + 30
    (found,) = with_progress(web(), old, {"updatedReplicas": 1}, rs(1, 0), now)
    assert found["lastUpdateTime"] == rfc3339(now)
    assert found["lastTransitionTime"] == rfc3339(NOW)
    stuck = web({"updatedReplicas": 1})
    assert with_progress(stuck, old, {"updatedReplicas": 1}, rs(1, 0), now) == old


def test_lack_of_progress_is_reported_once_the_deadline_is_over() -> None:
    old = [progressing("ReplicaSetUpdated")]
    assert with_progress(web(), old, {}, rs(1, 0), NOW + 600) == old
    (found,) = with_progress(web(), old, {}, rs(1, 0), NOW + 601)
    assert (found["status"], found["reason"]) == ("False", "ProgressDeadlineExceeded")
    assert found["message"] == 'ReplicaSet "web-x" has timed out progressing.'
    assert with_progress(web(), [found], {}, rs(1, 0), NOW + 900) == [found]


def test_without_a_deadline_nothing_is_said_of_progress() -> None:
    endless = web(progressDeadlineSeconds=2**31 - 1)
    assert with_progress(endless, [progressing("ReplicaSetUpdated")], {}, None, NOW) == []
    assert with_new(endless, (), rs(1, 0), NOW) == ()
    assert with_pause(endless, (), NOW) == ()


def test_a_pause_is_said_but_never_hides_a_missed_deadline() -> None:
    (found,) = with_pause(web(paused=True), (), NOW)
    assert (found["status"], found["reason"]) == ("Unknown", "DeploymentPaused")
    (found,) = with_pause(web(), [found], NOW)
    assert (found["reason"], found["message"]) == ("DeploymentResumed", "Deployment is resumed")
    late = [progressing("ProgressDeadlineExceeded", "False")]
    assert with_pause(web(paused=True), late, NOW) is late


def test_failures_of_replica_sets_are_passed_on() -> None:
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}
    failing = rs(1, 0, status={"conditions": [failure]})
    (found,) = with_failures((), None, [rs(1, 0), failing])
    assert found["reason"] == "FailedCreate"
    assert with_failures([found], rs(1, 0), [rs(1, 0)]) == []


def test_a_replica_set_that_cannot_be_created_is_reported() -> None:
    status = failed_creation(web(), "web-x", "no room", NOW)
    (found,) = status["conditions"]
    assert found["message"] == 'Failed to create new replica set "web-x": no room'


def test_the_deadline_is_looked_at_in_time() -> None:
    waiting = {"conditions": [progressing("ReplicaSetUpdated")]}
    assert seconds_to_deadline(web(), waiting, NOW + 100) == 501.0
    assert seconds_to_deadline(web(paused=True), waiting, NOW) is None
    done = {"conditions": [progressing("NewReplicaSetAvailable")]}
    assert seconds_to_deadline(web(), done, NOW) is None

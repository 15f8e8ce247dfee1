from netemu.controllers.statefulsetstatus import status_of
from netemu.model.meta import Object
from tests.support.samples import NOW, pod
from tests.support.workload import workload


def of_revision(name: str, revision: str, **more: object) -> Object:
    labels = {"app": "web", "controller-revision-hash": revision}
    return pod(name, labels=labels, **more)  # type: ignore[arg-type]


def status(*pods: Object, replicas: int = 2, **spec: object) -> Object:
    obj = workload("StatefulSet", replicas=replicas, **spec)
    return status_of(obj, pods, current="old", update="new", rolling=True, now=NOW + 1)


def test_halfway_both_revisions_are_counted() -> None:
    found = status(of_revision("web-0", "old"), of_revision("web-1", "new"))
    assert (found["currentReplicas"], found["updatedReplicas"]) == (1, 1)
    assert (found["currentRevision"], found["updateRevision"]) == ("old", "new")


def test_when_all_are_ready_the_new_revision_is_the_current_one() -> None:
    found = status(of_revision("web-0", "new"), of_revision("web-1", "new"))
    assert found["currentRevision"] == "new"
    assert (found["currentReplicas"], found["updatedReplicas"]) == (2, 2)
    unready = status(of_revision("web-0", "new"), of_revision("web-1", "new", ready=False))
    assert unready["currentRevision"] == "old"


def test_terminating_pods_are_there_but_not_of_any_revision() -> None:
    found = status(of_revision("web-0", "old"), of_revision("web-1", "old", deleting=True))
    assert (found["replicas"], found["currentReplicas"]) == (2, 1)


def test_available_is_ready_for_long_enough() -> None:
    pods = of_revision("web-0", "new"), of_revision("web-1", "new")
    assert status(*pods, minReadySeconds=2)["availableReplicas"] == 0
    assert status(*pods, minReadySeconds=1)["availableReplicas"] == 2

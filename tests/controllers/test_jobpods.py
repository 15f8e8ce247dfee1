"""Facts about a Job's pods."""

from netemu.controllers import jobpods
from tests.controllers.jobs import CONTAINER, job, job_pod
from tests.support.samples import NOW


def test_the_finalizer_comes_and_goes_without_a_trace() -> None:
    pod = job_pod(1, tracked=False)
    assert jobpods.untracked(jobpods.tracked(pod)) == pod
    assert jobpods.is_tracked(jobpods.tracked(pod))


def test_when_a_pod_ended() -> None:
    assert jobpods.finished_at(job_pod(1, "Failed", since=NOW + 3)) == NOW + 3
    assert jobpods.finished_at(job_pod(1, deleting=True, since=NOW)) == NOW


def test_a_deleted_pod_counts_as_failed_unless_its_end_is_awaited() -> None:
    leaving = job_pod(1, deleting=True)
    assert jobpods.has_failed(leaving, job())
    patient = job(podReplacementPolicy="Failed")
    assert not jobpods.has_failed(leaving, patient)
    del leaving["spec"]["nodeName"]
    assert jobpods.has_failed(leaving, patient), "nobody will ever report on it"


def test_containers_may_set_the_index_themselves() -> None:
    own = {**CONTAINER, "env": [{"name": "JOB_COMPLETION_INDEX", "value": "x"}]}
    obj = job()
    obj["spec"]["template"]["spec"]["containers"] = [own]
    assert jobpods.new_pod(obj, 3)["spec"]["containers"] == [own]


def test_a_long_name_leaves_room_for_the_index() -> None:
    obj = job()
    obj["metadata"]["name"] = "x" * 63
    prefix = jobpods.new_pod(obj, 12)["metadata"]["generateName"]
    assert len(prefix) == jobpods.LONGEST_PREFIX
    assert prefix.endswith("-12-")

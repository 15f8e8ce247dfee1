"""What a Job's status says."""

from netemu.controllers.jobcount import count
from netemu.controllers.jobstatus import Ending, finished, interim, status_of
from netemu.model.meta import Object
from tests.controllers.jobs import job, job_pod
from tests.support.samples import NOW

MET = Ending("SuccessCriteriaMet", "CompletionsReached", "Reached")


def final(obj: Object, *pods: Object, ending: Ending | None = None) -> Object:
    return status_of(obj, count(obj, pods), ending, (), (), NOW).final


def test_as_a_cluster_writes_a_job_that_began() -> None:
    assert final(job(), job_pod(1)) == {
        "startTime": "2023-11-14T22:13:20Z",
        "active": 1,
        "terminating": 0,
        "uncountedTerminatedPods": {},
        "ready": 0,
    }


def test_what_was_decided_is_told_before_what_has_happened() -> None:
    status = final(job(), job_pod(1, deleting=True, tracked=False), ending=MET)
    assert [item["type"] for item in status["conditions"]] == ["SuccessCriteriaMet"]
    obj = {**job(), "status": status}
    assert interim(obj) == MET
    assert not finished(obj)
    status = final(obj, ending=MET)
    assert [item["type"] for item in status["conditions"]] == ["SuccessCriteriaMet", "Complete"]
    assert finished({**job(), "status": status})
    assert status["completionTime"] == "2023-11-14T22:13:20Z"

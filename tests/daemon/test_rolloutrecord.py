"""What a record keeps of a rollout, and that it keeps within its bounds."""

from functools import partial
from typing import Any

from netemu.daemon import rolloutrecord
from netemu.daemon.rolloutrecord import Counts, Record, Traffic, report

SILENT = Traffic({})


def deployment(revision: int, *, replicas: int = 2, done: bool = False, **spec: Any) -> Any:
    counts = {"replicas": replicas, "updatedReplicas": replicas, "availableReplicas": replicas}
    return {
        "metadata": {
            "name": "web",
            "generation": 2,
            "annotations": {rolloutrecord.REVISION: str(revision)},
        },
        "spec": {"replicas": replicas, **spec},
        "status": {"observedGeneration": 2 if done else 1, **counts},
    }


def version(name: str, revision: int, replicas: int, ready: int) -> Any:
    return {
        "metadata": {"name": name, "annotations": {rolloutrecord.REVISION: str(revision)}},
        "spec": {
            "replicas": replicas,
            "template": {"spec": {"containers": [{"image": f"echo:{name}"}]}},
        },
        "status": {"readyReplicas": ready, "availableReplicas": ready},
    }


def pod(name: str, address: str, *, ready: bool = True, deleting: bool = False) -> Any:
    status = {"type": "Ready", "status": "True" if ready else "False"}
    return {
        "metadata": {"name": name, **({"deletionTimestamp": "now"} if deleting else {})},
        "spec": {"nodeName": "node-1"},
        "status": {"phase": "Running", "podIP": address, "conditions": [status]},
    }


def begun() -> Record:
    """A rollout from v1 with one ready pod, at 100."""
    record = Record(("default", "web"), "uid", 100.0)
    record.follow_version(100.0, version("v1", 1, 1, 1))
    seen = Traffic({"10.0.0.1": Counts(50)}, unserved=7)
    record.follow_pod(100.0, "v1", pod("a", "10.0.0.1"), lambda: seen, gone=False)
    record.sample(100.0, seen)
    return record


def test_both_versions_are_counted_from_the_beginning() -> None:
    record = begun()
    record.follow_version(101.0, version("v2", 2, 1, 0))
    seen = Traffic({"10.0.0.1": Counts(60), "10.0.0.2": Counts(1000)}, unserved=7)
    record.follow_pod(101.0, "v2", pod("b", "10.0.0.2"), lambda: seen, gone=False)
    later = {"10.0.0.1": Counts(70, 2), "10.0.0.2": Counts(1030, 0, 1)}
    record.sample(102.0, Traffic(later, unserved=9))
    record.follow(103.0, deployment(2, done=True))
    told = report(record, 200.0)
    assert (told["state"], told["seconds"], told["revision"]) == ("complete", 3.0, 2)
    old, new = told["versions"]
    assert (old["new"], old["connections"], old["broken"]) == (False, 20, 2)
    assert (new["new"], new["connections"], new["images"]) == (True, 30, ["echo:v2"])
    assert told["failures"] == {"noEndpointReached": 2, "endedByReset": 2}
    assert told["redialed"] == 1
    assert told["share"][-1] == {
        "at": 2.0,
        "ready": {"v1": 1, "v2": 1},
        "connections": {"v1": 20, "v2": 30},
    }


def test_an_address_that_goes_to_another_pod_is_counted_for_each_apart() -> None:
    record = begun()
    record.follow_version(101.0, version("v2", 2, 1, 0))
    gone = Traffic({"10.0.0.1": Counts(55)})
    record.follow_pod(101.0, "v1", pod("a", "10.0.0.1"), lambda: gone, gone=True)
    record.follow_pod(102.0, "v2", pod("b", "10.0.0.1"), lambda: gone, gone=False)
    record.sample(103.0, Traffic({"10.0.0.1": Counts(59)}))
    assert record.served("v1").connections == 5
    assert record.served("v2").connections == 4


def test_a_counter_that_began_anew_counts_from_nothing() -> None:
    assert Counts(3, 0, 0).since(Counts(50, 1, 0)) == Counts(3, 0, 0)


def test_the_time_without_a_ready_pod_is_told() -> None:
    record = begun()
    record.follow_pod(101.0, "v1", pod("a", "10.0.0.1", deleting=True), lambda: SILENT, gone=False)
    assert report(record, 104.0)["withoutReadyPodSeconds"] == 3.0
    record.follow_pod(105.5, "v2", pod("b", "10.0.0.2"), lambda: SILENT, gone=False)
    assert report(record, 110.0)["withoutReadyPodSeconds"] == 4.5


def test_steps_say_what_changed() -> None:
    record = begun()
    record.follow(101.0, deployment(1))
    record.follow(101.5, deployment(1, paused=True))
    record.follow_version(102.0, version("v2", 2, 1, 0))
    record.follow_version(103.0, version("v2", 2, 1, 1))
    record.follow_version(103.0, version("v2", 2, 1, 1))
    record.follow_version(104.0, version("v1", 1, 0, 0), gone=True)
    record.follow(105.0, deployment(2))
    assert record.steps == [
        (101.5, "Deployment paused"),
        (102.0, "ReplicaSet v2 created"),
        (102.0, "ReplicaSet v2: replicas 0 to 1"),
        (103.0, "ReplicaSet v2: ready 0 to 1, available 0 to 1"),
        (104.0, "ReplicaSet v1 deleted"),
        (105.0, "Deployment resumed"),
    ]


def test_it_is_over_when_the_old_pods_are_gone_too() -> None:
    record = begun()
    record.follow_version(101.0, version("v2", 2, 1, 1))
    record.follow(102.0, deployment(2, done=True))
    assert record.ended == 102.0
    assert not record.over
    record.follow_pod(103.0, "v1", pod("a", "10.0.0.1"), lambda: SILENT, gone=True)
    assert record.over


def test_another_rollout_ends_it_at_once() -> None:
    record = begun()
    record.finish(101.0, "superseded")
    record.finish(109.0, "complete")
    assert (record.over, record.state, record.ended) == (True, "superseded", 101.0)


def test_whatever_happens_it_stays_within_its_bounds() -> None:
    record = begun()
    for number in range(1500):
        at = 101.0 + number
        name = f"p{number}"
        seen = partial(Traffic, {"10.0.0.9": Counts(number)})
        record.follow_pod(at, "v1", pod(name, "10.0.0.9"), seen, gone=False)
        after = partial(Traffic, {"10.0.0.9": Counts(number + 1)})
        record.follow_pod(at, "v1", pod(name, "10.0.0.9"), after, gone=True)
        if number % 5 == 0:
            record.sample(at, after())
    assert len(record.steps) == rolloutrecord.STEPS
    assert record.dropped == 2 * 1500 - rolloutrecord.STEPS
    assert len(record.pods) <= rolloutrecord.PODS
    assert len(record.samples) <= rolloutrecord.SAMPLES
    assert record.served("v1").connections == 1500


def test_pods_in_a_word() -> None:
    words = {
        "Ready": pod("a", "1.2.3.4"),
        "not ready": pod("a", "1.2.3.4", ready=False),
        "Terminating": pod("a", "1.2.3.4", deleting=True),
        "Pending": {"metadata": {}, "spec": {}},
        "Scheduled to n": {"metadata": {}, "spec": {"nodeName": "n"}},
        "Failed": {"metadata": {}, "spec": {}, "status": {"phase": "Failed"}},
    }
    assert {word: rolloutrecord.how(each) for word, each in words.items()} == {w: w for w in words}

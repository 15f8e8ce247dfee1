from netemu.api.tables.workloads import deployment, replica_set, stateful_set
from netemu.clock import rfc3339
from netemu.model.meta import Object

NOW = 1_000_000.0
WORKLOAD: Object = {
    "metadata": {"name": "web", "creationTimestamp": rfc3339(NOW - 5)},
    "spec": {
        "replicas": 4,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "spec": {"containers": [{"name": "a", "image": "x:1"}, {"name": "b", "image": "y"}]}
        },
    },
    "status": {"replicas": 5, "readyReplicas": 3, "updatedReplicas": 2, "availableReplicas": 1},
}


def test_a_deployment() -> None:
    assert deployment(WORKLOAD, NOW) == ["web", "3/4", 2, 1, "5s", "a,b", "x:1,y", "app=web"]


def test_a_replica_set() -> None:
    assert replica_set(WORKLOAD, NOW) == ["web", 4, 5, 3, "5s", "a,b", "x:1,y", "app=web"]


def test_a_stateful_set() -> None:
    assert stateful_set(WORKLOAD, NOW) == ["web", "3/4", "5s", "a,b", "x:1,y"]


def test_one_that_has_just_been_made() -> None:
    new: Object = {"metadata": {"name": "web"}, "spec": {}}
    assert deployment(new, NOW) == ["web", "0/1", 0, 0, "<unknown>", "", "", "<none>"]

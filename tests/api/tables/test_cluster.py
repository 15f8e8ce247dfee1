import pytest

from netemu.api.tables import cluster
from netemu.clock import rfc3339
from netemu.model.meta import Object

NOW = 1_000_000.0
METADATA = {"name": "x", "creationTimestamp": rfc3339(NOW - 5)}


def node(conditions: list[Object], labels: dict[str, str] | None = None, **spec: object) -> Object:
    return {
        "metadata": {**METADATA, "labels": labels or {}},
        "spec": spec,
        "status": {
            "conditions": conditions,
            "addresses": [{"type": "InternalIP", "address": "172.30.0.11"}],
            "nodeInfo": {"kubeletVersion": "v1.32.4"},
        },
    }


READY = [{"type": "Ready", "status": "True"}]


def test_a_node() -> None:
    assert cluster.node(node(READY), NOW) == [
        *("x", "Ready", "<none>", "5s", "v1.32.4", "172.30.0.11", "<none>"),
        *("<unknown>", "<unknown>", "<unknown>"),
    ]


@pytest.mark.parametrize(
    ("obj", "status"),
    [
        (node([]), "Unknown"),
        (node([{"type": "Ready", "status": "Unknown"}]), "NotReady"),
        (node(READY, unschedulable=True), "Ready,SchedulingDisabled"),
    ],
)
def test_a_nodes_status(obj: Object, status: str) -> None:
    assert cluster.node(obj, NOW)[1] == status


def test_a_nodes_roles_are_its_labels() -> None:
    labels = {"node-role.kubernetes.io/worker": "", "kubernetes.io/role": "db", "other": "x"}
    assert cluster.node(node(READY, labels), NOW)[2] == "db,worker"


def test_small_kinds() -> None:
    assert cluster.namespace({"metadata": METADATA, "status": {"phase": "Active"}}, NOW) == [
        *("x", "Active", "5s")
    ]
    assert cluster.config_map(
        {"metadata": METADATA, "data": {"a": "1"}, "binaryData": {"b": "", "c": ""}}, NOW
    ) == ["x", 3, "5s"]
    assert cluster.secret({"metadata": METADATA, "type": "Opaque", "data": {"a": ""}}, NOW) == [
        *("x", "Opaque", 1, "5s")
    ]
    assert cluster.service_account({"metadata": METADATA}, NOW) == ["x", 0, "5s"]
    assert cluster.lease({"metadata": METADATA, "spec": {"holderIdentity": "me"}}, NOW) == [
        *("x", "me", "5s")
    ]


EVENT: Object = {
    "metadata": METADATA,
    "involvedObject": {"kind": "Pod", "name": "web", "fieldPath": "spec.containers{c}"},
    "type": "Normal",
    "reason": "Pulled",
    "message": "here \n",
    "source": {"component": "kubelet", "host": "n1"},
    "firstTimestamp": rfc3339(NOW - 20),
    "lastTimestamp": rfc3339(NOW - 10),
    "count": 3,
}


def test_an_event() -> None:
    assert cluster.event(EVENT, NOW) == [
        *("10s", "Normal", "Pulled", "pod/web", "spec.containers{c}", "kubelet, n1", "here"),
        *("20s", 3, "x"),
    ]


def test_an_event_of_the_newer_form() -> None:
    obj = {
        "metadata": METADATA,
        "involvedObject": {"kind": "Node"},
        "eventTime": "1970-01-12T13:46:30.000000Z",
        "reportingComponent": "me",
        "series": {"count": 7, "lastObservedTime": "1970-01-12T13:46:38.000000Z"},
    }
    found = cluster.event(obj, NOW)
    assert found[0] == "2s"
    assert found[3] == "node"
    assert found[5] == "me"
    assert found[7:9] == ["10s", 7]

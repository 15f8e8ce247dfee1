import pytest

from netemu.model.meta import Object
from netemu.node.field_values import Place, field_value, resource_value

PLACE = Place(
    pod_ips=("10.244.0.7", "fd00:10:244::7"),
    host_ips=("172.30.0.11", "fd00:172:30::b"),
    allocatable={"cpu": "4", "memory": "8192Ki"},
)
POD: Object = {
    "metadata": {
        "name": "web-0",
        "namespace": "shop",
        "uid": "u1",
        "labels": {"app": "web", "b": "2"},
        "annotations": {"note": 'say "hi"'},
    },
    "spec": {"nodeName": "node-2", "serviceAccountName": "default"},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "web-0"),
        ("metadata.namespace", "shop"),
        ("metadata.uid", "u1"),
        ("metadata.labels['app']", "web"),
        ("metadata.labels['none']", ""),
        ("metadata.labels", 'app="web"\nb="2"'),
        ("metadata.annotations", 'note="say \\"hi\\""'),
        ("metadata.annotations['note']", 'say "hi"'),
        ("spec.nodeName", "node-2"),
        ("spec.serviceAccountName", "default"),
        ("status.podIP", "10.244.0.7"),
        ("status.podIPs", "10.244.0.7,fd00:10:244::7"),
        ("status.hostIP", "172.30.0.11"),
        ("status.hostIPs", "172.30.0.11,fd00:172:30::b"),
    ],
)
def test_a_field(path: str, value: str) -> None:
    assert field_value(POD, path, PLACE) == value


def test_a_field_that_is_not_served() -> None:
    with pytest.raises(ValueError, match="unsupported fieldPath: spec.containers"):
        field_value(POD, "spec.containers", PLACE)


@pytest.mark.parametrize(
    ("resource", "divisor", "value"),
    [
        ("limits.cpu", "1", "2"),
        ("limits.cpu", "1m", "1500"),
        ("requests.memory", "1Mi", "64"),
        ("requests.memory", "1", str(64 * 2**20)),
        ("limits.memory", "1Mi", "8"),
        ("requests.cpu", "1", "0"),
    ],
)
def test_a_resource(resource: str, divisor: str, value: str) -> None:
    container = {"resources": {"limits": {"cpu": "1500m"}, "requests": {"memory": "64Mi"}}}
    assert resource_value(container, resource, divisor, PLACE) == value


def test_a_resource_of_no_kind() -> None:
    with pytest.raises(ValueError, match="unsupported container resource : cpu"):
        resource_value({}, "cpu", "1", PLACE)

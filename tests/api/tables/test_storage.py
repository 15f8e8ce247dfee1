from netemu.api.tables import cells, columns
from netemu.model.resources import BY_KEY

NOW = 1_700_000_100.0
META = {"name": "x", "creationTimestamp": "2023-11-14T22:13:20Z"}


def row(resource: str, **parts: object) -> list[object]:
    obj = {"metadata": META, **parts}
    found = cells(BY_KEY[resource], obj, NOW)
    assert len(found) == len(columns(BY_KEY[resource]))
    return found


def test_a_volume() -> None:
    spec = {
        "capacity": {"storage": "1Mi"},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Delete",
        "storageClassName": "standard",
        "volumeMode": "Filesystem",
        "claimRef": {"namespace": "default", "name": "data-kubia-0"},
    }
    assert row("persistentvolumes", spec=spec, status={"phase": "Bound"}) == [
        "x", "1Mi", "RWO", "Delete", "Bound", "default/data-kubia-0", "standard", "<unset>", "",
        "100s", "Filesystem",
    ]  # fmt: skip


def test_a_claim_shows_what_it_got_once_it_is_bound() -> None:
    spec = {"storageClassName": "standard", "volumeMode": "Filesystem"}
    status = {"phase": "Bound", "capacity": {"storage": "1Mi"}, "accessModes": ["ReadWriteMany"]}
    assert row("persistentvolumeclaims", spec=spec, status={"phase": "Pending"}) == [
        "x", "Pending", "", "", "", "standard", "<unset>", "100s", "Filesystem",
    ]  # fmt: skip
    assert row("persistentvolumeclaims", spec={**spec, "volumeName": "v"}, status=status) == [
        "x", "Bound", "v", "1Mi", "RWX", "standard", "<unset>", "100s", "Filesystem",
    ]  # fmt: skip


def test_the_default_class() -> None:
    default = {**META, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    found = row("storageclasses.storage.k8s.io", metadata=default, provisioner="p")
    assert found == ["x (default)", "p", "Delete", "Immediate", "false", "100s"]


def test_a_daemon_set_and_its_revision() -> None:
    template = {"spec": {"nodeSelector": {"disk": "ssd"}, "containers": []}}
    spec = {"template": template, "selector": {"matchLabels": {"app": "x"}}}
    status = {"desiredNumberScheduled": 3, "numberReady": 1}
    assert row("daemonsets.apps", spec=spec, status=status) == [
        "x", 3, 0, 1, 0, 0, "disk=ssd", "100s", "", "", "app=x",
    ]  # fmt: skip
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "controller": True}
    owned = {**META, "ownerReferences": [owner]}
    found = row("controllerrevisions.apps", metadata=owned, revision=2)
    assert found == ["x", "daemonset.apps/d", 2, "100s"]


def test_a_replication_controller() -> None:
    spec = {"replicas": 2, "selector": {"app": "x"}, "template": {"spec": {"containers": []}}}
    found = row("replicationcontrollers", spec=spec, status={"replicas": 1})
    assert found == ["x", 2, 1, 0, "100s", "", "", "app=x"]

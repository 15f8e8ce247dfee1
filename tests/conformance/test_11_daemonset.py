"""sig-apps: DaemonSet, row by row of the catalogue."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from netemu.testing import Instance

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

NODES = ["node-1", "node-2", "node-3"]
PAUSE = "registry.k8s.io/pause:3.9"


@pytest.fixture
def ds(conformance_cluster: Instance) -> Iterator["Daemons"]:
    cluster = conformance_cluster
    yield Daemons(cluster)
    cluster.kubectl("delete", "ds", "--all")
    cluster.kubectl("label", "node", "--all", "color-")
    cluster.wait_for(lambda: not cluster.get("pods", "-l", "app=ds")["items"], what="the end")


def template(app: str, **spec: Any) -> Any:
    main = {"name": "app", "image": PAUSE}
    return {
        "metadata": {"labels": {"app": app}},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [main], **spec},
    }


class Daemons:
    """The DaemonSet ``ds``."""

    def __init__(self, cluster: Instance) -> None:
        self.cluster = cluster

    def create(self, pod: Any = None, **spec: Any) -> None:
        obj = {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": "ds", "labels": {"kind": "daemon"}},
            "spec": {
                "selector": {"matchLabels": {"app": "ds"}},
                "template": template("ds", **(pod or {})),
                **spec,
            },
        }
        self.cluster.apply(json.dumps(obj))

    @property
    def status(self) -> Any:
        return self.cluster.get("ds", "ds")["status"]

    def pods(self) -> list[Any]:
        found: list[Any] = self.cluster.get("pods", "-l", "app=ds")["items"]
        return found

    def places(self) -> list[str]:
        return sorted(pod["spec"].get("nodeName", "") for pod in self.pods())

    def uids(self) -> set[str]:
        return {pod["metadata"]["uid"] for pod in self.pods()}

    def images(self) -> set[str]:
        return {pod["spec"]["containers"][0]["image"][-3:] for pod in self.pods()}

    def wait_places(self, *nodes: str) -> None:
        self.cluster.wait_for(lambda: self.places() == list(nodes), what=f"pods on {nodes}")

    def rolled_out(self) -> None:
        self.cluster.kubectl("rollout", "status", "ds/ds", "--timeout=30s")

    def image(self, image: str) -> None:
        self.cluster.kubectl("set", "image", "ds/ds", f"app={image}")

    def patch_pod(self, **spec: Any) -> None:
        wanted = json.dumps({"spec": {"template": {"spec": spec}}})
        self.cluster.kubectl("patch", "ds", "ds", "--type=merge", "-p", wanted)


def test_11_1_a_simple_daemon(ds: Daemons) -> None:
    ds.create()
    ds.rolled_out()
    assert ds.places() == NODES
    row = ds.cluster.kubectl("get", "ds", "ds", "--no-headers").split()
    assert row[:7] == ["ds", "3", "3", "3", "3", "3", "<none>"]
    before = ds.uids()
    ds.cluster.kubectl("delete", "pod", ds.pods()[0]["metadata"]["name"])
    ds.wait_places(*NODES)
    assert len(ds.uids() & before) == 2


def test_11_2_a_daemon_with_a_node_selector(ds: Daemons) -> None:
    ds.create({"nodeSelector": {"color": "blue"}})
    ds.wait_places()
    ds.cluster.kubectl("label", "node", "node-2", "color=blue")
    ds.wait_places("node-2")
    ds.cluster.kubectl("label", "node", "node-2", "color=green", "--overwrite")
    ds.wait_places()
    ds.patch_pod(nodeSelector={"color": "green"})
    ds.wait_places("node-2")


def test_11_3_a_daemon_with_node_affinity(ds: Daemons) -> None:
    term = {"matchExpressions": [{"key": "color", "operator": "In", "values": ["blue"]}]}
    required = {"nodeSelectorTerms": [term]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    ds.create({"affinity": affinity})
    ds.wait_places()
    ds.cluster.kubectl("label", "node", "node-3", "color=blue")
    ds.wait_places("node-3")
    ds.cluster.kubectl("label", "node", "node-3", "color-")
    ds.wait_places()


def test_11_4_a_failed_pod_is_replaced(ds: Daemons) -> None:
    ds.create()
    ds.rolled_out()
    [first, *_] = ds.pods()
    name = first["metadata"]["name"]
    failed = '{"status":{"phase":"Failed"}}'
    ds.cluster.kubectl("patch", "pod", name, "--subresource=status", "--type=merge", "-p", failed)
    ds.cluster.wait_for(
        lambda: first["metadata"]["uid"] not in ds.uids() and ds.places() == NODES,
        what="its successor",
    )
    assert "FailedDaemonPod" in ds.cluster.kubectl("get", "events")


def test_11_5_on_delete_updates_nothing(
    ds: Daemons,
) -> None:
    ds.create(updateStrategy={"type": "OnDelete"})
    ds.wait_places(*NODES)
    before = ds.uids()
    ds.image(f"{PAUSE[:-3]}3.8")
    ds.cluster.wait_for(
        lambda: not ds.status.get("updatedNumberScheduled"), what="the count of the updated"
    )
    assert ds.uids() == before
    assert ds.images() == {"3.9"}


def test_11_6_rolling_update(
    ds: Daemons,
) -> None:
    ds.create()
    ds.rolled_out()
    ds.image(f"{PAUSE[:-3]}3.8")
    ds.rolled_out()
    assert ds.images() == {"3.8"}
    revisions = ds.cluster.get("controllerrevisions", "-l", "app=ds")["items"]
    numbers = {
        r["metadata"]["labels"]["controller-revision-hash"]: r["revision"] for r in revisions
    }
    assert {
        numbers[pod["metadata"]["labels"]["controller-revision-hash"]] for pod in ds.pods()
    } == {2}


def test_11_7_rollback_without_unnecessary_restarts(ds: Daemons) -> None:
    ds.create()
    ds.rolled_out()
    before = ds.uids()
    ds.image("nowhere.example/none:v9")
    ds.cluster.wait_for(lambda: len(ds.uids() - before) == 1, what="one pod of the bad image")
    assert "REVISION" in ds.cluster.kubectl("rollout", "history", "ds/ds")
    ds.cluster.kubectl("rollout", "undo", "ds/ds")
    ds.rolled_out()
    assert len(ds.uids() & before) == 2
    assert all(
        status["restartCount"] == 0
        for pod in ds.pods()
        for status in pod["status"]["containerStatuses"]
    )


def test_11_8_surge(ds: Daemons) -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    ds.create(updateStrategy=rolling, minReadySeconds=1)
    ds.rolled_out()
    ds.image(f"{PAUSE[:-3]}3.8")
    most = 0

    def done() -> bool:
        nonlocal most
        most = max(most, len(ds.pods()))
        assert ds.status.get("numberAvailable") == 3
        return ds.images() == {"3.8"} and len(ds.pods()) == 3

    ds.cluster.wait_for(done, what="the surge")
    assert most > 3


def test_11_9_list_and_delete_a_collection(ds: Daemons) -> None:
    ds.create()
    ds.rolled_out()
    assert len(ds.cluster.get("ds", "-l", "kind=daemon")["items"]) == 1
    ds.cluster.kubectl("delete", "ds", "-l", "kind=daemon")
    assert ds.cluster.get("ds")["items"] == []


def test_11_10_changes_of_the_status(ds: Daemons) -> None:
    ds.create()
    ds.rolled_out()
    condition = {"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Set"}
    change = json.dumps({"status": {"conditions": [condition]}})
    ds.cluster.kubectl("patch", "ds", "ds", "--subresource=status", "--type=merge", "-p", change)
    ds.cluster.kubectl("delete", "pod", ds.pods()[0]["metadata"]["name"])
    ds.rolled_out()
    assert ds.status["conditions"] == [condition]


def test_a_cordoned_node_keeps_its_daemon(ds: Daemons) -> None:
    ds.create()
    ds.rolled_out()
    ds.cluster.kubectl("cordon", "node-1")
    try:
        ds.cluster.kubectl("delete", "pod", "-l", "app=ds")
        ds.wait_places(*NODES)
    finally:
        ds.cluster.kubectl("uncordon", "node-1")

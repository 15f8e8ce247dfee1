"""sig-apps: StatefulSet and ControllerRevision, row by row of the catalogue."""

import json
import time
from typing import Any

import pytest

from netemu.testing import Instance
from tests.support.rows import Space

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

READY = "/ready"
PROBED = {"exec": {"command": ["test", "-f", "/tmp/data/ready"]}, "periodSeconds": 1}
PAUSE = "registry.k8s.io/pause:3.9"


@pytest.fixture
def ns(space: Space) -> "Set":
    return Set(space.cluster, space.name)


class Set:
    """The StatefulSet ``ss`` in a namespace of its own."""

    def __init__(self, cluster: Instance, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace

    def kubectl(self, *words: str, input: str | None = None) -> str:
        return self.cluster.kubectl("-n", self.namespace, *words, input=input)

    def get(self, *what: str) -> Any:
        return self.cluster.get("-n", self.namespace, *what)

    def create(
        self, replicas: int = 3, container: Any = None, pod: Any = None, **spec: Any
    ) -> None:
        main = {"name": "webserver", "image": PAUSE, **(container or {})}
        obj = {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "ss", "labels": {"app": "ss"}},
            "spec": {
                "serviceName": "test",
                "replicas": replicas,
                "selector": {"matchLabels": {"app": "ss"}},
                "template": {
                    "metadata": {"labels": {"app": "ss"}},
                    "spec": {
                        "terminationGracePeriodSeconds": 1,
                        "containers": [main],
                        **(pod or {}),
                    },
                },
                **spec,
            },
        }
        self.kubectl("apply", "-f", "-", input=json.dumps(obj))

    @property
    def status(self) -> Any:
        return self.get("sts", "ss")["status"]

    def pods(self) -> dict[str, Any]:
        return {p["metadata"]["name"]: p for p in self.get("pods", "-l", "app=ss")["items"]}

    def images(self) -> dict[str, str]:
        return {n: p["spec"]["containers"][0]["image"][-3:] for n, p in self.pods().items()}

    def ready(self) -> list[str]:
        return [
            name
            for name, pod in self.pods().items()
            if "deletionTimestamp" not in pod["metadata"]
            and any(
                c["type"] == "Ready" and c["status"] == "True"
                for c in pod["status"].get("conditions") or ()
            )
        ]

    def wait_ready(self, *numbers: int) -> None:
        wanted = [f"ss-{number}" for number in numbers]
        self.cluster.wait_for(lambda: self.ready() == wanted, what=f"{wanted} to be ready")
        self.cluster.wait_for(lambda: sorted(self.pods()) == wanted, what="no others")

    def wait_image(self, number: int, tag: str) -> None:
        self.cluster.wait_for(
            lambda: self.images().get(f"ss-{number}") == tag, what=f"ss-{number} of {tag}"
        )

    def patch(self, **spec: Any) -> None:
        self.kubectl("patch", "sts", "ss", "--type=merge", "-p", json.dumps({"spec": spec}))

    def image(self, tag: str) -> None:
        self.kubectl("set", "image", "sts/ss", f"webserver={PAUSE[:-3]}{tag}")

    def partition(self, number: int) -> None:
        self.patch(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": number}})

    def updated(self) -> None:
        def done() -> bool:
            status = self.status
            replicas = status["replicas"]
            return bool(
                status["currentRevision"] == status["updateRevision"]
                and status.get("readyReplicas", 0) == replicas
                and status["observedGeneration"] == self.get("sts", "ss")["metadata"]["generation"]
            )

        self.cluster.wait_for(done, what="the rollout")

    def mark(self, *numbers: int, ready: bool) -> None:
        """Let pods whose readiness is a file be ready, or not."""
        for number in numbers:
            command = "touch" if ready else "rm -f"
            self.cluster.exec("sh", "-c", f"{command} {self.file(number)}", place="node:node-1")

    def file(self, number: int) -> str:
        claim = self.get("pvc", f"data-ss-{number}")["spec"]["volumeName"]
        path = self.cluster.get("pv", claim)["spec"]["hostPath"]["path"]
        return f"{path}/ready"

    def stays(self, names: list[str], seconds: float = 1.5) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert sorted(self.pods()) == names
            time.sleep(0.1)


CLAIM = {
    "metadata": {"name": "data"},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Mi"}},
    },
}
BY_FILE: dict[str, Any] = {
    "container": {
        "readinessProbe": PROBED,
        "volumeMounts": [{"name": "data", "mountPath": "/tmp/data"}],
    },
    "volumeClaimTemplates": [CLAIM],
}


def test_10_1_rolling_updates_and_roll_backs(ns: Set) -> None:
    ns.create()
    ns.wait_ready(0, 1, 2)
    ns.updated()
    first = ns.status["currentRevision"]
    ns.image("3.8")
    ns.updated()
    second = ns.status["currentRevision"]
    assert second != first
    assert set(ns.images().values()) == {"3.8"}
    ages = {n: p["metadata"]["creationTimestamp"] for n, p in ns.pods().items()}
    assert ages["ss-2"] <= ages["ss-1"] <= ages["ss-0"]
    ns.kubectl("rollout", "undo", "sts/ss")
    ns.updated()
    assert ns.status["currentRevision"] == first
    assert set(ns.images().values()) == {"3.9"}


def test_10_12_rolling_updates_and_roll_backs_with_claims(ns: Set) -> None:
    mount = [{"name": "data", "mountPath": "/tmp/data"}]
    ns.create(2, container={"volumeMounts": mount}, volumeClaimTemplates=[CLAIM])
    ns.wait_ready(0, 1)
    before = {item["metadata"]["uid"] for item in ns.get("pvc")["items"]}
    ns.image("3.8")
    ns.updated()
    assert set(ns.images().values()) == {"3.8"}
    ns.kubectl("rollout", "undo", "sts/ss")
    ns.updated()
    assert set(ns.images().values()) == {"3.9"}
    assert {item["metadata"]["uid"] for item in ns.get("pvc")["items"]} == before


def test_10_2_canary_and_phased_rolling_updates(ns: Set) -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}
    ns.create(updateStrategy=rolling)
    ns.wait_ready(0, 1, 2)
    ns.updated()
    ns.image("3.8")
    ns.cluster.wait_for(
        lambda: ns.status["currentRevision"] != ns.status["updateRevision"], what="a new revision"
    )
    assert set(ns.images().values()) == {"3.9"}
    ns.partition(2)
    ns.cluster.wait_for(lambda: ns.images().get("ss-2") == "3.8", what="the canary")
    ns.wait_ready(0, 1, 2)
    ns.kubectl("delete", "pod", "ss-0", "ss-2")
    ns.wait_ready(0, 1, 2)
    assert ns.images() == {"ss-0": "3.9", "ss-1": "3.9", "ss-2": "3.8"}
    for number in (1, 0):
        ns.partition(number)
        ns.wait_image(number, "3.8")
        ns.wait_ready(0, 1, 2)
    ns.updated()


def test_10_3_scaling_in_order_halts_while_a_pod_is_unhealthy(
    ns: Set,
) -> None:
    ns.create(1, **BY_FILE)
    ns.cluster.wait_for(lambda: "ss-0" in ns.pods(), what="the first pod")
    ns.kubectl("scale", "sts/ss", "--replicas=3")
    ns.stays(["ss-0"])
    for number in (0, 1, 2):
        ns.wait_image(number, "3.9")
        ns.mark(number, ready=True)
    ns.wait_ready(0, 1, 2)
    ns.mark(0, 1, 2, ready=False)
    ns.cluster.wait_for(lambda: ns.ready() == [], what="nobody to be ready")
    ns.kubectl("scale", "sts/ss", "--replicas=0")
    ns.stays(["ss-0", "ss-1", "ss-2"])
    ns.mark(0, 1, 2, ready=True)
    ns.cluster.wait_for(lambda: ns.pods() == {}, what="the end of all")


def test_10_4_burst_scaling_goes_on_with_unhealthy_pods(ns: Set) -> None:
    ns.create(1, podManagementPolicy="Parallel", **BY_FILE)
    ns.cluster.wait_for(lambda: "ss-0" in ns.pods(), what="the first pod")
    ns.kubectl("scale", "sts/ss", "--replicas=3")
    ns.cluster.wait_for(lambda: len(ns.pods()) == 3, what="three pods")
    assert ns.ready() == []
    ns.kubectl("scale", "sts/ss", "--replicas=0")
    ns.cluster.wait_for(lambda: ns.pods() == {}, what="the end of all")


def test_10_5_a_pod_that_was_evicted_is_made_again(ns: Set) -> None:
    port = [{"containerPort": 21017, "hostPort": 21017, "name": "conflict"}]
    blocker = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "blocker"},
        "spec": {
            "nodeName": "node-1",
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "c", "image": PAUSE, "ports": port}],
        },
    }
    ns.kubectl("apply", "-f", "-", input=json.dumps(blocker))
    ns.kubectl("wait", "--for=condition=Ready", "pod/blocker", "--timeout=20s")
    ns.create(1, container={"ports": port}, pod={"nodeName": "node-1"})
    seen: set[str] = set()

    def failed_more_than_once() -> bool:
        pod = ns.pods().get("ss-0")
        if pod is not None:
            seen.add(pod["metadata"]["uid"])
        return len(seen) > 1

    ns.cluster.wait_for(failed_more_than_once, what="another ss-0")
    assert "RecreatingFailedPod" in ns.kubectl("get", "events")
    ns.kubectl("delete", "pod", "blocker")
    ns.wait_ready(0)


def test_10_6_a_working_scale_subresource(ns: Set) -> None:
    ns.create(1)
    ns.wait_ready(0)
    scale = f"/apis/apps/v1/namespaces/{ns.namespace}/statefulsets/ss/scale"
    found = json.loads(ns.kubectl("get", "--raw", scale))
    assert (found["spec"], found["status"]) == (
        {"replicas": 1},
        {"replicas": 1, "selector": "app=ss"},
    )
    ns.kubectl("patch", "sts", "ss", "--subresource=scale", "--type=merge", "-p",
               '{"spec":{"replicas":2}}')  # fmt: skip
    assert ns.get("sts", "ss")["spec"]["replicas"] == 2
    ns.wait_ready(0, 1)


def test_10_7_list_patch_and_delete_a_collection(ns: Set) -> None:
    ns.create(1)
    assert len(ns.cluster.get("sts", "-A", "-l", "app=ss")["items"]) >= 1
    ns.kubectl("label", "sts", "ss", "patched=yes")
    ns.patch(replicas=2)
    ns.wait_ready(0, 1)
    ns.kubectl("delete", "sts", "-l", "patched=yes")
    assert ns.get("sts")["items"] == []
    ns.cluster.wait_for(lambda: ns.pods() == {}, what="their pods' end")


def test_10_8_status_endpoints(ns: Set) -> None:
    ns.create(1)
    ns.wait_ready(0)
    condition = {"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Set"}
    ns.kubectl("patch", "sts", "ss", "--subresource=status", "--type=merge", "-p",
               json.dumps({"status": {"conditions": [condition]}}))  # fmt: skip
    ns.kubectl("scale", "sts/ss", "--replicas=2")
    ns.wait_ready(0, 1)
    assert ns.status["conditions"] == [condition]


def test_10_9_orphans_are_adopted_and_strangers_released(ns: Set) -> None:
    ns.create(1)
    ns.wait_ready(0)
    uid = ns.pods()["ss-0"]["metadata"]["uid"]
    ns.kubectl("patch", "pod", "ss-0", "--type=merge", "-p", '{"metadata":{"ownerReferences":[]}}')
    ns.cluster.wait_for(
        lambda: ns.pods()["ss-0"]["metadata"].get("ownerReferences"), what="its adoption"
    )
    assert ns.pods()["ss-0"]["metadata"]["uid"] == uid
    ns.kubectl("label", "pod", "ss-0", "app=else", "--overwrite")
    ns.cluster.wait_for(
        lambda: "ownerReferences" not in ns.get("pod", "ss-0")["metadata"], what="its release"
    )
    ns.kubectl("label", "pod", "ss-0", "app=ss", "--overwrite")
    ns.cluster.wait_for(
        lambda: ns.pods()["ss-0"]["metadata"].get("ownerReferences"), what="its return"
    )


def test_10_10_basic_identity(ns: Set) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "test"},
        "spec": {"clusterIP": "None", "selector": {"app": "ss"}, "ports": [{"port": 80}]},
    }
    ns.kubectl("apply", "-f", "-", input=json.dumps(service))
    mount = [{"name": "data", "mountPath": "/tmp/data"}]
    container = {
        "image": "busybox",
        "command": ["sh", "-c", "hostname >> /tmp/data/names; exec sleep 100"],
        "volumeMounts": mount,
    }
    ns.create(2, container=container, volumeClaimTemplates=[CLAIM])
    ns.wait_ready(0, 1)
    for name, pod in ns.pods().items():
        place = f"pod:{ns.namespace}/{name}"
        full = f"{name}.test.{ns.namespace}.svc.cluster.local"
        assert ns.cluster.exec("hostname", place=place).stdout.strip() == name
        found = ns.cluster.exec("getent", "hosts", full, place="pod:" + place[4:]).stdout
        assert pod["status"]["podIP"] in found
    ns.kubectl("delete", "pod", "ss-0", "ss-1")
    ns.wait_ready(0, 1)
    for number in (0, 1):
        names = ns.cluster.exec("cat", ns.file(number).replace("ready", "names")).stdout
        assert names == f"ss-{number}\nss-{number}\n"


def test_10_11_no_deadlock_when_a_predecessor_fails(ns: Set) -> None:
    ns.create(2, **BY_FILE)
    ns.cluster.wait_for(lambda: "ss-0" in ns.pods(), what="the first pod")
    ns.mark(0, ready=True)
    ns.cluster.wait_for(lambda: "ss-1" in ns.pods(), what="the second pod")
    ns.kubectl("delete", "pod", "ss-0")
    ns.mark(1, ready=True)
    ns.wait_ready(0, 1)


def test_10_13_on_delete_waits_for_deletions(
    ns: Set,
) -> None:
    ns.create(updateStrategy={"type": "OnDelete"})
    ns.wait_ready(0, 1, 2)
    ns.kubectl("delete", "pod", "--all")
    ns.wait_ready(0, 1, 2)
    assert set(ns.images().values()) == {"3.9"}
    ns.image("3.8")
    ns.kubectl("delete", "pod", "ss-1")
    ns.wait_ready(0, 1, 2)
    assert ns.images() == {"ss-0": "3.9", "ss-1": "3.8", "ss-2": "3.9"}


def claims(ns: Set) -> list[str]:
    return [item["metadata"]["name"] for item in ns.get("pvc")["items"]]


def test_10_15_claims_go_with_their_set_when_deleted(ns: Set) -> None:
    policy = {"whenDeleted": "Delete"}
    ns.create(2, volumeClaimTemplates=[CLAIM], persistentVolumeClaimRetentionPolicy=policy)
    ns.wait_ready(0, 1)
    ns.kubectl("scale", "sts/ss", "--replicas=1")
    ns.wait_ready(0)
    assert claims(ns) == ["data-ss-0", "data-ss-1"]
    ns.kubectl("delete", "sts", "ss")
    ns.cluster.wait_for(lambda: claims(ns) == [], what="the end of the claims")


def test_10_15_claims_go_when_scaled_down(ns: Set) -> None:
    policy = {"whenScaled": "Delete"}
    ns.create(2, volumeClaimTemplates=[CLAIM], persistentVolumeClaimRetentionPolicy=policy)
    ns.wait_ready(0, 1)
    ns.kubectl("scale", "sts/ss", "--replicas=1")
    ns.cluster.wait_for(lambda: claims(ns) == ["data-ss-0"], what="the end of one claim")
    ns.kubectl("delete", "sts", "ss")
    ns.cluster.wait_for(lambda: ns.pods() == {}, what="the end of the pods")
    assert claims(ns) == ["data-ss-0"]


def test_10_16_min_ready_seconds(ns: Set) -> None:
    ns.create(2, minReadySeconds=2, podManagementPolicy="Parallel")
    ns.wait_ready(0, 1)
    assert ns.status["availableReplicas"] < 2
    ns.cluster.wait_for(lambda: ns.status["availableReplicas"] == 2, what="both available")


def test_10_17_start_ordinal_set_raised_lowered_and_removed(ns: Set) -> None:
    ns.create(2, ordinals={"start": 2})
    ns.wait_ready(2, 3)
    ns.patch(ordinals={"start": 3})
    ns.wait_ready(3, 4)
    ns.patch(ordinals={"start": 2})
    ns.wait_ready(2, 3)
    ns.patch(ordinals=None)
    ns.wait_ready(0, 1)


def test_10_19_the_life_of_a_controllerrevision(ns: Set) -> None:
    obj = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "ds"},
        "spec": {
            "selector": {"matchLabels": {"app": "ds"}},
            "template": {
                "metadata": {"labels": {"app": "ds"}},
                "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "containers": [{"name": "c", "image": PAUSE}],
                },
            },
        },
    }

    def revisions() -> list[Any]:
        found: list[Any] = ns.get("controllerrevisions", "-l", "app=ds")["items"]
        return sorted(found, key=lambda item: item["revision"])

    ns.kubectl("apply", "-f", "-", input=json.dumps(obj))
    ns.kubectl("rollout", "status", "ds/ds", "--timeout=20s")
    [first] = revisions()
    assert first["revision"] == 1
    ns.kubectl("label", "controllerrevision", first["metadata"]["name"], "patched=yes")
    copy = {**first, "revision": 2}
    copy["metadata"] = {
        "name": "ds-second",
        "labels": {**first["metadata"]["labels"], "mine": "yes"},
        "ownerReferences": first["metadata"]["ownerReferences"],
    }
    copy["data"] = {"spec": {"template": {"$patch": "replace"}}}
    ns.kubectl("create", "-f", "-", input=json.dumps(copy))
    ns.kubectl("delete", "controllerrevision", "-l", "mine=yes")
    assert "ds-second" not in [item["metadata"]["name"] for item in revisions()]
    ns.kubectl("set", "env", "ds/ds", "A=1")
    ns.cluster.wait_for(lambda: len(revisions()) == 2, what="another revision")
    ns.kubectl("rollout", "status", "ds/ds", "--timeout=20s")
    ns.kubectl("delete", "controllerrevision", first["metadata"]["name"])
    assert len(revisions()) == 1

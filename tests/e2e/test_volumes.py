"""Volumes as containers see them, with real pods and kubectl."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from netemu.testing import Instance, instance
from tests.support.reach import NAMESPACED

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PODS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data: {greeting: hello, other: there}
---
apiVersion: v1
kind: Secret
metadata: {name: pass}
stringData: {word: sesame}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: errands}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: all, labels: {tier: test}}
spec:
  terminationGracePeriodSeconds: 1
  volumes:
  - {name: errands, persistentVolumeClaim: {claimName: errands}}
  - {name: conf, configMap: {name: conf}}
  - {name: pass, secret: {secretName: pass, defaultMode: 0400, items: [{key: word, path: a/b}]}}
  - {name: shared, emptyDir: {}}
  - {name: quick, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
  - name: me
    downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}
  - name: mixed
    projected:
      sources:
      - configMap: {name: conf, items: [{key: other, path: from-map}]}
      - secret: {name: pass, items: [{key: word, path: from-secret}]}
  initContainers:
  - name: first
    image: busybox
    command: [sh, -c, "echo made > /work/file; echo fast > /quick/file"]
    volumeMounts: [{name: shared, mountPath: /work}, {name: quick, mountPath: /quick}]
  containers:
  - name: one
    image: busybox
    env: [{name: ME, value: one}]
    command: [sh, -c]
    args:
    - &errands |
      while sleep 0.05; do
        for script in /errands/$ME-*.sh; do
          [ -e "$script" ] || continue
          sh "$script" > "${script%.sh}.out" 2>&1
          rm "$script"
          mv "${script%.sh}.out" "${script%.sh}.done"
        done
      done
    volumeMounts:
    - {name: errands, mountPath: /errands}
    - {name: conf, mountPath: /etc/web/conf}
    - {name: conf, mountPath: /opt/single, subPath: greeting}
    - {name: pass, mountPath: /run/pass}
    - {name: shared, mountPath: /nowhere/before}
    - {name: quick, mountPath: /quick}
    - {name: me, mountPath: /me}
    - {name: mixed, mountPath: /mixed}
  - name: two
    image: busybox
    command: [sh, -c]
    args: [*errands]
    volumeMounts:
    - {name: errands, mountPath: /errands}
    - {name: shared, mountPath: /data, readOnly: true}
    - {name: quick, mountPath: /quick}
    - {name: shared, mountPath: /sub, subPathExpr: $(NAME)}
    env:
    - {name: ME, value: two}
    - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
"""


@pytest.fixture(scope="module", params=NAMESPACED)
def cluster(request: pytest.FixtureRequest) -> Iterator[Instance]:
    with instance(f"volumes-{request.param}", options=["--net", request.param]) as made:
        made.apply(PODS)
        made.kubectl("wait", "--for=condition=Ready", "pod/all", "--timeout=30s")
        yield made


def see(cluster: Instance, container: str, script: str) -> str:
    """What a script prints in a container: it does what it finds on its volume for errands."""
    name = f"{container}-{uuid.uuid4().hex}"
    folder = Path(cluster.get("pvc", "errands")["spec"]["volumeName"])
    folder = Path(cluster.get("pv", str(folder))["spec"]["hostPath"]["path"])
    (folder / f"{name}.new").write_text(script)
    (folder / f"{name}.new").rename(folder / f"{name}.sh")
    done = folder / f"{name}.done"
    cluster.wait_for(done.exists, what=f"{script} in {container}")
    return done.read_text()


CASES = {
    "a ConfigMap": ("one", "cat /etc/web/conf/greeting", "hello"),
    "a single key": ("one", "cat /opt/single", "hello"),
    "a Secret below a path": ("one", "cat /run/pass/a/b", "sesame"),
    "with its mode": ("one", "stat -Lc %a /run/pass/a/b", "400\n"),
    "what an init container left": ("one", "cat /nowhere/before/file", "made\n"),
    "shared with the other": ("two", "cat /data/file", "made\n"),
    "in memory": ("two", "cat /quick/file; stat -fc %T /quick", "fast\ntmpfs\n"),
    "the downward API": ("one", "cat /me/labels", 'tier="test"'),
    "projected": ("one", "cat /mixed/from-map /mixed/from-secret", "theresesame"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_container_sees(cluster: Instance, case: str) -> None:
    container, script, expected = CASES[case]
    assert see(cluster, container, script) == expected


@pytest.mark.parametrize(
    ("container", "path"), [("two", "/data/x"), ("one", "/etc/web/conf/x")], ids=["by wish", "conf"]
)
def test_a_read_only_mount_refuses_writes(cluster: Instance, container: str, path: str) -> None:
    assert "Read-only file system" in see(cluster, container, f"echo x > {path}")


def test_a_changed_config_map_reaches_the_running_pod(cluster: Instance) -> None:
    change = '{"data":{"greeting":"changed","more":"x"}}'
    cluster.kubectl("patch", "cm", "conf", "-p", change)
    cluster.wait_for(
        lambda: see(cluster, "one", "cat /etc/web/conf/greeting /etc/web/conf/more") == "changedx",
        what="the new value",
    )
    assert see(cluster, "one", "cat /opt/single") == "hello"


def test_the_path_of_a_sub_path_expression(cluster: Instance) -> None:
    see(cluster, "two", "echo x > /sub/file")
    assert see(cluster, "one", "cat /nowhere/before/all/file") == "x\n"


def test_nothing_is_left_on_the_machine(cluster: Instance) -> None:
    for path in ("/nowhere", "/quick", "/me", "/mixed", "/opt/single", "/etc/web", "/run/pass"):
        assert not Path(path).exists()


def test_termination_messages(cluster: Instance) -> None:
    cluster.apply("""
apiVersion: v1
kind: Pod
metadata: {name: words}
spec:
  restartPolicy: Never
  containers:
  - name: default
    image: busybox
    command: [sh, -c, "printf DONE > /dev/termination-log"]
  - name: custom
    image: busybox
    command: [sh, -c, "printf OTHER > /var/words/last; exit 1"]
    terminationMessagePath: /var/words/last
  - name: log
    image: busybox
    command: [sh, -c, "echo from the log; exit 1"]
    terminationMessagePolicy: FallbackToLogsOnError
""")
    cluster.wait_for(
        lambda: cluster.get("pod", "words")["status"]["phase"] == "Failed", what="their end"
    )
    statuses = cluster.get("pod", "words")["status"]["containerStatuses"]
    told = {s["name"]: s["state"]["terminated"].get("message") for s in statuses}
    assert told == {"default": "DONE", "custom": "OTHER", "log": "from the log\n"}


def test_a_missing_config_map_is_told_and_waited_for(cluster: Instance) -> None:
    cluster.apply("""
apiVersion: v1
kind: Pod
metadata: {name: waits}
spec:
  terminationGracePeriodSeconds: 1
  volumes: [{name: v, configMap: {name: late}}]
  containers:
  - {name: c, image: "registry.k8s.io/pause:3.9", volumeMounts: [{name: v, mountPath: /v}]}
""")
    words = 'MountVolume.SetUp failed for volume "v" : configmap "late" not found'
    cluster.wait_for(lambda: words in cluster.kubectl("describe", "pod", "waits"), what="the event")
    row = cluster.kubectl("get", "pod", "waits", "--no-headers").split()
    assert row[2] == "ContainerCreating"
    cluster.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: late}\n")
    cluster.kubectl("wait", "--for=condition=Ready", "pod/waits", "--timeout=10s")

"""Two versions at once: canaries, weights, blue and green, a rollout that is paused."""

import json
import subprocess
from collections import Counter

import pytest

from netemu.testing import Instance, instance
from tests.e2e.test_rollout import asking, versions

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

VERSION = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: echo-{version}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: echo, version: {version}}}}}
  template:
    metadata: {{labels: {{app: echo, version: {version}}}}}
    spec:
      containers:
      - name: echo
        image: ghcr.io/subicura/echo:{version}
        readinessProbe: {{httpGet: {{path: /, port: 3000}}, periodSeconds: 1}}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: echo}
spec:
  selector: {app: echo}
  ports: [{port: 80, targetPort: 3000}]
"""
REQUESTS = 100
ASK = ("curl", "-s", "-m", "30", "-H", "Connection: close", f"http://echo/?[1-{REQUESTS}]")
"""Each request by a connection of its own."""


def both(cluster: Instance, v1: int = 3, v2: int = 1) -> None:
    for version, replicas in (("v1", v1), ("v2", v2)):
        cluster.apply(VERSION.format(version=version, replicas=replicas))
    cluster.apply(SERVICE)
    for version in ("v1", "v2"):
        cluster.kubectl("rollout", "status", f"deployment/echo-{version}", "--timeout=60s")
    cluster.wait_for(lambda: len(serving(cluster)) == v1 + v2, what="all endpoints")


def serving(cluster: Instance) -> list[str]:
    slices = cluster.get("endpointslices", "-l", "kubernetes.io/service-name=echo")["items"]
    return [
        address
        for part in slices
        for endpoint in part.get("endpoints") or ()
        if endpoint["conditions"]["ready"]
        for address in endpoint["addresses"]
    ]


def asked(cluster: Instance) -> Counter[str]:
    return Counter(versions(cluster.exec(*ASK).stdout.splitlines()))


def weigh(cluster: Instance, text: str) -> None:
    cluster.kubectl("annotate", "service", "echo", "--overwrite", f"netemu.dev/weights={text}")


def shares(cluster: Instance) -> dict[str, dict[str, object]]:
    rows = json.loads(cluster.netemu("weights", "echo", "-o", "json").stdout)
    return {row["selector"]: row for row in rows}


def test_two_deployments_under_one_selector_are_a_canary(netemu_instance: Instance) -> None:
    both(netemu_instance)
    seen = asked(netemu_instance)
    assert set(seen) == {"v1", "v2"}
    # By chance one of four: fewer than 8 or more than 45 of 100 happen once in 100,000 runs.
    assert 8 <= seen["v2"] <= 45


def test_weights_come_out_exactly_in_every_mode(netemu_instance: Instance) -> None:
    cluster = netemu_instance
    both(cluster)
    for mode in ("userspace", "auto"):
        changed = cluster.netemu("proxy", "mode", mode, check=False)
        if changed.returncode:
            assert "the kernel cannot carry the traffic here" in changed.stderr
            continue
        weigh(cluster, "version=v1:90,version=v2:10")
        assert asked(cluster) == {"v1": 90, "v2": 10}
        told = shares(cluster)
        assert [row["achieved"] for row in told.values()] == [0.9, 0.1]
        weigh(cluster, "version=v1:1,version=v2:1")
        assert asked(cluster) == {"v1": 50, "v2": 50}
        weigh(cluster, "version=v2:1")
        assert asked(cluster) == {"v2": 100}
        assert shares(cluster)["version=v2"]["endpoints"] == 1
        cluster.kubectl("annotate", "service", "echo", "netemu.dev/weights-")
        assert set(asked(cluster)) == {"v1", "v2"}
    assert cluster.netemu("weights", "echo", check=False).returncode == 1


def test_weights_follow_the_labels_of_pods(netemu_instance: Instance) -> None:
    cluster = netemu_instance
    both(cluster, 2, 1)
    weigh(cluster, "track=canary:20,app=echo:80")
    assert set(asked(cluster)) == {"v1", "v2"}
    cluster.kubectl("label", "pods", "-l", "version=v2", "track=canary")
    assert asked(cluster) == {"v1": 80, "v2": 20}
    cluster.kubectl("scale", "deployment", "echo-v2", "--replicas=0")
    cluster.wait_for(lambda: len(serving(cluster)) == 2, what="the canary's end")
    assert asked(cluster) == {"v1": 100}


def test_weights_that_cannot_be_read_are_refused(netemu_instance: Instance) -> None:
    cluster = netemu_instance
    cluster.apply(SERVICE)
    done = cluster.run(
        "kubectl", "annotate", "service", "echo", "netemu.dev/weights=v1:90", check=False
    )
    assert done.returncode == 1
    assert "metadata.annotations[netemu.dev/weights]: Invalid value" in done.stderr
    assert "must be LABEL=VALUE:WEIGHT, as in version=v1:90" in done.stderr


def test_a_switch_from_blue_to_green_loses_no_request(netemu_instance: Instance) -> None:
    cluster = netemu_instance
    both(cluster, 2, 2)
    select(cluster, "v1")
    assert set(asked(cluster)) == {"v1"}
    with asking(cluster) as answers:
        for version in ("v2", "v1", "v2"):
            select(cluster, version)
            cluster.wait_for(
                lambda: asked_once(cluster) == version,  # noqa: B023  # called at once
                what=f"{version} to answer",
            )
    assert [each for each in answers if "failed" in each] == []
    assert set(versions(answers)) == {"v1", "v2"}
    assert asked(cluster) == {"v2": REQUESTS}


def select(cluster: Instance, version: str) -> None:
    patch = {"spec": {"selector": {"app": "echo", "version": version}}}
    cluster.kubectl("patch", "service", "echo", "-p", json.dumps(patch))


def asked_once(cluster: Instance) -> str:
    return versions(cluster.exec("curl", "-s", "http://echo").stdout.splitlines())[0]


def test_a_paused_rollout_serves_both_versions_until_it_is_resumed() -> None:
    with instance("paused") as cluster:
        cluster.apply(VERSION.format(version="v1", replicas=4))
        cluster.apply(SERVICE)
        slowly = '{"spec":{"minReadySeconds":2}}'  # or it may be over before it can be paused
        cluster.kubectl("patch", "deployment", "echo-v1", "-p", slowly)
        cluster.kubectl("rollout", "status", "deployment/echo-v1", "--timeout=60s")
        with asking(cluster) as answers:
            cluster.kubectl("set", "image", "deployment/echo-v1", "echo=ghcr.io/subicura/echo:v2")
            cluster.kubectl("rollout", "pause", "deployment/echo-v1")
            status = cluster.wait_for(lambda: halfway(cluster), what="a rollout that stands still")
            assert status["replicas"] == status["readyReplicas"]
            assert set(asked(cluster)) == {"v1", "v2"}
            assert halfway(cluster)["updatedReplicas"] == status["updatedReplicas"]
            cluster.kubectl("rollout", "resume", "deployment/echo-v1")
            cluster.kubectl("rollout", "status", "deployment/echo-v1", "--timeout=60s")
            assert asked(cluster) == {"v2": REQUESTS}
    assert set(versions(answers)) == {"v1", "v2"}


def halfway(cluster: Instance) -> dict[str, int]:
    """The status of a Deployment between two versions, once all its pods are ready."""
    status: dict[str, int] = cluster.get("deployment", "echo-v1")["status"]
    updated = status.get("updatedReplicas", 0)
    settled = status["replicas"] == status.get("readyReplicas")
    return status if settled and 0 < updated < status["replicas"] else {}


def test_what_is_no_service_has_no_weights(netemu_instance: Instance) -> None:
    done = netemu_instance.netemu("weights", "nothing", check=False)
    assert done.returncode == 1
    assert 'no Service "nothing" has the annotation netemu.dev/weights' in done.stderr
    assert netemu_instance.netemu("weights").stderr.startswith("no Service has")


def test_where_nothing_runs_the_exit_code_says_so(tmp_path: object) -> None:
    words = ["weights", "--state-dir", str(tmp_path)]
    command = Instance("none", tmp_path).command  # type: ignore[arg-type]
    assert subprocess.run([*command, *words], capture_output=True, check=False).returncode == 3

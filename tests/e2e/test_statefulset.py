"""StatefulSets with real pods and kubectl: identity, order, peers, storage, rollouts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from netemu.testing import Instance, instance
from tests.e2e.test_seeds import SEEDS
from tests.support.reach import EVERY_NET

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

KUBIA = (SEEDS / "kubia-statefulset.yaml").read_text()


@pytest.fixture(scope="module", params=EVERY_NET)
def kubia(request: pytest.FixtureRequest) -> Iterator[Instance]:
    with instance(f"sts-{request.param}", options=["--net", request.param]) as made:
        made.apply(KUBIA)
        made.kubectl("rollout", "status", "sts/kubia", "--timeout=30s")
        yield made


def ask(cluster: Instance, pod: str, path: str = "/", *options: str) -> str:
    address = cluster.get("pod", pod)["status"]["podIP"]
    url = f"http://{address}:8080{path}"
    return cluster.exec("curl", "-sf", "--max-time", "5", *options, url).stdout


def scale(cluster: Instance, replicas: int) -> None:
    cluster.kubectl("scale", "sts/kubia", f"--replicas={replicas}")
    wanted = [f"kubia-{number}" for number in range(replicas)]
    cluster.wait_for(lambda: ready(cluster) == wanted, what=f"{replicas} ready pods")


def ready(cluster: Instance) -> list[str]:
    return [
        pod["metadata"]["name"]
        for pod in cluster.get("pods", "-l", "app=kubia")["items"]
        if any(
            c["type"] == "Ready" and c["status"] == "True"
            for c in pod["status"].get("conditions") or ()
        )
        or pod["metadata"].get("deletionTimestamp")
    ]


def test_pods_start_in_order_and_claims_are_bound(kubia: Instance) -> None:
    pods = {pod["metadata"]["name"]: pod for pod in kubia.get("pods", "-l", "app=kubia")["items"]}
    assert sorted(pods) == ["kubia-0", "kubia-1"]
    conditions = {c["type"]: c for c in pods["kubia-0"]["status"]["conditions"]}
    since = conditions["Ready"]["lastTransitionTime"]
    assert since <= pods["kubia-1"]["metadata"]["creationTimestamp"]
    claims = {c["metadata"]["name"]: c["status"] for c in kubia.get("pvc")["items"]}
    assert {name: status["phase"] for name, status in claims.items()} == {
        "data-kubia-0": "Bound",
        "data-kubia-1": "Bound",
    }
    assert "standard (default)" in kubia.kubectl("get", "storageclass")


def test_the_governing_service_lists_its_peers_with_their_addresses(kubia: Instance) -> None:
    zone = "kubia.default.svc.cluster.local"
    host, _, port = kubia.facts["dns"].rpartition(":")
    answer = kubia.run("dig", f"@{host}", "-p", port, "+tcp", "SRV", zone).stdout
    pods = kubia.get("pods", "-l", "app=kubia")["items"]
    addresses = {p["metadata"]["name"]: p["status"]["podIP"] for p in pods}
    assert sorted(addresses) == ["kubia-0", "kubia-1"]
    lines = [line.split() for line in answer.splitlines() if not line.startswith(";")]
    peers = {line[7].rstrip(".") for line in lines if line[3:4] == ["SRV"]}
    assert peers == {f"{name}.{zone}" for name in addresses}
    found = {line[0].rstrip("."): line[4] for line in lines if line[3:4] == ["A"]}
    assert found == {f"{name}.{zone}": address for name, address in addresses.items()}


def test_claims_are_shown_as_bound(kubia: Instance) -> None:
    rows = [line.split() for line in kubia.kubectl("get", "pvc", "--no-headers").splitlines()]
    shown = {row[0]: row[1] for row in rows}
    assert shown == {"data-kubia-0": "Bound", "data-kubia-1": "Bound"}


def test_peers_find_each_other_and_data_comes_back_to_the_same_number(kubia: Instance) -> None:
    for number in (0, 1):
        ask(kubia, f"kubia-{number}", "/", "-d", f"data of {number}")
    told = ask(kubia, "kubia-1")
    zone = "kubia.default.svc.cluster.local"
    assert f"- kubia-0.{zone}: data of 0\n- kubia-1.{zone}: data of 1\n" in told
    scale(kubia, 0)
    assert len(kubia.get("pvc")["items"]) == 2
    scale(kubia, 2)
    assert ask(kubia, "kubia-0", "/data") == "data of 0"
    assert ask(kubia, "kubia-1", "/data") == "data of 1"


def test_a_pod_keeps_its_name_and_data_when_it_is_deleted(kubia: Instance) -> None:
    ask(kubia, "kubia-0", "/", "-d", "kept")
    before = kubia.get("pod", "kubia-0")["metadata"]["uid"]
    kubia.kubectl("delete", "pod", "kubia-0", "--force", "--grace-period=0")

    def came_back() -> bool:
        pod = kubia.get("pod", "kubia-0")
        return pod["metadata"]["uid"] != before and "kubia-0" in ready(kubia)

    kubia.wait_for(came_back, what="another kubia-0")
    kubia.wait_for(lambda: ask(kubia, "kubia-0", "/data") == "kept", what="its data")


def test_a_rollout_is_undone_and_its_history_shown(kubia: Instance) -> None:
    scale(kubia, 2)
    kubia.kubectl("set", "env", "sts/kubia", "VERSION=2")
    kubia.kubectl("rollout", "status", "sts/kubia", "--timeout=30s")
    second = kubia.get("sts", "kubia")["status"]["currentRevision"]
    assert "REVISION" in kubia.kubectl("rollout", "history", "sts/kubia")
    assert "VERSION" in kubia.kubectl("rollout", "history", "sts/kubia", "--revision=2")
    kubia.kubectl("rollout", "undo", "sts/kubia")
    kubia.kubectl("rollout", "status", "sts/kubia", "--timeout=30s")
    status = kubia.get("sts", "kubia")["status"]
    assert status["currentRevision"] == status["updateRevision"] != second
    revisions = kubia.get("controllerrevisions", "-l", "app=kubia")["items"]
    assert sorted(item["revision"] for item in revisions) == [2, 3]


def test_deleting_claims_takes_their_folders(kubia: Instance) -> None:
    folder = Path(kubia.state_dir, kubia.name, "volumes")
    assert len(list(folder.iterdir())) == 2
    kubia.kubectl("delete", "sts", "kubia")
    kubia.wait_for(lambda: not kubia.get("pods")["items"], what="the end of all pods")
    kubia.kubectl("delete", "pvc", "--all")
    kubia.wait_for(lambda: not kubia.get("pv")["items"], what="the end of the volumes")
    assert list(folder.iterdir()) == []

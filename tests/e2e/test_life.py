"""Up, down, killed, up again; several at once; nothing left behind."""

import json
import os
import signal
import subprocess

import pytest

from netemu.testing import Instance, instance
from tests.e2e.test_counter import EXAMPLES, curl
from tests.support.leftovers import Belongings, belongings, left_of, listening
from tests.support.reach import EVERY_NET

pytestmark = pytest.mark.e2e


def start_counter(cluster: Instance) -> None:
    cluster.kubectl("apply", "-f", str(EXAMPLES / "counter.yaml"))
    cluster.kubectl("apply", "-f", str(EXAMPLES / "counter-nodeport.yaml"))
    answering(cluster)


def answering(cluster: Instance) -> None:
    cluster.wait_for(lambda: curl("http://127.0.0.1:31000/"), what="an answer")


def gone(cluster: Instance, had: Belongings) -> None:
    cluster.wait_for(lambda: not left_of(had), what=f"the end of {left_of(had)}", seconds=10)
    assert listening(cluster.facts["block"]) == []


@pytest.mark.parametrize("mode", EVERY_NET)
def test_a_killed_daemon_leaves_nothing_and_comes_back_with_its_objects(mode: str) -> None:
    with instance("killed", options=["--net", mode]) as cluster:
        start_counter(cluster)
        pods = {pod["metadata"]["uid"] for pod in cluster.get("pods")["items"]}
        had = belongings(cluster)
        assert len(had.processes) >= 4
        cluster.kill()
        gone(cluster, had)
        cluster.up()
        again = cluster.get("pods")["items"]
        assert {pod["metadata"]["uid"] for pod in again} == pods
        answering(cluster)
        [status] = cluster.get("pods")["items"][0]["status"]["containerStatuses"]
        assert status["restartCount"] == 1


@pytest.mark.parametrize("mode", EVERY_NET)
def test_down_leaves_nothing_and_keeps_the_objects(mode: str) -> None:
    with instance("stopped", options=["--net", mode]) as cluster:
        start_counter(cluster)
        addresses = cluster_ips(cluster)
        had = belongings(cluster)
        cluster.down()
        gone(cluster, had)
        cluster.up()
        assert cluster_ips(cluster) == addresses
        answering(cluster)


def cluster_ips(cluster: Instance) -> dict[str, str]:
    services = cluster.get("services")["items"]
    return {each["metadata"]["name"]: each["spec"]["clusterIP"] for each in services}


def test_purge_forgets_the_objects() -> None:
    with instance("purged") as cluster:
        cluster.kubectl(
            "create", "-f", "-", input="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}"
        )
        cluster.down("--purge")
        assert not (cluster.state_dir / cluster.name).exists()
        cluster.up()
        names = [item["metadata"]["name"] for item in cluster.get("configmaps")["items"]]
        assert names == ["kube-root-ca.crt"]


def test_three_instances_do_not_know_of_one_another() -> None:
    with instance("one") as one, instance("two") as two, instance("three") as three:
        every = (one, two, three)
        assert len({cluster.facts["api"] for cluster in every}) == 3
        assert len({cluster.facts["dns"] for cluster in every}) == 3
        for cluster in every:
            start_counter_of_its_own(cluster)
        for number, cluster in enumerate(every, 1):
            counts = [
                int(cluster.exec("curl", "-s", "http://counter-np:3000").stdout)
                for _ in range(number)
            ]
            assert counts[-1] == number
        listed = json.loads(one.netemu("ls", "-o", "json").stdout)
        assert [(row["name"], row["status"]) for row in listed] == [("one", "ready")]


def start_counter_of_its_own(cluster: Instance) -> None:
    cluster.kubectl("apply", "-f", str(EXAMPLES / "counter.yaml"))
    cluster.kubectl("apply", "-f", str(EXAMPLES / "counter-nodeport.yaml"))
    cluster.kubectl("wait", "--for=condition=Available", "deployment", "--all", "--timeout=30s")


def test_in_the_foreground_it_shows_what_happens_and_ends_on_ctrl_c() -> None:
    with instance("foreground") as cluster:
        cluster.down()
        manifest = str(EXAMPLES / "counter.yaml")
        with subprocess.Popen(
            [*cluster.command, "up", "-f", manifest],
            env=cluster.env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            cluster.wait_for(
                lambda: (
                    len(cluster.get("pods")["items"]) == 2
                    and all(
                        pod["status"]["phase"] == "Running" for pod in cluster.get("pods")["items"]
                    )
                ),
                what="the pods of -f",
            )
            cluster.facts = json.loads(cluster.netemu("status", "-o", "json").stdout)
            had = belongings(cluster)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "deployment.apps/counter created" in out
        assert "Started" in out
        assert 'instance "foreground" is ready' in err
        gone(cluster, had)


def test_the_daemon_ends_with_the_command_that_holds_it() -> None:
    with instance("held") as cluster:
        cluster.down()
        process = subprocess.Popen(
            [*cluster.command, "up"],
            env=cluster.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        cluster.wait_for(lambda: cluster.netemu("status", check=False).returncode == 0)
        process.kill()
        process.wait()
        cluster.wait_for(lambda: cluster.netemu("status", check=False).returncode == 3)


def test_exec_ends_as_its_command_does(netemu_cluster: Instance) -> None:
    for code in (0, 1, 7, 125):
        done = netemu_cluster.exec("sh", "-c", f"exit {code}", check=False)
        assert done.returncode == code
    assert netemu_cluster.exec("no-such-program", check=False).returncode == 127
    assert netemu_cluster.exec("/etc/hostname", check=False).returncode == 126
    echoed = netemu_cluster.run(*netemu_cluster.command, "exec", "--", "cat", input="through stdin")
    assert echoed.stdout == "through stdin"


def test_exec_stands_where_it_is_told(netemu_cluster: Instance) -> None:
    nodes = netemu_cluster.get("nodes")["items"]
    for node in nodes:
        place = f"node:{node['metadata']['name']}"
        assert (
            netemu_cluster.exec("hostname", place=place).stdout.strip() == node["metadata"]["name"]
        )
    for place, said in [
        ("pod:default/nope", 'pods "nope" not found'),
        ("node:nope", 'nodes "nope" not found'),
        ("moon", "pod:NAMESPACE/NAME, node:NAME, vpc or internet"),
    ]:
        done = netemu_cluster.exec("true", place=place, check=False)
        assert done.returncode == 125
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


def test_status_tells_where_everything_is(netemu_cluster: Instance) -> None:
    status = json.loads(netemu_cluster.netemu("status", "-o", "json").stdout)
    assert {"name", "pid", "net", "ready", "api", "dns", "addresses"} <= set(status)
    assert status["ready"] is True
    os.kill(status["pid"], 0)
    assert status["addresses"]["dns"].endswith(".10")
    text = netemu_cluster.netemu("status").stdout
    assert status["api"] in text


def test_env_prints_lines_a_shell_can_eval(netemu_cluster: Instance) -> None:
    lines = netemu_cluster.netemu("env").stdout
    script = f'{lines}\nprintf "%s\\n" "$KUBECONFIG" "$NETEMU_DNS" "$NETEMU_API"'
    shown = netemu_cluster.run("env", "-i", "sh", "-c", script).stdout.split()
    assert shown[0].endswith("/kubeconfig")
    assert shown[1:] == [netemu_cluster.facts["dns"], netemu_cluster.facts["api"]]

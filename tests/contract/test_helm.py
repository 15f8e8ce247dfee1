"""Helm 3 (the binary that an npm package has) and Helm 4 (its SDK for Python), with our chart."""

import subprocess
from pathlib import Path

import pytest

from netemu.testing import Instance
from tests.contract.suites import environment, python

pytestmark = [pytest.mark.contract, pytest.mark.slow, pytest.mark.suite]

CHART = Path(__file__).parent / "chart"


def replicas(cluster: Instance, namespace: str) -> str:
    return cluster.kubectl(
        "get", "deploy", "demo", "-n", namespace, "-o=jsonpath={.status.readyReplicas}"
    )


def objects(cluster: Instance, namespace: str) -> str:
    return cluster.kubectl("get", "deploy,svc,cm", "-n", namespace, "-o", "name")


def test_helm_3_from_install_to_uninstall(cluster: Instance) -> None:
    helm = str(environment() / "node_modules" / ".bin" / "helm")
    cluster.kubectl("create", "namespace", "helm3")

    def run(*words: str) -> str:
        return cluster.run(helm, "-n", "helm3", *words).stdout

    run("install", "demo", str(CHART), "--wait", "--timeout=30s")
    assert replicas(cluster, "helm3") == "1"
    run("upgrade", "demo", str(CHART), "--set", "replicas=2", "--wait", "--timeout=30s")
    assert replicas(cluster, "helm3") == "2"
    run("rollback", "demo", "1", "--wait", "--timeout=30s")
    assert replicas(cluster, "helm3") == "1"
    assert len(run("history", "demo").splitlines()) == 4
    assert "STATUS: deployed" in run("status", "demo")
    run("uninstall", "demo", "--timeout=30s")
    cluster.wait_for(lambda: "demo" not in objects(cluster, "helm3"), what="the end of it")


HELM_4 = """\
import sys
from helm_python import Config
chart = sys.argv[1]
with Config(namespace="helm4") as config:
    config.install(chart, "demo", {"replicas": 1}, wait="watcher", timeout=30)
    config.upgrade(chart, "demo", {"replicas": 2}, wait="watcher", timeout=30)
    config.rollback("demo", version=1)
    print([release["name"] for release in config.list()], len(config.history("demo")))
    config.uninstall("demo")
"""


def test_helm_4_from_install_to_uninstall(cluster: Instance) -> None:
    interpreter = python()
    cluster.kubectl("create", "namespace", "helm4")
    done = subprocess.run(
        [interpreter, "-c", HELM_4, str(CHART)],
        env=cluster.env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['demo'] 3\n"
    cluster.wait_for(lambda: "demo" not in objects(cluster, "helm4"), what="the end of it")

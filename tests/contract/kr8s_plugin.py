"""What kr8s' own suite asks of a cluster: the fixture that pytest-kind would give it."""

import gc
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SYSTEM_POD = """\
apiVersion: v1
kind: Pod
metadata: {name: system, namespace: kube-system}
spec: {containers: [{name: pause, image: registry.k8s.io/pause:3.9}]}
"""
"""Other clusters have pods of their own from the start."""


class Cluster:
    """The cluster of KUBECONFIG."""

    name = "netemu"
    kubectl_path = Path(shutil.which("kubectl") or "kubectl")
    kubeconfig_path = Path(os.environ["KUBECONFIG"])

    def kubectl(self, *args: str, input: str | None = None) -> str:
        argv = [str(self.kubectl_path), *args]
        done = subprocess.run(argv, check=True, capture_output=True, text=True, input=input)
        return done.stdout


@pytest.fixture(scope="session")
def k8s_cluster() -> Cluster:
    cluster = Cluster()
    cluster.kubectl("apply", "-f", "-", input=SYSTEM_POD)
    cluster.kubectl("wait", "-n", "kube-system", "--for=condition=Ready", "pod/system")
    return cluster


@pytest.fixture
def ensure_gc() -> Iterator[None]:
    """Classes that an earlier test made must be gone."""
    gc.collect()
    yield
    gc.collect()

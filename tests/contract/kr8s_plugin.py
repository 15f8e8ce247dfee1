"""What kr8s' own suite asks of a cluster: the fixture that pytest-kind would give it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


class Cluster:
    """The cluster of KUBECONFIG."""

    name = "netemu"
    kubectl_path = Path(shutil.which("kubectl") or "kubectl")
    kubeconfig_path = Path(os.environ["KUBECONFIG"])

    def kubectl(self, *args: str) -> str:
        done = subprocess.run(
            [str(self.kubectl_path), *args], check=True, capture_output=True, text=True
        )
        return done.stdout


@pytest.fixture(scope="session")
def k8s_cluster() -> Cluster:
    return Cluster()

"""One cluster of three nodes for all rows, and a namespace of its own for each."""

import itertools
import os
from collections.abc import Iterator

import pytest

from netemu.testing import Instance, instance
from tests.e2e.rows.jig import Jig
from tests.support.rest import Rest

NET = "root" if os.geteuid() == 0 else "rootless"
numbers = itertools.count(1)


@pytest.fixture(scope="package")
def cluster() -> Iterator[Instance]:
    with instance("rows", options=["--net", NET, "--nodes", "3"]) as made:
        made.kubectl("label", "node", "node-3", "--overwrite", "topology.kubernetes.io/zone=zone-c")
        yield made


@pytest.fixture
def jig(cluster: Instance) -> Iterator[Jig]:
    rest = Rest(cluster.state_dir / cluster.name / "kubeconfig")
    made = Jig(cluster, rest, f"row-{next(numbers)}")
    yield made
    made.end()
    rest.close()

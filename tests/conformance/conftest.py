"""One cluster for all rows; each test has a namespace."""

import itertools
from collections.abc import Iterator

import pytest

from netemu.testing import Instance, instance
from tests.support.jig import Jig
from tests.support.rest import Rest
from tests.support.rows import Api, Space

numbers = itertools.count(1)


@pytest.fixture(scope="package")
def conformance_cluster() -> Iterator[Instance]:
    with instance("rows", options=["--nodes", "3"]) as made:
        yield made


@pytest.fixture(scope="package")
def api(conformance_cluster: Instance) -> Iterator[Api]:
    made = Api(conformance_cluster)
    yield made
    made.close()


@pytest.fixture
def space(api: Api, request: pytest.FixtureRequest) -> Iterator[Space]:
    """A namespace for the test; it goes with the test's end."""
    name = request.node.name.replace("_", "-")[5:60].split("[")[0].strip("-")
    name += f"-{next(numbers)}"  # a test that is tried again finds its own name still going
    api.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield Space(api, name)
    api.ask("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture(scope="package")
def zones(conformance_cluster: Instance) -> Instance:
    """The cluster, with a zone for each node."""
    label = ("label", "node", "node-3", "--overwrite", "topology.kubernetes.io/zone=zone-c")
    conformance_cluster.kubectl(*label)
    return conformance_cluster


@pytest.fixture
def jig(zones: Instance) -> Iterator[Jig]:
    """A namespace for a test of the network."""
    rest = Rest(zones.state_dir / zones.name / "kubeconfig")
    made = Jig(zones, rest, f"row-{next(numbers)}")
    yield made
    made.end()
    rest.close()

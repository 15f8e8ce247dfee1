"""One cluster for all rows; each test has a namespace."""

from collections.abc import Iterator

import pytest

from netemu.testing import Instance, instance
from tests.support.rows import Api, Space


@pytest.fixture(scope="package")
def conformance_cluster() -> Iterator[Instance]:
    with instance("rows", options=["--nodes", "3"]) as made:
        yield made


@pytest.fixture(scope="package")
def api(conformance_cluster: Instance) -> Api:
    return Api(conformance_cluster)


@pytest.fixture
def space(api: Api, request: pytest.FixtureRequest) -> Iterator[Space]:
    """A namespace for the test; it goes with the test's end."""
    name = request.node.name.replace("_", "-")[5:60].split("[")[0].strip("-")
    name += f"-{abs(hash(request.node.name)) % 1000}"
    api.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield Space(api, name)
    api.ask("DELETE", f"/api/v1/namespaces/{name}")

"""The cluster that other projects' suites run against."""

from collections.abc import Iterator

import pytest

from netemu.testing import Instance, instance


@pytest.fixture(scope="session")
def cluster() -> Iterator[Instance]:
    """One cluster for all suites; each keeps to namespaces of its own."""
    with instance("contract") as made:
        yield made

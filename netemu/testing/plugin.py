"""pytest fixtures; netemu's own end-to-end tests use them."""

from collections.abc import Iterator

import pytest

from netemu.testing.instance import Instance, instance


@pytest.fixture(scope="session")
def netemu_cluster() -> Iterator[Instance]:
    """One cluster for the whole run; tests keep apart by namespaces of their own."""
    with instance("shared") as made:
        yield made


@pytest.fixture
def netemu_instance() -> Iterator[Instance]:
    """A cluster of the test's own."""
    with instance() as made:
        yield made

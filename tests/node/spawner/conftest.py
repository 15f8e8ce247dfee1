import pytest

from netemu.config.settings import NetMode
from tests.support import instance

MODES = (NetMode.ROOT, NetMode.ROOTLESS, NetMode.LOOPBACK)


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> NetMode:
    """Each mode that this machine allows."""
    return _possible(request.param)


@pytest.fixture(params=MODES[:2])
def isolated(request: pytest.FixtureRequest) -> NetMode:
    """Each mode with namespaces that this machine allows."""
    return _possible(request.param)


def _possible(mode: NetMode) -> NetMode:
    if not instance.possible(mode):
        pytest.skip(f"{mode} isn't possible here")
    return mode

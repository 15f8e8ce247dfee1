import pytest

from netemu.model.meta import Object
from netemu.node.pod_tokens import PodTokens
from netemu.node.volume_files import VolumeError, no_tokens
from tests.support.clock import FakeClock

POD: Object = {"metadata": {"name": "p", "namespace": "a"}, "spec": {"serviceAccountName": "bob"}}


class Maker:
    """Makes another token each time."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, pod: Object, source: Object) -> bytes | None:
        self.made += 1
        return b"token %d" % self.made


async def test_a_token_is_kept_until_it_ages() -> None:
    clock = FakeClock()
    tokens = PodTokens(Maker(), clock)
    assert tokens(POD, {"expirationSeconds": 1000}) == b"token 1"
    assert tokens.due == clock.monotonic() + 800
    await clock.advance(799)
    assert tokens(POD, {"expirationSeconds": 1000}) == b"token 1"
    await clock.advance(1)
    assert tokens(POD, {"expirationSeconds": 1000}) == b"token 2"
    assert tokens.due == clock.monotonic() + 800


async def test_long_lived_ones_are_renewed_daily() -> None:
    clock = FakeClock()
    tokens = PodTokens(Maker(), clock)
    tokens(POD, {"expirationSeconds": 10**9})
    assert tokens.due == clock.monotonic() + 86400


async def test_each_audience_has_its_own() -> None:
    tokens = PodTokens(Maker(), FakeClock())
    assert tokens(POD, {"audience": "vault"}) != tokens(POD, {})


async def test_who_has_no_account_waits() -> None:
    tokens = PodTokens(lambda pod, source: None, FakeClock())
    with pytest.raises(VolumeError, match='fetch token: serviceaccounts "bob" not found'):
        tokens(POD, {})


async def test_where_nobody_makes_any_there_is_none() -> None:
    tokens = PodTokens(no_tokens, FakeClock())
    assert tokens(POD, {}) is None
    assert tokens.due is None

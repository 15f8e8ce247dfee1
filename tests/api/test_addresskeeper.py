"""Addresses follow what becomes of the writes that took them."""

import random

import pytest

from netemu.api.addresskeeper import AddressKeeper
from netemu.api.defaults import with_defaults
from netemu.api.strategies import prepare_create
from netemu.model.errors import Invalid
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY
from netemu.store.memory import MemoryStore
from tests.support.api import ADDRESSING
from tests.support.objects import a_service

SERVICE, CONFIG_MAP = BY_KEY["services"], BY_KEY["configmaps"]
ASKED = "10.96.0.77"


def a_keeper() -> AddressKeeper:
    return AddressKeeper(MemoryStore(), ADDRESSING, (30000, 32767), random.Random(1))


def wanted() -> Object:
    service = a_service(clusterIP=ASKED, clusterIPs=[ASKED])
    return prepare_create(SERVICE, with_defaults(SERVICE, service))


def is_free(keeper: AddressKeeper) -> bool:
    try:
        with keeper.held(SERVICE, wanted(), None, dry_run=True):
            return True
    except Invalid:
        return False


def test_a_write_that_succeeds_keeps_them_until_the_service_goes() -> None:
    keeper = a_keeper()
    with keeper.held(SERVICE, wanted(), None, dry_run=False) as made:
        assert made["spec"]["clusterIP"] == ASKED
    assert not is_free(keeper)
    keeper.release(SERVICE, made)
    assert is_free(keeper)


def test_a_dry_run_takes_nothing() -> None:
    keeper = a_keeper()
    with keeper.held(SERVICE, wanted(), None, dry_run=True):
        assert not is_free(keeper)
    assert is_free(keeper)


def test_a_write_that_fails_takes_nothing() -> None:
    keeper = a_keeper()
    with pytest.raises(RuntimeError), keeper.held(SERVICE, wanted(), None, dry_run=False):
        raise RuntimeError
    assert is_free(keeper)


def test_other_kinds_pass() -> None:
    with a_keeper().held(CONFIG_MAP, {"metadata": {}}, None, dry_run=False) as obj:
        assert obj == {"metadata": {}}

"""Rules of MetalLB's kinds."""

from typing import Any

import pytest

from netemu.api.validation import validate
from netemu.model.resources import BY_KEY, IP_ADDRESS_POOLS
from tests.support.objects import in_cluster, told

POOL = BY_KEY[IP_ADDRESS_POOLS]


@pytest.mark.parametrize(
    ("obj", "words"),
    [
        ({"spec": {"addresses": ["10.0.0.0/24"]}}, []),
        ({"spec": {"addresses": []}}, []),
        ({"spec": {}}, ["spec.addresses: Required value"]),
        ({}, ["spec: Required value"]),
    ],
)
def test_a_pool_has_addresses(obj: dict[str, Any], words: list[str]) -> None:
    pool = in_cluster(**obj)
    pool["metadata"]["namespace"] = "metallb-system"
    assert told(validate(POOL, pool, None)) == words
    stored = {**pool, "metadata": {**pool["metadata"], "resourceVersion": "1"}}
    assert told(validate(POOL, stored, stored | {"spec": {"addresses": ["::/0"]}})) == words

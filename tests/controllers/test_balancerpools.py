"""How pools of load balancer addresses are written."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from netemu.controllers.balancerpools import BadPool, Pinned, Pool, pool_from, pools_from_config
from netemu.model.meta import Object

SEEDS = Path(__file__).parents[1] / "seeds"


def pool(*addresses: str, **spec: Any) -> Pool:
    return pool_from({"metadata": {"name": "lan"}, "spec": {"addresses": addresses, **spec}})


def test_the_config_map_of_old_is_read() -> None:
    config = yaml.safe_load((SEEDS / "metallb-configmap.yaml").read_text())
    [found] = pools_from_config(config)
    assert found.name == "default"
    assert found.has("10.64.140.43")
    assert found.has("10.64.140.49")
    assert not found.has("10.64.140.50")


@pytest.mark.parametrize(
    "text", ["[", "address-pools: [{addresses: [x]}]", "address-pools: 5", "a"]
)
def test_a_config_that_cannot_be_read_is_told(text: str) -> None:
    with pytest.raises(BadPool):
        pools_from_config({"metadata": {}, "data": {"config": text}})


@pytest.mark.parametrize(
    "spec",
    [
        {"addresses": ["10.0.0.0/33"]},
        {"addresses": ["10.0.0.9-x"]},
        {
            "addresses": ["10.0.0.1/32"],
            "serviceAllocation": {"serviceSelectors": [{"matchExpressions": [{"key": "a"}]}]},
        },
    ],
)
def test_a_pool_that_cannot_be_read_is_told(spec: Object) -> None:
    with pytest.raises(BadPool):
        pool_from({"metadata": {"name": "x"}, "spec": spec})


IN = 'parsing address pool lan: invalid CIDR "{0}" in pool "lan": {1}'


@pytest.mark.parametrize(
    ("addresses", "words"),
    [
        ((), "parsing address pool lan: pool has no prefixes defined"),
        (("10.0.0.0/33",), IN.format("10.0.0.0/33", 'invalid CIDR "10.0.0.0/33"')),
        (
            ("10.0.0.9-x",),
            IN.format("10.0.0.9-x", 'invalid IP range "10.0.0.9-x": invalid end IP "x"'),
        ),
        (
            ("10.0.0.9-10.0.0.8",),
            IN.format(
                "10.0.0.9-10.0.0.8",
                'invalid IP range "10.0.0.9-10.0.0.8": '
                'start IP "10.0.0.9" is after the end IP "10.0.0.8"',
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_range_is_told(addresses: tuple[str, ...], words: str) -> None:
    with pytest.raises(BadPool) as told:
        pool(*addresses)
    assert str(told.value) == words


def test_a_pool_gives_its_addresses_in_order() -> None:
    both = pool("10.1.255.254-10.2.0.1", "2001:db8::/127")
    four = ["10.1.255.254", "10.1.255.255", "10.2.0.0", "10.2.0.1"]
    assert list(both.addresses("IPv4")) == four
    assert list(both.addresses("IPv6")) == ["2001:db8::", "2001:db8::1"]
    careful = pool("10.1.255.254-10.2.0.1", "2001:db8::/127", avoidBuggyIPs=True)
    assert list(careful.addresses("IPv4")) == ["10.1.255.254", "10.2.0.1"]
    assert list(careful.addresses("IPv6")) == ["2001:db8::", "2001:db8::1"]
    assert [careful.gives(each) for each in four] == [True, False, False, True]
    assert careful.has("10.2.0.0")


def app(name: str) -> Object:
    return {"matchLabels": {"app": name}}


@pytest.mark.parametrize(
    ("allocation", "expected"),
    [
        ({}, True),
        ({"priority": 5}, True),
        ({"namespaces": ["shop"]}, True),
        ({"namespaces": ["lab"]}, False),
        ({"namespaceSelectors": [app("shop")]}, True),
        ({"namespaces": ["lab"], "namespaceSelectors": [app("shop")]}, True),
        ({"namespaceSelectors": [app("lab")]}, False),
        ({"serviceSelectors": [app("db"), app("web")]}, True),
        ({"serviceSelectors": [app("db")]}, False),
        ({"namespaces": ["shop"], "serviceSelectors": [app("db")]}, False),
    ],
)
def test_a_pool_says_whom_it_is_for(allocation: Object, expected: bool) -> None:
    pinned = pool("10.0.0.0/24", serviceAllocation=allocation).pinned
    assert isinstance(pinned, Pinned)
    assert pinned.means("shop", {"app": "shop"}, {"app": "web"}) is expected

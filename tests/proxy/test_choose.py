"""Which endpoints may take a connection."""

from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.model.service import Endpoint, EndpointPort, EndpointSlice, Protocol
from netemu.proxy.choose import Address, choose, usable
from tests.proxy.harness import OTHER, READY, TERMINATING, UNREADY, a_slice


@dataclass(frozen=True)
class Case:
    name: str
    slices: tuple[EndpointSlice, ...]
    expected: tuple[Address, ...]


DRAINED = Endpoint(address="10.244.0.9", ready=False, serving=False, terminating=True)
UDP_ONLY = (EndpointPort("http", Protocol.UDP, 8080),)
NINETY = (EndpointPort("http", Protocol.TCP, 9090),)
BOTH = (EndpointPort("http", Protocol.TCP, 8080), EndpointPort("admin", Protocol.TCP, 9090))

CASES = [
    Case("none without slices", (), ()),
    Case(
        "all that are ready",
        (a_slice(READY, OTHER),),
        (("10.244.0.2", 8080), ("10.244.1.3", 8080)),
    ),
    Case("none that isn't ready", (a_slice(READY, UNREADY),), (("10.244.0.2", 8080),)),
    Case(
        "none that is terminating while one is ready",
        (a_slice(READY, TERMINATING),),
        (("10.244.0.2", 8080),),
    ),
    Case(
        "those that serve while terminating when none is ready",
        (a_slice(UNREADY, TERMINATING, DRAINED),),
        (("10.244.0.8", 8080),),
    ),
    Case(
        "a ready one in another slice counts before that",
        (a_slice(TERMINATING), a_slice(READY, name="web-2")),
        (("10.244.0.2", 8080),),
    ),
    Case("none when none serves", (a_slice(UNREADY, DRAINED),), ()),
    Case("none by another port name", (a_slice(READY, ports=()),), ()),
    Case("none by another protocol", (a_slice(READY, ports=UDP_ONLY),), ()),
    Case("the port that has the name", (a_slice(READY, ports=BOTH),), (("10.244.0.2", 8080),)),
    Case(
        "each slice by its own port number",
        (a_slice(READY), a_slice(OTHER, name="web-2", ports=NINETY)),
        (("10.244.0.2", 8080), ("10.244.1.3", 9090)),
    ),
    Case(
        "one in two slices once",
        (a_slice(READY), a_slice(READY, name="web-2")),
        (("10.244.0.2", 8080),),
    ),
    Case(
        "ready if either slice says so",
        (a_slice(Endpoint(address="10.244.0.2", ready=False)), a_slice(READY, name="web-2")),
        (("10.244.0.2", 8080),),
    ),
    Case("none of the other family", (a_slice(READY, family="IPv6"),), ()),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_connection_may_use(case: Case) -> None:
    assert usable(case.slices, "http", Protocol.TCP) == case.expected


ADDRESSES = st.lists(
    st.tuples(st.sampled_from([f"10.244.0.{n}" for n in range(9)]), st.just(80)), unique=True
).map(tuple)


@given(ADDRESSES, st.sets(st.integers(0, 8)), st.integers())
def test_a_choice_is_one_that_was_not_tried(
    endpoints: tuple[Address, ...], numbers: set[int], seed: int
) -> None:
    tried = {(f"10.244.0.{number}", 80) for number in numbers}
    chosen = choose(endpoints, Random(seed), tried=tried)
    left = set(endpoints) - tried
    assert chosen in left if left else chosen is None


def test_every_endpoint_gets_its_share() -> None:
    endpoints = tuple((f"10.244.0.{n}", 80) for n in range(4))
    rng = Random(7)
    counts = [0] * 4
    for _ in range(4000):
        chosen = choose(endpoints, rng)
        assert chosen is not None
        counts[endpoints.index(chosen)] += 1
    assert all(850 < count < 1150 for count in counts)


def test_a_client_keeps_its_endpoint_while_that_may_be_used() -> None:
    one, two = ("10.244.0.1", 80), ("10.244.0.2", 80)
    assert {choose((one, two), Random(n), sticky=two) for n in range(20)} == {two}
    assert choose((one,), Random(1), sticky=two) == one
    assert choose((one, two), Random(1), sticky=two, tried={two}) == one

"""From a Service port to the endpoints to dial."""

from itertools import islice
from random import Random

import pytest

from netemu.model.service import Protocol
from netemu.proxy.choose import Address
from netemu.proxy.policy import Reach
from netemu.proxy.route import ROUNDS, Route
from netemu.proxy.site import Backend
from tests.support.clock import FakeClock

ONE, TWO, THREE = ("10.244.0.1", 80), ("10.244.0.2", 80), ("10.244.0.3", 80)
CLIENT, NEIGHBOUR = ("10.244.0.9", 5000), ("10.244.0.10", 5000)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def route(clock: FakeClock) -> Route:
    return Route(Backend(("default", "web"), "http", Protocol.TCP), clock, Random(3))


def first(route: Route, client: Address = CLIENT) -> Address:
    return next(route.candidates(client))


def test_each_endpoint_is_offered_before_one_comes_again(route: Route) -> None:
    route.update(Reach((ONE, TWO, THREE)), None)
    offered = list(route.candidates(CLIENT))
    assert len(offered) == 3 * ROUNDS
    for start in range(0, len(offered), 3):
        assert set(offered[start : start + 3]) == {ONE, TWO, THREE}


def test_nothing_is_offered_without_endpoints(route: Route) -> None:
    assert list(route.candidates(CLIENT)) == []
    assert (route.connections, route.failed) == (1, 1)


def test_an_endpoint_that_comes_while_others_fail_is_found(route: Route) -> None:
    route.update(Reach((ONE,)), None)
    candidates = route.candidates(CLIENT)
    assert next(candidates) == ONE
    route.update(Reach((TWO,)), None)
    assert next(candidates) == TWO


def test_without_affinity_a_client_meets_every_endpoint(route: Route) -> None:
    route.update(Reach((ONE, TWO, THREE)), None)
    assert {first(route) for _ in range(50)} == {ONE, TWO, THREE}


def test_with_affinity_a_client_meets_one_from_any_of_its_ports(route: Route) -> None:
    route.update(Reach((ONE, TWO, THREE)), 60)
    assert len({first(route, (CLIENT[0], port)) for port in range(50)}) == 1
    assert len({first(route, (f"10.244.0.{n}", 1)) for n in range(50)}) == 3


async def test_affinity_ends_after_its_time(route: Route, clock: FakeClock) -> None:
    route.update(Reach((ONE, TWO, THREE)), 60)
    met = set()
    for _ in range(50):
        met.add(first(route))
        await clock.advance(60)
    assert met == {ONE, TWO, THREE}


def test_a_failed_dial_moves_the_client_for_good(route: Route) -> None:
    route.update(Reach((ONE, TWO)), 60)
    home = first(route)
    refused, other = islice(route.candidates(CLIENT), 2)
    assert refused == home
    assert other != home
    assert {first(route) for _ in range(20)} == {other}


def test_an_endpoint_that_left_is_forgotten_even_if_it_returns(route: Route) -> None:
    route.update(Reach((ONE,)), 60)
    assert first(route) == ONE
    route.update(Reach((TWO,)), 60)
    route.update(Reach((ONE, TWO)), 60)
    assert {first(route, (f"10.244.0.{n}", 1)) for n in range(9, 40)} == {ONE, TWO}


def test_clients_of_other_endpoints_stay_where_they_are(route: Route) -> None:
    route.update(Reach((ONE, TWO, THREE)), 60)
    clients = [(f"10.244.0.{n}", 1) for n in range(30)]
    homes = {client: first(route, client) for client in clients}
    route.update(Reach((ONE, TWO)), 60)
    for client, home in homes.items():
        if home != THREE:
            assert first(route, client) == home


def test_switching_affinity_off_acts_on_the_next_connection(route: Route) -> None:
    route.update(Reach((ONE, TWO)), 60)
    first(route)
    route.update(Reach((ONE, TWO)), None)
    assert {first(route) for _ in range(50)} == {ONE, TWO}


async def test_a_changed_time_acts_on_the_next_connection(route: Route, clock: FakeClock) -> None:
    route.update(Reach((ONE, TWO)), 60)
    met = set()
    for _ in range(50):
        met.add(first(route))
        await clock.advance(10)
        route.update(Reach((ONE, TWO)), 5)
    assert met == {ONE, TWO}


def test_connections_are_counted_by_what_became_of_them(route: Route) -> None:
    route.update(Reach((ONE,)), None)
    first(route)
    list(route.candidates(NEIGHBOUR))
    assert (route.connections, route.failed) == (2, 1)

"""Clients that stick to their endpoint."""

from netemu.proxy.affinity import AffinityTable
from tests.support.clock import FakeClock

ONE, TWO = ("10.244.0.1", 80), ("10.244.0.2", 80)


async def test_a_client_sticks_until_its_time_is_over() -> None:
    clock = FakeClock()
    table = AffinityTable(clock)
    table.remember("10.244.0.9", ONE)
    await clock.advance(9.9)
    assert table.find("10.244.0.9", 10) == ONE
    await clock.advance(0.1)
    assert table.find("10.244.0.9", 10) is None


async def test_each_new_connection_starts_the_time_again() -> None:
    clock = FakeClock()
    table = AffinityTable(clock)
    table.remember("10.244.0.9", ONE)
    await clock.advance(9)
    table.remember("10.244.0.9", ONE)
    await clock.advance(9)
    assert table.find("10.244.0.9", 10) == ONE


async def test_a_changed_time_acts_at_once() -> None:
    clock = FakeClock()
    table = AffinityTable(clock)
    table.remember("10.244.0.9", ONE)
    await clock.advance(5)
    assert table.find("10.244.0.9", 3) is None
    assert table.find("10.244.0.9", 6) == ONE


def test_clients_of_an_endpoint_that_went_forget_it_and_others_do_not() -> None:
    table = AffinityTable(FakeClock())
    table.remember("10.244.0.8", ONE)
    table.remember("10.244.0.9", TWO)
    table.keep({TWO})
    assert table.find("10.244.0.8", 10) is None
    assert table.find("10.244.0.9", 10) == TWO


def test_a_client_whose_dial_failed_forgets() -> None:
    table = AffinityTable(FakeClock())
    table.remember("10.244.0.8", ONE)
    table.forget("10.244.0.8")
    table.forget("10.244.0.8")
    assert table.find("10.244.0.8", 10) is None


def test_past_the_bound_those_forget_that_came_longest_ago() -> None:
    table = AffinityTable(FakeClock(), limit=2)
    table.remember("a", ONE)
    table.remember("b", ONE)
    table.remember("a", ONE)
    table.remember("c", TWO)
    assert len(table) == 2
    assert [table.find(client, 10) for client in "abc"] == [ONE, None, TWO]


async def test_entries_tell_who_sticks_where_and_how_long() -> None:
    clock = FakeClock()
    table = AffinityTable(clock)
    table.remember("10.244.0.8", ONE)
    await clock.advance(40)
    table.remember("10.244.0.9", TWO)
    assert list(table.entries(60)) == [("10.244.0.8", ONE, 20), ("10.244.0.9", TWO, 60)]
    assert list(table.entries(30)) == [("10.244.0.9", TWO, 30)]

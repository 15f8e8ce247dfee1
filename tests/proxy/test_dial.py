"""A client is led to an endpoint that answers and notices nothing of those that don't."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from netemu.proxy.choose import Address
from netemu.proxy.dial import DIAL_LADDER
from netemu.proxy.relay import DIAL_TICK
from tests.proxy.harness import a_relay, ask, eventually, nobody, saying, silence, to
from tests.support.clock import FakeClock


async def test_an_endpoint_that_refuses_is_passed_over() -> None:
    with nobody() as dead, nobody() as also_dead:
        async with saying(b"alive") as alive, a_relay(to(dead, also_dead, alive)) as (_, address):
            assert await ask(address) == b"alive"


async def test_refusals_cost_no_time_and_no_step_of_the_ladder() -> None:
    with nobody() as dead:
        more = [(f"127.0.0.{number}", dead[1]) for number in range(2, 30)]
        async with saying(b"alive") as alive, a_relay(to(*more, alive), FakeClock()) as (_, front):
            assert await ask(front) == b"alive"


@pytest.mark.parametrize("silent", range(1, len(DIAL_LADDER)))
async def test_an_endpoint_that_is_silent_is_left_after_its_step(silent: int) -> None:
    clock = FakeClock()
    with silence() as mute:
        async with (
            saying(b"alive") as alive,
            a_relay(to(*[mute] * silent, alive), clock) as (relay, address),
        ):
            answer = asyncio.get_running_loop().create_task(ask(address))
            await eventually(lambda: relay.connections == 1)
            for seconds in DIAL_LADDER[:silent]:
                await clock.advance(seconds - 2 * DIAL_TICK)
                assert not answer.done()
                await clock.advance(3 * DIAL_TICK)
            assert await answer == b"alive"


async def test_the_ladder_has_an_end() -> None:
    clock = FakeClock()
    with silence() as mute:
        async with a_relay(to(*[mute] * 9), clock) as (relay, address):
            answer = asyncio.get_running_loop().create_task(ask(address))
            await eventually(lambda: relay.connections == 1)
            await clock.advance(sum(DIAL_LADDER) + len(DIAL_LADDER) * DIAL_TICK)
            with pytest.raises(ConnectionResetError):
                await answer
            assert relay.connections == 0


async def test_a_client_is_reset_when_every_endpoint_refuses() -> None:
    with nobody() as dead:
        async with a_relay(to(*[dead] * 4)) as (relay, address):
            with pytest.raises(ConnectionResetError):
                await ask(address)
            assert relay.connections == 0


async def test_a_client_is_reset_when_there_is_no_endpoint() -> None:
    async with a_relay(to()) as (relay, address):
        with pytest.raises(ConnectionResetError):
            await ask(address)
        assert relay.connections == 0


async def test_an_endpoint_that_cannot_be_reached_at_all_is_passed_over() -> None:
    unroutable = ("255.255.255.255", 80)
    async with saying(b"alive") as alive, a_relay(to(unroutable, alive)) as (_, address):
        assert await ask(address) == b"alive"


async def test_a_mistake_in_the_choice_resets_that_client_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = True

    async with saying(b"alive") as alive:

        def candidates(_peer: Address) -> Iterator[Address]:
            if broken:
                raise ValueError("no such luck")
            yield alive

        async with a_relay(candidates) as (relay, address):
            with caplog.at_level(logging.ERROR), pytest.raises(ConnectionResetError):
                await ask(address)
            assert "no such luck" in caplog.text
            broken = False
            assert await ask(address) == b"alive"
            await eventually(lambda: relay.connections == 0)

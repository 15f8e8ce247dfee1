"""Other servers, as they are and as they shouldn't be."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import dnslib
import pytest

from netemu.dns import forward
from netemu.dns.answer import Answer
from netemu.dns.forward import LOOP_SECONDS
from netemu.dns.forwarding import Cache, Policy, Prefetch, Stale
from netemu.dns.records import Rcode, Source, Type, text_of
from tests.dns.cluster import shown
from tests.dns.upstream import Upstream, answered, asking, silent, upstream, well
from tests.support.clock import FakeClock

NAME = "www.example.org"


def told(answer: Answer) -> tuple[Rcode, list[str]]:
    return answer.rcode, [shown(record) for record in answer.records]


GOOD = (Rcode.NOERROR, ["A 192.0.2.1"])


async def test_a_question_is_answered_by_the_server() -> None:
    async with upstream(well) as server, asking(server) as client:
        answer = await client.answer(NAME)
        assert told(answer) == GOOD
        assert not answer.authoritative
        assert answer.source is Source.FORWARD


async def test_ids_and_ports_differ() -> None:
    async with upstream(well) as server, asking(server, cache=None) as client:
        for _ in range(20):
            await client.answer(NAME)
        assert len({query[:2] for query in server.asked}) > 15
        assert len({port for _, port in server.clients}) > 10


async def test_the_query_says_how_the_client_asks() -> None:
    async with upstream(well) as server, asking(server) as client:
        await client.answer("WWW.example.org", dnssec_ok=True, unchecked=True)
        (query,) = server.asked
        assert b"\3WWW\7example\3org\0\0\1\0\1" in query
        assert query[2:4] == b"\1\x10"
        assert query[-11:] == b"\0\0\x29\x04\xd0\0\0\x80\0\0\0"


LIES: dict[str, Callable[[bytes], bytes]] = {
    "another id": lambda query: bytes([query[0] ^ 1]) + answered(query)[1:],
    "another name": lambda query: answered(query).replace(b"\3org", b"\3com"),
    "another type": lambda query: answered(query)[:29] + b"\0\x1c" + answered(query)[31:],
    "another class": lambda query: answered(query)[:31] + b"\0\3" + answered(query)[33:],
    "no reply at all": lambda query: query,
    "a scrap": lambda query: query[:1],
    "nothing": lambda query: b"",
    "half a question": lambda query: answered(query)[:13],
    "no question": lambda query: query[:2] + b"\x80\0\0\0\0\0\0\0\0\0" + query[12:],
    "a pointer to itself": lambda query: answered(query)[:33] + b"\xc0\x21" + bytes(14),
    "half a record": lambda query: answered(query)[:-2],
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
async def test_what_doesnt_match_is_ignored(lie: Callable[[bytes], bytes]) -> None:
    async with (
        upstream(lambda query: [lie(query), answered(query)]) as server,
        asking(server) as client,
    ):
        assert told(await client.answer(NAME)) == GOOD


async def test_what_comes_from_elsewhere_is_ignored() -> None:
    def forge(server: list[Upstream], query: bytes) -> list[bytes]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            forged = answered(query, f"{NAME}. 60 IN A 192.0.2.66")
            other.sendto(forged, server[0].clients[-1])
        return [answered(query)]

    itself: list[Upstream] = []
    async with upstream(partial(forge, itself)) as server, asking(server) as client:
        itself.append(server)
        assert told(await client.answer(NAME)) == GOOD


@pytest.mark.parametrize("rcode", [Rcode.NXDOMAIN, Rcode.SERVFAIL, Rcode.REFUSED])
async def test_its_code_is_passed_on(rcode: Rcode) -> None:
    async with (
        upstream(lambda query: [answered(query, "", rcode=rcode)]) as server,
        asking(server) as client,
    ):
        assert told(await client.answer(NAME)) == (rcode, [])


async def test_a_server_that_knows_no_edns_is_asked_without() -> None:
    def old(query: bytes) -> list[bytes]:
        return [answered(query, "", rcode=1) if query[11] else answered(query)]

    async with upstream(old) as server, asking(server) as client:
        assert told(await client.answer(NAME)) == GOOD


def cut(query: bytes) -> list[bytes]:
    return [answered(query, "", flags=0x0200)]


async def test_a_cut_reply_is_fetched_by_tcp() -> None:
    async with upstream(cut, well) as server, asking(server) as client:
        answer = await client.answer(NAME)
        assert told(answer) == GOOD
        assert not answer.truncated
        assert (len(server.asked), len(server.asked_by_tcp)) == (1, 1)


async def test_without_tcp_a_cut_reply_says_that_it_is_cut() -> None:
    async with upstream(cut, silent) as server, asking(server) as client:
        assert (await client.answer(NAME)).truncated


TRANSPORTS = {
    "a client of TCP": ({}, {"stream": True}, True),
    "a client of UDP": ({}, {}, False),
    "force_tcp": ({"force_tcp": True}, {}, True),
    "prefer_udp": ({"prefer_udp": True}, {"stream": True}, False),
}


@pytest.mark.parametrize(("rules", "wish", "by_tcp"), TRANSPORTS.values(), ids=TRANSPORTS.keys())
async def test_the_transport_is_the_clients(rules: Any, wish: Any, by_tcp: bool) -> None:
    async with upstream(well) as server, asking(server, **rules) as client:
        assert told(await client.answer(NAME, **wish)) == GOOD
        assert bool(server.asked_by_tcp) == by_tcp
        assert bool(server.asked) != by_tcp


async def test_a_silent_server_means_the_next() -> None:
    async with (
        upstream(silent) as dead,
        upstream(well) as alive,
        asking(dead, alive, policy=Policy.SEQUENTIAL, read_seconds=0.02) as client,
    ):
        assert told(await client.answer(NAME)) == GOOD


async def test_a_lost_datagram_is_sent_again() -> None:
    lost = [True]
    async with (
        upstream(lambda query: [] if lost and lost.pop() else well(query)) as server,
        asking(server, read_seconds=0.02) as client,
    ):
        assert told(await client.answer(NAME)) == GOOD


async def test_no_server_means_failure_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "ALL_SECONDS", 0.05)
    async with upstream(silent) as server, asking(server) as client:
        assert told(await client.answer(NAME)) == (Rcode.SERVFAIL, [])


async def test_a_closed_port_is_a_failure_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        address = unused.getsockname()
    async with asking(address) as client:
        assert told(await client.answer(NAME)) == (Rcode.SERVFAIL, [])


async def test_a_server_that_failed_comes_last_for_a_while() -> None:
    clock = FakeClock()
    async with (
        upstream(silent) as dead,
        upstream(well) as alive,
        asking(
            dead,
            alive,
            policy=Policy.SEQUENTIAL,
            max_fails=2,
            cache=None,
            clock=clock,
            read_seconds=0.02,
        ) as client,
    ):
        for _ in range(4):
            await client.answer(NAME)
        assert (len(dead.asked), len(alive.asked)) == (2, 4)
        await clock.advance(forward.DOWN_SECONDS + 0.1)
        await client.answer(NAME)
        assert (len(dead.asked), len(alive.asked)) == (3, 5)


POLICIES = {
    Policy.SEQUENTIAL: lambda counts: counts == [60, 0, 0],
    Policy.ROUND_ROBIN: lambda counts: counts == [20, 20, 20],
    Policy.RANDOM: lambda counts: min(counts) > 5,
}


@pytest.mark.parametrize("policy", Policy)
async def test_policies_spread_the_questions(policy: Policy) -> None:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(upstream(well)) for _ in range(3)]
        client = await stack.enter_async_context(asking(*servers, policy=policy, cache=None))
        for _ in range(60):
            await client.answer(NAME)
        assert POLICIES[policy]([len(server.asked) for server in servers])


async def test_too_many_at_once_are_refused() -> None:
    async with upstream(silent) as server, asking(server, max_concurrent=2) as client:
        waiting = [client.ask(f"{number}.example.org") for number in range(2)]
        assert told(await client.answer("3.example.org")) == (Rcode.REFUSED, [])
        assert not any(question.done() for question in waiting)
        assert client.forwarder.groups[0].rejected == 1


async def test_the_same_question_goes_out_once() -> None:
    async with upstream(silent) as server, asking(server) as client:
        one, two = client.ask(NAME), client.ask("WWW.Example.ORG")
        async with asyncio.timeout(5):
            while not server.asked:
                await asyncio.sleep(0.001)
        server.transport.sendto(answered(server.asked[0]), server.clients[0])
        owners = [text_of((await each).records[0].owner) for each in (one, two)]
        assert owners == ["www.example.org.", "WWW.Example.ORG."]
        assert len(server.asked) == 1


async def test_what_was_answered_is_kept_and_its_ttl_counts_down() -> None:
    clock = FakeClock()
    async with upstream(well) as server, asking(server, clock=clock) as client:
        assert (await client.answer(NAME)).records[0].ttl == 30
        await clock.advance(10)
        again = await client.answer("www.EXAMPLE.org")
        assert (again.records[0].ttl, again.source) == (20, Source.CACHE)
        assert text_of(again.records[0].owner) == "www.EXAMPLE.org."
        await clock.advance(20)
        await client.answer(NAME)
        assert len(server.asked) == 2


@pytest.mark.parametrize("wish", ["dnssec_ok", "unchecked"])
async def test_do_and_cd_make_another_answer(wish: str) -> None:
    async with upstream(well) as server, asking(server) as client:
        await client.answer(NAME)
        await client.answer(NAME, **{wish: True})
        assert len(server.asked) == 2


async def test_a_stale_answer_is_more_use_than_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "ALL_SECONDS", 0.05)
    clock, alive = FakeClock(), [True]
    async with upstream(lambda query: well(query) if alive else []) as server:
        cache = Cache(success=30, stale=Stale(3600))
        async with asking(server, clock=clock, cache=cache) as client:
            await client.answer(NAME)
            alive.clear()
            await clock.advance(100)
            assert told(await client.answer(NAME)) == GOOD
            await clock.advance(3600)
            assert (await client.answer(NAME)).rcode is Rcode.SERVFAIL


@pytest.mark.parametrize("verified", [False, True])
async def test_a_stale_answer_is_given_at_once_or_when_nobody_answers(verified: bool) -> None:
    clock = FakeClock()
    async with upstream(well) as server:
        cache = Cache(success=30, stale=Stale(3600, verified=verified))
        async with asking(server, clock=clock, cache=cache) as client:
            await client.answer(NAME)
            await clock.advance(100)
            second = await client.answer(NAME)
            assert told(second) == GOOD
            assert (second.source is Source.CACHE) == (not verified)
            async with asyncio.timeout(5):
                while len(server.asked) < 2:
                    await asyncio.sleep(0.01)


async def test_a_stale_answer_may_come_when_the_servers_take_too_long() -> None:
    clock, slow = FakeClock(), asyncio.Event()
    async with upstream(lambda query: [] if slow.is_set() else well(query)) as server:
        cache = Cache(success=30, stale=Stale(3600, verified=True, timeout=0.1, ttl=7))
        async with asking(server, clock=clock, cache=cache) as client:
            await client.answer(NAME)
            slow.set()
            await clock.advance(100)
            waiting = client.ask(NAME)
            await clock.advance(0.05)
            assert not waiting.done()
            await clock.advance(0.1)
            answer = await waiting
            assert (told(answer), answer.records[0].ttl) == (GOOD, 7)
            assert client.forwarder.counts["stale"] == 1


@pytest.mark.parametrize("verified", [False, True])
async def test_after_a_failure_a_stale_answer_serves_for_a_while(
    monkeypatch: pytest.MonkeyPatch, verified: bool
) -> None:
    monkeypatch.setattr(forward, "ALL_SECONDS", 0.05)
    clock, alive = FakeClock(), [True]
    async with upstream(lambda query: well(query) if alive else []) as server:
        cache = Cache(success=30, stale=Stale(3600, verified=verified, recheck=30))
        async with asking(server, clock=clock, cache=cache) as client:
            await client.answer(NAME)
            alive.clear()
            await clock.advance(100)
            for _ in range(3):
                assert told(await client.answer(NAME)) == GOOD
                async with asyncio.timeout(5):
                    while client.forwarder.groups[0].flights:
                        await asyncio.sleep(0.01)
            tried = len(server.asked)
            await clock.advance(10)
            assert told(await client.answer(NAME)) == GOOD
            assert len(server.asked) == tried
            alive.append(True)
            await clock.advance(30)
            await client.answer(NAME)
            async with asyncio.timeout(5):
                while len(server.asked) == tried:
                    await asyncio.sleep(0.01)


def denied(query: bytes) -> list[bytes]:
    """There is no such name, for a minute."""
    request = dnslib.DNSRecord.parse(query)
    reply = request.reply()
    reply.header.rcode = dnslib.RCODE.NXDOMAIN
    reply.add_auth(*dnslib.RR.fromZone("example.org. 60 IN SOA a. b. 1 2 3 4 60"))
    return [reply.pack()]


async def test_a_preferred_answer_outlives_a_denial() -> None:
    clock, there = FakeClock(), [True]
    async with upstream(lambda query: well(query) if there else denied(query)) as server:
        stale = Stale(3600, verified=True, prefer_positive=True)
        async with asking(server, clock=clock, cache=Cache(success=30, stale=stale)) as client:
            await client.answer(NAME)
            there.clear()
            await clock.advance(100)
            for _ in range(2):
                assert told(await client.answer(NAME)) == GOOD
            there.append(True)
            assert told(await client.answer(NAME)) == GOOD
            assert client.forwarder.counts["stale"] == 2


async def test_the_address_to_ask_from_may_be_said() -> None:
    async with upstream(well) as server, asking(server, source="127.0.0.9") as client:
        assert told(await client.answer(NAME)) == GOOD
        assert server.clients[-1][0] == "127.0.0.9"


async def test_when_all_are_down_that_is_counted() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        address = unused.getsockname()
    async with asking(address, cache=None, clock=FakeClock()) as client:
        for _ in range(3):
            await client.answer(NAME)
        assert client.forwarder.counts["broken"] == 2


async def test_what_is_popular_is_fetched_before_its_end() -> None:
    clock = FakeClock()
    async with upstream(well) as server:
        cache = Cache(success=30, prefetch=Prefetch(3, 60.0, 10))
        async with asking(server, clock=clock, cache=cache) as client:
            for _ in range(4):
                await client.answer(NAME)
            assert len(server.asked) == 1
            await clock.advance(28)
            assert (await client.answer(NAME)).source is Source.CACHE
            async with asyncio.timeout(5):
                while len(server.asked) < 2 or client.forwarder.groups[0].flights:
                    await asyncio.sleep(0.01)
            await clock.advance(20)
            assert (await client.answer(NAME)).source is Source.CACHE
            await client.answer("rare.example.org")
            await clock.advance(28)
            await client.answer("rare.example.org")
            assert len(server.asked) == 3


async def test_a_loop_is_found_and_ended() -> None:
    clock, reasons = FakeClock(), list[str]()

    def loops(query: bytes) -> list[bytes]:
        """Asks us what it is asked."""
        name = text_of(forward_name(query)).removesuffix(".")
        client.ask(name, int.from_bytes(query[-15:-13], "big"))
        return []

    def tell(reason: str, message: str) -> None:
        reasons.append(f"{reason}: {message}")

    async with (
        upstream(loops) as server,
        asking(server, clock=clock, check_loops=True, tell=tell) as client,
    ):
        waiting = client.ask(NAME)
        async with asyncio.timeout(5):
            while not reasons:
                await asyncio.sleep(0.001)
        (reason,) = reasons
        assert reason.startswith(f"DNSLoop: Loop detected: 127.0.0.1:{server.address[1]} ")
        count = len(server.asked)
        assert (await client.answer("other.example.org")).rcode is Rcode.SERVFAIL
        assert len(server.asked) == count
        server.behaviour = well
        await clock.advance(LOOP_SECONDS + 1)
        assert told(await client.answer("other.example.org")) == GOOD
        waiting.cancel()


def forward_name(query: bytes) -> tuple[bytes, ...]:
    labels, at = [], 12
    while size := query[at]:
        labels.append(query[at + 1 : at + 1 + size])
        at += 1 + size
    return tuple(labels)


async def test_the_probe_for_loops_waits_for_the_first_question() -> None:
    async with upstream(well) as server, asking(server, check_loops=True) as client:
        await asyncio.sleep(0.01)
        assert server.asked == []
        await client.answer(NAME)
        async with asyncio.timeout(5):
            while len(server.asked) < 2:
                await asyncio.sleep(0.001)
        kinds = {int.from_bytes(query[-15:-13], "big") for query in server.asked}
        assert kinds == {Type.A, Type.HINFO}


async def test_servers_with_ipv6_addresses_are_asked() -> None:
    async with upstream(well, host="::1") as server, asking(server) as others:
        assert (await others.answer("www.example.org")).rcode is Rcode.NOERROR
        assert (await others.answer("www.example.org", stream=True)).rcode is Rcode.NOERROR
        assert len(server.asked) >= 1


def failing(query: bytes) -> list[bytes]:
    return [answered(query, "", rcode=2)]


async def test_a_code_may_mean_the_next_server() -> None:
    async with upstream(failing) as bad, upstream(well) as good:
        rules: dict[str, Any] = {"policy": Policy.SEQUENTIAL, "failover": frozenset({2})}
        async with asking(bad, good, **rules) as others:
            assert (await others.answer("www.example.org")).rcode is Rcode.NOERROR
        async with asking(bad, good, policy=Policy.SEQUENTIAL) as others:
            assert (await others.answer("www.example.org")).rcode is Rcode.SERVFAIL
        bad.asked.clear()
        async with asking(bad, **rules) as others:
            assert (await others.answer("www.example.org")).rcode is Rcode.SERVFAIL
        assert len(bad.asked) == 2


async def test_tries_may_be_bounded() -> None:
    async with upstream(silent) as dead, upstream(well) as good:
        async with asking(dead, good, policy=Policy.SEQUENTIAL, attempts=1) as others:
            assert (await others.answer("www.example.org")).rcode is Rcode.SERVFAIL
        assert good.asked == []


async def test_failing_fast_asks_nobody_while_all_are_down() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        closed = nobody.getsockname()
    async with asking(closed, max_fails=1, fail_fast=True, cache=None) as others:
        assert (await others.answer("a.example.org")).rcode is Rcode.SERVFAIL
        assert others.forwarder._to_try(others.forwarder.groups[0]) == []
        assert (await others.answer("b.example.org")).rcode is Rcode.SERVFAIL

"""A whole exchange, without a network: from the octets of a query to those of the reply."""

import logging
import random
from collections import Counter
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netemu.dns import responder as module
from netemu.dns import wire
from netemu.dns.answer import Answer
from netemu.dns.forwarding import Forward
from netemu.dns.nodes import View
from netemu.dns.observation import Observation, Observers
from netemu.dns.outcome import Wish
from netemu.dns.records import Question, Record, Source, Type
from netemu.dns.responder import Responder
from netemu.model import resources
from netemu.model.latest import Latest
from netemu.model.meta import Object
from netemu.model.snapshot import EMPTY, Snapshot, advance
from tests.dns.cluster import (
    CLUSTER,
    NAMESPACES,
    OUTSIDE,
    configured,
    endpoint,
    endpoint_slice,
    external,
    packet,
    replies_to,
    reply_to,
    responder,
    service,
    snapshot_of,
    text_of,
)

SVC = "default.svc.cluster.local"
WEB = packet(f"web.{SVC}")


def rcode_of(query: bytes) -> int:
    return int(reply_to(responder(), query).header.rcode)


def test_a_reply_carries_the_id_and_the_question() -> None:
    reply = reply_to(responder(), packet(f"web.{SVC}", ident=0x1234))
    assert (reply.header.id, reply.header.qr, reply.header.aa, reply.header.ra) == (0x1234, 1, 1, 1)
    assert str(reply.q.qname) == f"web.{SVC}."
    assert [str(rr.rdata) for rr in reply.rr] == ["10.96.0.7"]


EXCHANGES = {
    "an unknown version of EDNS": (
        WEB[:10] + b"\0\1" + WEB[12:] + b"\0\0\x29\4\xd0\0\1\0\0\0\0",
        0,
    ),
    "garbage after a header": (WEB[:12] + b"\xff" * 20, 1),
    "a notification": (b"\0\1\x20\0" + WEB[4:], 4),
    "two questions": (WEB[:4] + b"\0\2" + WEB[6:], 1),
    "a foreign name": (packet("www.example.org"), 5),
    "a class CHAOS": (WEB[:-1] + b"\3", 5),
    "a transfer": (packet("cluster.local", "AXFR"), 5),
    "an unknown name": (packet(f"nope.{SVC}"), 3),
}


@pytest.mark.parametrize(("query", "rcode"), EXCHANGES.values(), ids=EXCHANGES.keys())
def test_odd_queries_get_their_code(query: bytes, rcode: int) -> None:
    assert rcode_of(query) == rcode


def test_replies_and_scraps_get_silence() -> None:
    one = responder()
    (reply,) = replies_to(one, WEB)
    assert replies_to(one, reply) == []
    assert [replies_to(one, WEB[:size]) for size in range(12)] == [[]] * 12
    assert len(replies_to(one, WEB)) == 1


def test_a_change_is_seen_at_once() -> None:
    latest = Latest(CLUSTER)
    one = responder(latest=latest)
    query = packet(f"new.{SVC}")
    assert reply_to(one, query).header.rcode == 3
    latest.replace(
        advance(CLUSTER, resources.SERVICES, None, service("new", "10.96.0.99", ports=("a:1",)))
    )
    assert [str(rr.rdata) for rr in reply_to(one, query).rr] == ["10.96.0.99"]
    latest.replace(CLUSTER)
    assert reply_to(one, query).header.rcode == 3


def test_being_synced_turns_failures_into_denials() -> None:
    latest = Latest(EMPTY)
    one = responder(latest=latest)
    assert reply_to(one, packet(f"nope.{SVC}")).header.rcode == 2
    latest.replace(snapshot_of([], [], []))
    assert reply_to(one, packet(f"nope.{SVC}")).header.rcode == 3


def test_addresses_come_in_every_order_equally_often() -> None:
    slices = endpoint_slice("db", *(endpoint(f"10.0.0.{n}") for n in range(3)), ports=("a:1",))
    one = responder(snapshot_of([], [service("db", "None")], [slices]))
    query = packet(f"db.{SVC}")
    orders = Counter(tuple(str(rr.rdata) for rr in reply_to(one, query).rr) for _ in range(1200))
    assert set(orders) == set(permutations(f"10.0.0.{n}" for n in range(3)))
    assert min(orders.values()) > 140  # 200 each, and more than four deviations


def test_aliases_stay_before_their_addresses() -> None:
    slices = endpoint_slice("db", *(endpoint(f"10.0.0.{n}") for n in range(3)), ports=("a:1",))
    services = [service("db", "None"), external("ext", f"db.{SVC}")]
    one = responder(snapshot_of([], services, [slices]))
    seen = set()
    for _ in range(50):
        reply = reply_to(one, packet(f"ext.{SVC}"))
        assert str(reply.rr[0].rdata) == f"db.{SVC}."
        seen.add(tuple(str(rr.rdata) for rr in reply.rr[1:]))
    assert len(seen) == 6


def test_a_cut_reply_shows_a_random_choice() -> None:
    one = responder()
    seen: set[str] = set()
    for _ in range(30):
        (octets,) = replies_to(one, packet(f"big.{SVC}"))
        reply = reply_to(one, packet(f"big.{SVC}"))
        assert len(octets) <= 512
        assert reply.header.tc == 1
        assert len(reply.rr) == 29
        seen |= {str(rr.rdata) for rr in reply.rr}
    assert len(seen) == 60


def test_streams_give_everything_whatever_edns_says() -> None:
    one = responder(stream=True)
    for query in (packet(f"big.{SVC}"), packet(f"big.{SVC}", edns=512)):
        reply = reply_to(one, query)
        assert (len(reply.rr), reply.header.tc) == (60, 0)


def test_a_larger_size_gives_more() -> None:
    reply = reply_to(responder(), packet(f"big.{SVC}", edns=4096))
    assert (len(reply.rr), reply.header.tc) == (60, 0)


def test_a_bug_is_answered_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    broken = snapshot_of([], [service("bad", "no address"), service("good", "10.0.0.1")], [])
    one = responder(broken)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            reply = reply_to(one, packet(f"bad.{SVC}"))
            assert (reply.header.rcode, str(reply.q.qname)) == (2, f"bad.{SVC}.")
    assert len(caplog.records) == 1
    assert reply_to(one, packet(f"good.{SVC}")).header.rcode == 0


def test_complaints_are_bounded(caplog: pytest.LogCaptureFixture, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "MOST_COMPLAINTS", 0)
    one = responder(snapshot_of([], [service("bad", "no address")], []))
    with caplog.at_level(logging.ERROR):
        assert reply_to(one, packet(f"bad.{SVC}")).header.rcode == 2
    assert caplog.records == []


def test_queries_with_options_are_answered_but_not_kept() -> None:
    one = responder()
    cookie = WEB[:10] + b"\0\1" + WEB[12:] + b"\0\0\x29\4\xd0\0\0\0\0\0\x0c\0\x0a\0\x08abcdefgh"
    assert reply_to(one, cookie).header.rcode == 0
    assert one.table.find(cookie[2:]) is None
    assert replies_to(one, WEB)
    assert one.table.find(WEB[2:]) is not None


class Elsewhere:
    """Answers for other servers, now or when told to."""

    def __init__(self, *, later: bool = False) -> None:
        self.asked: list[tuple[str, Wish]] = []
        self.later = later
        self.waiting: list[Callable[[], None]] = []

    def ask(
        self, question: Question, forward: Forward, wish: Wish, then: Callable[[Answer], None]
    ) -> None:
        self.asked.append((text_of(question.name), wish))
        assert forward.servers == (OUTSIDE,)
        address = Record(question.name, Type.A, 60, bytes([192, 0, 2, 1]))
        answer = Answer(records=(address,), authoritative=False, source=Source.FORWARD)
        self.waiting.append(lambda: then(answer))
        if not self.later:
            self.waiting.pop()()


def test_what_others_may_know_is_asked_of_them() -> None:
    elsewhere = Elsewhere()
    one = responder(asker=elsewhere)
    for name in ("www.example.org", f"ext.{SVC}", "4.3.2.1.in-addr.arpa"):
        assert "192.0.2.1" in str(reply_to(one, packet(name)))
    for name in (f"web.{SVC}", f"nope.{SVC}", f"www.example.org.{SVC}", "7.0.96.10.in-addr.arpa"):
        assert "192.0.2.1" not in str(reply_to(one, packet(name)))
    names = [name for name, _ in elsewhere.asked]
    assert names == ["www.example.org", "www.example.org", "4.3.2.1.in-addr.arpa"]


def test_an_alias_stands_before_what_others_say() -> None:
    reply = reply_to(responder(asker=Elsewhere()), packet(f"ext.{SVC}"))
    assert [str(rr.rdata) for rr in reply.rr] == ["www.example.org.", "192.0.2.1"]
    assert [rr.ttl for rr in reply.rr] == [5, 60]


def test_what_others_say_is_not_kept_with_the_clusters() -> None:
    elsewhere = Elsewhere()
    one = responder(asker=elsewhere)
    for _ in range(3):
        replies_to(one, packet("www.example.org"))
    assert len(elsewhere.asked) == 3


def test_others_are_told_how_the_client_asks() -> None:
    elsewhere = Elsewhere()
    plain = packet("www.example.org")
    careful = plain[:3] + b"\x10" + plain[4:10] + b"\0\1" + plain[12:]
    careful += b"\0\0\x29\4\xd0\0\0\x80\0\0\0"
    replies_to(responder(asker=elsewhere), plain)
    replies_to(responder(asker=elsewhere, stream=True), careful)
    assert [wish for _, wish in elsewhere.asked] == [
        Wish(),
        Wish(dnssec_ok=True, unchecked=True, stream=True),
    ]


def test_the_cluster_answers_while_others_are_waited_for() -> None:
    elsewhere = Elsewhere(later=True)
    one = responder(asker=elsewhere)
    assert replies_to(one, packet("www.example.org")) == []
    assert reply_to(one, WEB).header.rcode == 0
    assert len(elsewhere.waiting) == 1


def test_a_bug_after_the_wait_is_answered_too(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Elsewhere):
        def ask(self, *args: Any) -> None:
            args[-1](None)

    with caplog.at_level(logging.ERROR):
        assert reply_to(responder(asker=Broken()), packet(f"ext.{SVC}")).header.rcode == 2


def test_everybody_who_listens_is_told_once_for_each_reply() -> None:
    observers, seen, too = Observers(), list[Observation](), list[Observation]()
    one = responder(observers=observers, asker=Elsewhere())
    replies_to(one, WEB)
    end = observers.subscribe(seen.append)
    end_too = observers.subscribe(too.append)
    for query in (WEB, packet(f"nope.{SVC}"), packet("www.example.org"), WEB[:12] + b"\xff" * 20):
        replies_to(one, query)
    end_too()
    replies_to(one, WEB)
    end()
    replies_to(one, WEB)
    assert [(each.source, each.rcode) for each in seen] == [
        (Source.KEPT, 0),
        (Source.CLUSTER, 3),
        (Source.FORWARD, 0),
        (Source.SERVER, 1),
        (Source.KEPT, 0),
    ]
    assert len(too) == 4
    first = seen[0]
    assert (first.client, first.port, first.protocol) == ("10.244.0.5", 40000, "udp")
    assert first.question == wire.parse(WEB).question
    assert seen[3].question is None


def test_another_configuration_is_in_force_at_once() -> None:
    configuration = Latest(configured())
    one = Responder(Latest(CLUSTER), configuration, View(), random.Random(1))
    assert reply_to(one, WEB).rr[0].ttl == 5
    configuration.replace(configured(".:53 {\n kubernetes cluster.local {\n ttl 7\n }\n}"))
    assert reply_to(one, WEB).rr[0].ttl == 7


ORDERS = {
    "loadbalance rotate": [["1", "2", "0"], ["2", "0", "1"], ["0", "1", "2"], ["1", "2", "0"]],
    "": [["0", "1", "2"]] * 4,
    "loadbalance rotate {\n prefer 192.0.2.0/24 10.0.0.2/32\n}": [
        ["2", "1", "0"],
        ["2", "0", "1"],
        ["2", "1", "0"],
        ["2", "0", "1"],
    ],
}


@pytest.mark.parametrize(("line", "expected"), ORDERS.items())
def test_addresses_come_in_the_order_that_was_asked_for(
    line: str, expected: list[list[str]]
) -> None:
    assert orders(line) == expected


def orders(line: str) -> list[list[str]]:
    slices = endpoint_slice("db", *(endpoint(f"10.0.0.{n}") for n in range(3)), ports=("a:1",))
    snapshot = snapshot_of([], [service("db", "None")], [slices])
    one = responder(snapshot, corefile=f". {{\n kubernetes cluster.local\n {line}\n}}")
    replies = (reply_to(one, packet(f"db.{SVC}")) for _ in range(4))
    return [[str(rr.rdata)[-1] for rr in reply.rr] for reply in replies]


def test_a_seed_makes_the_same_order_each_time() -> None:
    assert orders("loadbalance random 5") == orders("loadbalance random 5")
    assert orders("loadbalance random 5") != orders("loadbalance random 6")


@given(st.binary(max_size=300))
def test_garbage_is_refused_or_ignored(octets: bytes) -> None:
    sent = replies_to(responder(EMPTY), octets)
    assert len(sent) <= 1
    for reply in sent:
        assert reply[:2] == octets[:2]
        assert reply[2] & 0x80


@given(st.data())
def test_a_damaged_query_is_refused_or_ignored(data: st.DataObject) -> None:
    query = bytearray(packet(f"_pg._tcp.db.{SVC}", "SRV", edns=1232))
    for _ in range(data.draw(st.integers(1, 4))):
        query[data.draw(st.integers(2, len(query) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(query)))
    one = responder()
    for octets in (bytes(query), bytes(query[:cut])):
        for reply in replies_to(one, octets):
            assert reply[:2] == query[:2]
            assert len(reply) <= wire.UDP_LIMIT


OBJECTS: list[tuple[str, Object]] = [
    *((resources.NAMESPACES, obj) for obj in NAMESPACES[:2]),
    (resources.SERVICES, service("a", "10.96.0.1", ports=("http:80",))),
    (resources.SERVICES, service("a", "10.96.0.2", ports=("http:81",))),
    (resources.SERVICES, service("b", "None", ports=("http:80",))),
    (resources.SERVICES, external("c", f"a.{SVC}")),
    (resources.SERVICES, external("c", f"b.{SVC}")),
    (resources.ENDPOINT_SLICES, endpoint_slice("a", endpoint("10.244.0.1"), ports=("http:80",))),
    (resources.ENDPOINT_SLICES, endpoint_slice("b", endpoint("10.244.0.1"), ports=("http:80",))),
    (
        resources.ENDPOINT_SLICES,
        endpoint_slice("b", endpoint("10.244.0.1"), endpoint("10.244.0.2"), ports=("http:80",)),
    ),
    (
        resources.ENDPOINT_SLICES,
        endpoint_slice("b", endpoint("10.244.0.1", ready=False), ports=("http:80",)),
    ),
]
QUERIES = [
    *(packet(f"{name}.{SVC}", kind) for name in "abcd" for kind in ("A", "AAAA", "SRV", "CNAME")),
    packet(f"_http._tcp.b.{SVC}", "SRV"),
    packet(f"10-244-0-1.b.{SVC}"),
    packet("1.0.244.10.in-addr.arpa", "PTR"),
    packet("1.0.96.10.in-addr.arpa", "PTR"),
    packet(SVC),
    packet("1-2-3-4.bare.pod.cluster.local"),
    packet("cluster.local", "SOA"),
    packet("www.example.org"),
]


class Walk:
    """A snapshot that changes at random."""

    def __init__(self) -> None:
        self.latest = Latest(Snapshot())
        self._have: dict[tuple[str, str], Object] = {}

    def step(self, resource: str, obj: Object, *, put: bool) -> None:
        key = resource, obj["metadata"]["name"]
        old, new = self._have.pop(key, None), obj if put else None
        if new is not None:
            self._have[key] = new
        self.latest.replace(advance(self.latest.value, resource, old, new))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(OBJECTS), st.booleans(), st.booleans()), max_size=25))
def test_a_kept_reply_is_the_one_that_would_be_made(
    steps: list[tuple[tuple[str, Object], bool, bool]],
) -> None:
    walk = Walk()
    kept = responder(latest=walk.latest)
    for (resource, obj), put, ask in steps:
        walk.step(resource, obj, put=put)
        if not ask:  # several changes between two questions
            continue
        fresh = responder(latest=walk.latest)
        for query in QUERIES:
            for _ in range(2):
                assert in_order(replies_to(kept, query)) == in_order(replies_to(fresh, query))


def in_order(replies: list[bytes]) -> list[tuple[bytes, list[bytes]]]:
    """Replies with their trailing A records sorted, as their order is random."""
    cut = [(reply, max(12, len(reply) - 16 * reply[7])) for reply in replies]
    return [
        (reply[:at], sorted(reply[i : i + 16] for i in range(at, len(reply), 16)))
        for reply, at in cut
    ]


def test_nothing_is_remembered_of_old_snapshots() -> None:
    """An entry holds parts, never a snapshot, so that old ones go."""
    one = responder()
    replies_to(one, WEB)
    entries = one.table._entries.values()
    assert not any(isinstance(part.found, Snapshot) for entry in entries for part in entry.parts)

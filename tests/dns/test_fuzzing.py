"""The whole server under odd octets, guided by what queries look like."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dns.cluster import packet
from tests.dns.fuzzing import Round, check
from tests.dns.upstream import answered

ROUND = Round()
NAMES = [
    "web.default.svc.cluster.local",
    "big.default.svc.cluster.local",
    "ext.default.svc.cluster.local",
    "web.short",
    "static.example",
    "ip-7.tpl",
    "www.example.org",
    "7.0.96.10.in-addr.arpa",
    "_pg._tcp.db.default.svc.cluster.local",
    "10-244-0-7.default.pod.cluster.local",
    "cluster.local",
]
KINDS = [1, 2, 5, 6, 12, 13, 15, 16, 28, 33, 41, 64, 65, 250, 251, 252, 255, 65535]


def framed(query: bytes, reply: bytes) -> bytes:
    return bytes([len(query) & 0xFF]) + query + reply


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=400))
def test_any_octets(octets: bytes) -> None:
    ROUND.play(octets)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(NAMES), st.sampled_from(KINDS), st.sampled_from([0, 1, 600, 65535]), st.data()
)
def test_damaged_queries_and_replies(name: str, kind: int, edns: int, data: st.DataObject) -> None:
    query = bytearray(packet(name, kind, edns=edns))
    reply = bytearray(answered(bytes(query)))
    for octets in (query, reply):
        for _ in range(data.draw(st.integers(0, 3))):
            octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    ROUND.play(framed(bytes(query), bytes(reply)))


def test_a_round_notices_what_must_not_be() -> None:
    query = packet(NAMES[0])
    good = query[:2] + b"\x80" + query[3:]
    check(query, good, stream=False)
    for bad_query, reply in (
        (good, good),
        (query, query),
        (query, b"\xff" + good[1:]),
        (query, good + bytes(600)),
    ):
        with pytest.raises(AssertionError):
            check(bad_query, reply, stream=False)


def test_a_round_lets_surprises_out() -> None:
    one = Round()
    one._responders[0]._view = None  # type: ignore[assignment]  # a bug
    with pytest.raises(AttributeError):
        one.play(framed(packet(NAMES[0]), b""))

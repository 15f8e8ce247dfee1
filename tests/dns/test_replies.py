import random

from netemu.dns import replies as module
from netemu.dns import wire
from netemu.dns.answer import answer
from netemu.dns.nodes import View
from netemu.dns.replies import Replies
from netemu.model import resources
from netemu.model.snapshot import advance
from tests.dns.cluster import CLUSTER, DOMAIN, SERVICES, packet, service

WEB = "web.default.svc.cluster.local"


def table() -> Replies:
    return Replies(CLUSTER, random.Random(3).shuffle)


def put(replies: Replies, query: bytes, *, keep: bool = True) -> bytes:
    parsed = wire.parse(query)
    made = answer(replies.snapshot, parsed.question, DOMAIN, View())
    reply = wire.build(parsed, made, parsed.limit)
    return bytes(replies.put(query, reply, made.parts, keep=keep))


def test_a_reply_is_found_again_under_another_id() -> None:
    replies = table()
    first = put(replies, packet(WEB, ident=1))
    again = replies.get(packet(WEB, ident=0xABCD))
    assert again is not None
    assert bytes(again[:2]) == b"\xab\xcd"
    assert bytes(again[2:]) == first[2:]


def test_whatever_else_differs_is_another_entry() -> None:
    replies = table()
    put(replies, packet(WEB))
    for other in (
        packet(WEB.upper()),
        packet(WEB, "AAAA"),
        packet(WEB, edns=1232),
        packet(WEB)[:2] + b"\0" + packet(WEB)[3:],
    ):
        assert replies.get(other) is None


def test_an_entry_outlives_changes_of_others() -> None:
    replies = table()
    put(replies, packet(WEB))
    replies.follow(advance(CLUSTER, resources.SERVICES, None, service("new", "10.96.0.99")))
    assert replies.get(packet(WEB)) is not None


def test_an_entry_ends_with_what_it_came_from() -> None:
    replies = table()
    put(replies, packet(WEB))
    replies.follow(advance(CLUSTER, resources.SERVICES, SERVICES[0], None))
    assert replies.get(packet(WEB)) is None
    assert len(replies) == 0


def test_a_denial_ends_when_the_name_appears() -> None:
    replies = table()
    put(replies, packet("new.default.svc.cluster.local"))
    replies.follow(advance(CLUSTER, resources.SERVICES, None, service("new", "10.96.0.99")))
    assert replies.get(packet("new.default.svc.cluster.local")) is None


def test_a_denial_that_stays_gets_the_new_serial() -> None:
    replies = table()
    query = packet("nope.default.svc.cluster.local")
    put(replies, query)
    changed = advance(CLUSTER, resources.SERVICES, None, service("new", "10.96.0.99"))
    replies.follow(changed)
    kept = replies.get(query)
    assert kept is not None
    other = Replies(changed, random.Random(3).shuffle)
    assert bytes(kept) == put(other, query)


def test_the_table_is_bounded(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(module, "MOST_ENTRIES", 10)
    replies = table()
    for number in range(25):
        put(replies, packet(f"x{number}.default.svc.cluster.local"))
    assert len(replies) == 10
    assert replies.get(packet("x24.default.svc.cluster.local")) is not None
    assert replies.get(packet("x14.default.svc.cluster.local")) is None


def test_what_isnt_to_be_kept_is_not() -> None:
    replies = table()
    assert put(replies, packet(WEB), keep=False)
    assert len(replies) == 0


def test_the_first_reply_is_shuffled_as_well() -> None:
    query = packet("db.default.svc.cluster.local")
    orders = set()
    for seed in range(20):
        orders.add(put(Replies(CLUSTER, random.Random(seed).shuffle), query))
    assert len(orders) == 2

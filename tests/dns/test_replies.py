import gc
import random

import pytest
from msgspec.structs import replace

from netemu.dns import replies as module
from netemu.dns import wire
from netemu.dns.answer import answer
from netemu.dns.chain import Order
from netemu.dns.nodes import View
from netemu.dns.order import arranger
from netemu.dns.replies import FEW, Replies, Room
from netemu.model import resources
from netemu.model.selectorparser import parse
from netemu.model.snapshot import advance
from tests.dns.cluster import CLUSTER, DOMAIN, SERVICES, packet, service

WEB = "web.default.svc.cluster.local"


def table() -> Replies:
    return Replies(CLUSTER, arranger(Order.RANDOM, random.Random(3)))


def put(replies: Replies, query: bytes, *, keep: bool = True) -> bytes:
    parsed = wire.parse(query)
    made = answer(replies.snapshot, parsed.question, DOMAIN, View())
    reply = wire.build(parsed, made, parsed.limit)
    return query[:2] + replies.put(query[2:], reply, made.parts, keep=keep)


def get(replies: Replies, query: bytes) -> bytes | None:
    entry = replies.find(query[2:])
    return None if entry is None else query[:2] + entry.reply


def test_a_reply_is_found_again_under_another_id() -> None:
    replies = table()
    first = put(replies, packet(WEB, ident=1))
    again = get(replies, packet(WEB, ident=0xABCD))
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
        assert get(replies, other) is None


def test_an_entry_outlives_changes_of_others() -> None:
    replies = table()
    put(replies, packet(WEB))
    replies.follow(advance(CLUSTER, resources.SERVICES, None, service("new", "10.96.0.99")))
    assert get(replies, packet(WEB)) is not None


def test_an_entry_ends_with_what_it_came_from() -> None:
    replies = table()
    put(replies, packet(WEB))
    replies.follow(advance(CLUSTER, resources.SERVICES, SERVICES[0], None))
    assert get(replies, packet(WEB)) is None
    assert len(replies) == 0


def test_a_denial_ends_when_the_name_appears() -> None:
    replies = table()
    put(replies, packet("new.default.svc.cluster.local"))
    replies.follow(advance(CLUSTER, resources.SERVICES, None, service("new", "10.96.0.99")))
    assert get(replies, packet("new.default.svc.cluster.local")) is None


def test_a_denial_that_stays_gets_the_new_serial() -> None:
    replies = table()
    query = packet("nope.default.svc.cluster.local")
    put(replies, query)
    changed = advance(CLUSTER, resources.SERVICES, None, service("new", "10.96.0.99"))
    replies.follow(changed)
    kept = get(replies, query)
    assert kept is not None
    other = Replies(changed, arranger(Order.RANDOM, random.Random(3)))
    assert bytes(kept) == put(other, query)


@pytest.fixture
def little_room(monkeypatch: pytest.MonkeyPatch) -> Room:
    """Room for some eight replies, of which one leaves for each fourth that finds none."""
    monkeypatch.setattr(module, "MOST_OCTETS", 5000)
    monkeypatch.setattr(module, "PASSED_BY", 3)
    monkeypatch.setattr(module, "LEAVING", 1)
    return Room()


def denied(number: int) -> bytes:
    return packet(f"x{number}.default.svc.cluster.local")


KEEP = arranger(Order.KEEP, random.Random(3))


def test_the_table_is_bounded_and_its_oldest_leave_first(little_room: Room) -> None:
    replies = Replies(CLUSTER, KEEP, little_room)
    for number in range(70):
        put(replies, denied(number))
    assert 5 <= len(replies) <= 12
    kept = [number for number in range(70) if get(replies, denied(number)) is not None]
    assert min(kept) > 20
    assert max(kept) > 60


def test_who_asks_for_more_than_fits_still_finds_as_much_as_fits(little_room: Room) -> None:
    replies = Replies(CLUSTER, KEEP, little_room)
    rounds, found = 50, 0
    for _ in range(rounds):
        for number in range(16):
            if get(replies, denied(number)) is None:
                put(replies, denied(number))
            else:
                found += 1
    assert found > rounds * len(replies) * 0.7


def test_all_tables_of_a_server_share_one_bound(little_room: Room) -> None:
    one, other = Replies(CLUSTER, KEEP, little_room), Replies(CLUSTER, KEEP, little_room)
    for number in range(50):
        put(one, denied(number))
    most = len(one)
    for number in range(12):
        put(other, denied(number))
    assert (len(one), len(other)) == (most - 3, 3)
    Replies(CLUSTER, KEEP, little_room, before=one)
    assert len(one) == 0
    other.clear()
    assert little_room.left == 5000


def test_what_never_fits_isnt_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_OCTETS", 100)
    replies = table()
    assert put(replies, packet(WEB))
    assert len(replies) == 0


def test_what_isnt_true_any_more_gives_its_room_back() -> None:
    replies = table()
    left = replies._room.left
    put(replies, packet(WEB))
    put(replies, packet(WEB))
    assert replies._room.left < left
    replies.follow(advance(CLUSTER, resources.SERVICES, SERVICES[0], None))
    assert get(replies, packet(WEB)) is None
    assert replies._room.left == left


def test_what_is_kept_of_one_service_shares_what_was_read() -> None:
    replies, parts = table(), []
    for query in (packet(WEB), packet(WEB, "AAAA"), packet("db.default.svc.cluster.local")):
        put(replies, query)
        entry = replies.find(query[2:])
        assert entry is not None
        parts.append(entry.parts)
    assert parts[0] is parts[1]
    assert parts[0] is not parts[2]


def spelled(number: int) -> str:
    """One of a thousand ways to write the same name."""
    letters = enumerate("web.default")
    start = "".join(c.upper() if number >> place & 1 else c for place, c in letters)
    return start + WEB[len("web.default") :]


def test_the_garbage_collector_has_nothing_to_look_at() -> None:
    replies = table()

    def tracked_after(numbers: range) -> int:
        for number in numbers:
            put(replies, denied(number))
            put(replies, packet(spelled(number)))
        gc.collect()
        return len(gc.get_objects())

    few = tracked_after(range(FEW // 2, FEW))
    assert tracked_after(range(FEW // 2)) <= few + 5
    assert tracked_after(range(FEW, 500)) <= few + 5  # many of one Service are one list


def test_what_isnt_to_be_kept_is_not() -> None:
    replies = table()
    assert put(replies, packet(WEB), keep=False)
    assert len(replies) == 0


def test_the_first_reply_is_shuffled_as_well() -> None:
    query = packet("db.default.svc.cluster.local")
    orders = set()
    for seed in range(20):
        orders.add(put(Replies(CLUSTER, arranger(Order.RANDOM, random.Random(seed))), query))
    assert len(orders) == 2


def test_a_change_to_one_service_leaves_the_entries_of_others_alone() -> None:
    replies = table()
    put(replies, packet(WEB))
    put(replies, packet("db.default.svc.cluster.local"))
    put(replies, packet("7.0.96.10.in-addr.arpa", "PTR"))
    replies.follow(advance(CLUSTER, resources.SERVICES, SERVICES[0], None))
    stale = [entry.generation == module.STALE for entry in replies._entries.values()]
    assert stale == [True, False, True]


def test_a_denial_is_marked_by_what_appears() -> None:
    replies = table()
    query = packet("new.default.svc.cluster.local")
    put(replies, query)
    replies.follow(advance(CLUSTER, resources.SERVICES, None, service("new", "10.96.0.99")))
    assert get(replies, query) is None


def test_nobody_is_remembered_as_a_reader_of_what_he_dropped() -> None:
    replies = table()
    for name in (WEB, "db.default.svc.cluster.local", "nope.nope.svc.cluster.local"):
        put(replies, packet(name))
    put(replies, packet("10.0.244.10.in-addr.arpa", "PTR"))
    replies.clear()
    assert replies._readers == {}


def test_labels_that_were_read_are_watched() -> None:
    only = replace(DOMAIN, labels=parse("app=nginx"))
    labelled = service("web", "10.96.0.7")
    labelled["metadata"]["labels"] = {"app": "nginx"}
    replies = table()
    query = packet(WEB)
    parsed = wire.parse(query)
    made = answer(CLUSTER, parsed.question, only, View())
    replies.put(query[2:], wire.build(parsed, made, 512), made.parts, keep=True)
    assert get(replies, query) is not None
    replies.follow(advance(CLUSTER, resources.SERVICES, SERVICES[0], labelled))
    assert get(replies, query) is None

from netemu.dns import wire
from netemu.dns.records import Source
from netemu.dns.tallies import LAST, MOST_KINDS, Kind, Tallies, kept_kind, made_kind
from tests.dns.cluster import packet


def kind(number: int) -> Kind:
    return kept_kind(number.to_bytes(20, "big"), bytes(40), "udp", Source.CLUSTER, by_ipv6=False)


def test_a_kind_tells_type_sizes_and_code() -> None:
    query, reply = bytes(30) + b"\0\1\0\1", b"\x84\x03" + bytes(50)
    assert kept_kind(query, reply, "tcp", Source.CLUSTER, by_ipv6=True) == (
        query[-15:],
        36,
        54,
        3,
        "tcp",
        True,
        None,
    )


def test_what_was_taken_starts_anew() -> None:
    tallies = Tallies()
    tallies.of(kind(1)).count += 3
    tallies.of(kind(1)).count += 1
    assert tallies.taken() == [(kind(1), 4)]
    assert tallies.taken() == []


def test_a_tally_in_use_stays_the_same() -> None:
    tallies = Tallies()
    held = tallies.of(kind(1))
    held.users += 1
    tallies.of(kind(2)).count += 1
    tallies.taken()
    held.count += 1
    assert tallies.of(kind(1)) is held
    assert tallies.taken() == [(kind(1), 1)]


def test_kinds_are_bounded_while_nobody_reads() -> None:
    tallies = Tallies()
    for number in range(3 * MOST_KINDS):
        tallies.of(kind(number)).count += 1
    assert len(tallies._by_kind) <= MOST_KINDS


def test_whoever_reads_is_told_before_something_is_lost() -> None:
    tallies, total = Tallies(), 0

    def take() -> None:
        nonlocal total
        total += sum(count for _, count in tallies.taken())

    tallies.overflowing = take
    for number in range(3 * MOST_KINDS):
        tallies.of(kind(number)).count += 1
    take()
    assert total == 3 * MOST_KINDS


def test_a_reply_that_is_kept_later_is_of_the_same_type() -> None:
    plain = packet("web.default.svc.cluster.local", "AAAA", edns=1232)
    reply = plain[:2] + b"\x84\x03" + bytes(50)
    how = len(plain), reply, "udp", Source.CLUSTER
    made = made_kind(wire.parse(plain), *how, by_ipv6=False)
    assert made[0][:4] == plain[-LAST:][:4] == b"\0\x1c\0\1"
    assert made[1:] == (len(plain), len(reply), 3, "udp", False, "cluster")
    dnssec_ok = plain[:-4] + b"\x80" + plain[-3:]
    made = made_kind(wire.parse(dnssec_ok), *how, by_ipv6=False)
    assert made[0] == dnssec_ok[-LAST:][:4] + b"\0\0\x29" + bytes(4) + b"\x80" + bytes(3)
    assert made_kind(None, *how, by_ipv6=False)[0] == b""


def test_a_cached_reply_says_something_or_denies_it() -> None:
    asked = wire.parse(packet("www.example.org"))
    for head, origin in (
        (b"\0\0\x84\0\0\1\0\1", "cache/success"),
        (b"\0\0\x84\0\0\1\0\0", "cache/denial"),
        (b"\0\0\x84\3\0\1\0\1", "cache/denial"),
    ):
        assert made_kind(asked, 30, head, "udp", Source.CACHE, by_ipv6=False)[-1] == origin


def test_a_kept_reply_is_told_by_who_made_it() -> None:
    kept = kept_kind(bytes(30), bytes(50), "udp", Source.HOSTS, by_ipv6=False)
    assert kept[-1] == "hosts"

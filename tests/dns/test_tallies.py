from netemu.dns.tallies import MOST_KINDS, Kind, Tallies, kept_kind


def kind(number: int) -> Kind:
    return kept_kind(number.to_bytes(20, "big"), bytes(40), "udp", by_ipv6=False)


def test_a_kind_tells_type_sizes_and_code() -> None:
    query, reply = bytes(30) + b"\0\1\0\1", b"\x84\x03" + bytes(50)
    assert kept_kind(query, reply, "tcp", by_ipv6=True) == (
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

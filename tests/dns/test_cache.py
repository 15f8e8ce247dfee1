import pytest

from netemu.dns import forwarding
from netemu.dns.answer import Answer
from netemu.dns.cache import Cache, Key, key_of
from netemu.dns.records import Question, Rcode, Record, Source, Type, Wire, name_from
from tests.support.clock import FakeClock

NAME = name_from("www.example.org")


def key(name: str = "www.example.org", kind: int = Type.A) -> Key:
    return key_of(Question(name_from(name), kind), dnssec_ok=False, unchecked=False)


def positive(*ttls: int) -> Answer:
    records = (Record(NAME, Type.A, ttl, bytes([10, 0, 0, n])) for n, ttl in enumerate(ttls))
    return Answer(records=tuple(records), source=Source.FORWARD)


def negative(ttl: int, minimum: int, rcode: Rcode = Rcode.NXDOMAIN) -> Answer:
    soa = Record(NAME, Type.SOA, ttl, Wire(bytes(20) + minimum.to_bytes(4, "big")))
    return Answer(rcode=rcode, authority=(soa,))


FAILURE = Answer(rcode=Rcode.SERVFAIL)
CAPPED = forwarding.Cache(success=30, denial=20)

LIFETIMES = {
    "as long as it says": (positive(25), 25),
    "the shortest of its records": (positive(25, 15), 15),
    "no longer than the cap": (positive(3600), 30),
    "no shorter than the least": (positive(0), 5),
    "a denial, by its SOA's TTL": (negative(10, 3600), 10),
    "a denial, by its SOA's minimum": (negative(3600, 10), 10),
    "a denial up to its own cap": (negative(3600, 3600), 20),
    "no data": (negative(10, 10, Rcode.NOERROR), 10),
    "a denial without SOA": (Answer(rcode=Rcode.NXDOMAIN), 0),
    "a failure": (FAILURE, 5),
    "a refusal": (Answer(rcode=Rcode.REFUSED), 0),
    "a cut answer": (Answer(records=positive(60).records, truncated=True), 0),
}


@pytest.mark.parametrize(("answer", "seconds"), LIFETIMES.values(), ids=LIFETIMES.keys())
async def test_answers_live(answer: Answer, seconds: int) -> None:
    clock = FakeClock()
    cache = Cache(CAPPED, clock)
    cache.put(key(), answer)
    if seconds:
        await clock.advance(seconds - 0.5)
        assert cache.get(key()) is not None
        await clock.advance(1)
    assert cache.get(key()) is None
    assert len(cache) == 0


async def test_all_ttls_are_the_time_that_is_left() -> None:
    clock = FakeClock()
    cache = Cache(CAPPED, clock)
    first = cache.put(key(), positive(3600, 25))
    assert [record.ttl for record in first.records] == [25, 25]
    assert first.source is Source.FORWARD
    await clock.advance(10)
    again = cache.get(key())
    assert again is not None
    assert [record.ttl for record in again.records] == [15, 15]
    assert again.source is Source.CACHE


async def test_ttls_may_stand_still() -> None:
    clock = FakeClock()
    cache = Cache(forwarding.Cache(success=30, count_down=False), clock)
    cache.put(key(), positive(30))
    await clock.advance(10)
    again = cache.get(key())
    assert again is not None
    assert again.records[0].ttl == 30


def test_some_names_are_never_kept() -> None:
    cluster = (name_from("cluster.local"),)
    rules = forwarding.Cache(
        zones=(name_from("example.org"), *cluster), no_success=cluster, no_denial=cluster
    )
    cache = Cache(rules, FakeClock())
    cache.put(key("a.cluster.local"), positive(60))
    cache.put(key("b.cluster.local"), negative(60, 60))
    cache.put(key("example.com"), positive(60))
    assert len(cache) == 0
    cache.put(key("a.example.org"), positive(60))
    assert len(cache) == 1


def test_a_flood_of_denials_drives_out_no_answer() -> None:
    cache = Cache(forwarding.Cache(denials=10), FakeClock())
    cache.put(key(), positive(60))
    for number in range(100):
        cache.put(key(f"{number}.example.org"), negative(60, 60))
    assert cache.sizes == (1, 10)
    assert cache.get(key()) is not None
    assert cache.get(key("99.example.org")) is not None
    assert cache.get(key("89.example.org")) is None


def test_the_one_not_asked_for_longest_goes_first() -> None:
    cache = Cache(forwarding.Cache(entries=2), FakeClock())
    for name in ("a.example", "b.example"):
        cache.put(key(name), positive(60))
    assert cache.get(key("a.example"))
    cache.put(key("c.example"), positive(60))
    assert cache.get(key("b.example")) is None
    assert cache.get(key("a.example")) is not None


def test_a_name_that_appears_is_no_longer_denied() -> None:
    cache = Cache(CAPPED, FakeClock())
    cache.put(key(), negative(60, 60))
    cache.put(key(), positive(60))
    assert cache.sizes == (1, 0)


async def test_what_is_over_serves_only_when_asked_for() -> None:
    clock = FakeClock()
    cache = Cache(forwarding.Cache(success=30, stale=forwarding.Stale(100)), clock)
    cache.put(key(), positive(60))
    await clock.advance(31)
    assert cache.get(key()) is None
    stale = cache.get(key(), stale=True)
    assert stale is not None
    assert stale.records[0].ttl == 0
    await clock.advance(100)
    assert cache.get(key(), stale=True) is None


async def test_an_answer_may_be_preferred_to_the_denial_that_came_since() -> None:
    clock = FakeClock()
    stale = forwarding.Stale(100, ttl=7, prefer_positive=True)
    cache = Cache(forwarding.Cache(success=30, stale=stale), clock)
    cache.put(key(), positive(30))
    await clock.advance(40)
    cache.put(key(), negative(60, 60))
    assert cache.get(key()) is None, "it is to be asked for anew"
    old = cache.get(key(), stale=True)
    assert old is not None
    assert [record.ttl for record in old.records] == [7]


def test_denials_have_limits_of_their_own_and_evictions_are_counted() -> None:
    counts: dict[str, int] = {}
    cache = Cache(forwarding.Cache(entries=1, denials=2, least_denial=9), FakeClock(), counts)
    for number in range(3):
        cache.put(key(f"n{number}.example"), negative(1, 1))
        cache.put(key(f"p{number}.example"), positive(30))
    assert cache.sizes == (1, 2)
    assert counts == {"evicted denial": 1, "evicted success": 2}
    kept = cache.get(key("n2.example"))
    assert kept is not None
    assert kept.authority[0].ttl == 9

from netemu.dns.observation import Batch, Observation, Observers
from netemu.dns.records import Source
from tests.test_mmsg import name4, name6

CLIENTS = name4("10.244.0.5", 4000) + name6("fe80::1", 4001, 7)
BATCH = Batch(0.1, [b"query-1", b"query-2"], [b"reply-1", b"reply-2"], CLIENTS)


def test_a_batch_can_be_told_one_by_one() -> None:
    seen: list[Observation] = []
    observers = Observers()
    leave = observers.subscribe(seen.append)
    assert observers.observe_batch is not None
    observers.observe_batch(BATCH)
    assert seen == [
        Observation("10.244.0.5", 4000, "udp", b"\0\0query-1", b"\0\0reply-1", 0.1, Source.KEPT),
        Observation("fe80::1", 4001, "udp", b"\0\0query-2", b"\0\0reply-2", 0.1, Source.KEPT),
    ]
    leave()
    assert observers.observe is None
    assert observers.observe_batch is None


def test_several_listeners_hear_everything() -> None:
    observers, one, other, batches = Observers(), list[object](), list[object](), list[object]()
    observers.subscribe(one.append, batches.append)
    observers.subscribe(other.append)
    single = next(BATCH.observations())
    assert observers.observe is not None
    assert observers.observe_batch is not None
    observers.observe(single)
    observers.observe_batch(BATCH)
    assert one == [single]
    assert batches == [BATCH]
    assert len(other) == 3

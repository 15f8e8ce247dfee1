from dataclasses import replace

from netemu.dns.reading import Reading, reads_untold, still_true, touched, watched
from netemu.model import resources
from netemu.model.snapshot import advance
from tests.dns.cluster import CLUSTER, SERVICES, endpoint, endpoint_slice, namespace, service


def test_what_was_read_stays_true_while_it_is_the_same() -> None:
    reading = Reading(CLUSTER)
    assert reading.service(("default", "web")) is not None
    assert reading.owners("10.96.0.7") == [("default", "web")]
    other = advance(CLUSTER, resources.SERVICES, None, service("new", "10.96.0.99"))
    assert other is not CLUSTER
    assert still_true(reading.parts, other)


def test_each_kind_of_part_notices_its_change() -> None:
    changed = endpoint_slice("web", endpoint("10.244.0.7"), ports=("http:80",))
    late = endpoint_slice("nope", endpoint("10.244.0.8"))
    cases = [
        (lambda r: r.service(("default", "web")), resources.SERVICES, SERVICES[0], None),
        (lambda r: r.service(("default", "web")), resources.ENDPOINT_SLICES, None, changed),
        (lambda r: r.service(("default", "late")), resources.SERVICES, None, service("late")),
        (lambda r: r.owners("10.96.0.7"), resources.SERVICES, SERVICES[0], None),
        (lambda r: r.has_namespace("new"), resources.NAMESPACES, None, namespace("new")),
    ]
    for read, resource, old, new in cases:
        reading = Reading(CLUSTER)
        read(reading)  # type: ignore[no-untyped-call]  # a lambda has no types
        assert still_true(reading.parts, CLUSTER)
        assert not still_true(reading.parts, advance(CLUSTER, resource, old, new))
    assert still_true((), advance(CLUSTER, resources.ENDPOINT_SLICES, None, late))


def test_being_synced_is_a_part() -> None:
    reading = Reading(CLUSTER)
    assert reading.is_synced()
    assert len(reading.parts) == 1


def test_a_change_touches_the_service_and_its_addresses() -> None:
    moved = service("web", "10.96.0.77", ports=("http:80",))
    now = advance(CLUSTER, resources.SERVICES, SERVICES[0], moved)
    assert touched(CLUSTER, now) == {
        ("default", "web"),
        "10.96.0.7",
        "10.96.0.77",
        "10.244.0.5",
        "10.244.0.6",
    }
    assert touched(CLUSTER, CLUSTER) == set()


def test_other_changes_may_touch_anything() -> None:
    more = advance(CLUSTER, resources.NAMESPACES, None, namespace("more"))
    assert touched(CLUSTER, more) is None
    assert touched(replace(CLUSTER, synced=False), CLUSTER) is None


def test_what_is_touched_is_what_was_read() -> None:
    reading = Reading(CLUSTER)
    reading.service(("default", "web"))
    reading.owners("10.96.0.7")
    reading.has_namespace("default")
    assert watched(reading.parts) == [("default", "web"), "10.96.0.7"]
    assert not reads_untold(reading.parts)
    reading.pod("10.244.0.5")
    assert reads_untold(reading.parts)

from typing import Any

import pytest

from netemu.api import events
from netemu.api.registry import Registry
from netemu.clock import rfc3339, rfc3339_micro
from netemu.model.meta import Object
from tests.support.api import add_namespace, new_registry
from tests.support.clock import FakeClock, settle

POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "default", "uid": "u", "resourceVersion": "5"},
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def registry(clock: FakeClock) -> Registry:
    found = new_registry(clock)
    await add_namespace(found)
    return found


def stored(registry: Registry) -> list[Object]:
    return registry.client("tests").list("events")


async def test_an_event_says_who_told_what_of_whom_and_when(
    registry: Registry, clock: FakeClock
) -> None:
    async with registry:
        about = {**POD, "fieldPath": "spec.containers{c}"}
        registry.recorder("kubelet", "n1").event(about, "Normal", "Pulled", "here")
        await settle()
        (found,) = stored(registry)
    when = rfc3339(clock.now())
    assert found["metadata"]["name"].startswith("web.")
    assert found["involvedObject"] == {
        "kind": "Pod",
        "namespace": "default",
        "name": "web",
        "uid": "u",
        "apiVersion": "v1",
        "resourceVersion": "5",
        "fieldPath": "spec.containers{c}",
    }
    assert found["source"] == {"component": "kubelet", "host": "n1"}
    assert found["reportingComponent"] == "kubelet"
    assert (found["firstTimestamp"], found["lastTimestamp"], found["count"]) == (when, when, 1)
    assert (found["type"], found["reason"], found["message"]) == ("Normal", "Pulled", "here")


async def test_equal_events_are_counted_in_one_object(registry: Registry, clock: FakeClock) -> None:
    async with registry:
        recorder = registry.recorder("kubelet")
        for _ in range(3):
            recorder.event(POD, "Warning", "BackOff", "again")
            await clock.advance(5)
        recorder.event(POD, "Warning", "BackOff", "something else")
        await settle()
        first, second = sorted(stored(registry), key=lambda event: -event["count"])
    assert (first["count"], second["count"]) == (3, 1)
    assert first["lastTimestamp"] == rfc3339(clock.now() - 5)


async def test_the_scheduler_tells_in_series(registry: Registry, clock: FakeClock) -> None:
    """As by events.k8s.io: equal events within six minutes are one series."""
    recorder = registry.recorder("default-scheduler")
    async with registry:
        for _ in range(3):
            recorder.event(POD, "Warning", "FailedScheduling", "0/1 nodes are available")
            await clock.advance(100)
        (found,) = stored(registry)
        began = clock.now() - 300
        assert found["eventTime"] == rfc3339_micro(began)
        assert found["series"] == {"count": 3, "lastObservedTime": rfc3339_micro(began + 200)}
        assert (found["reportingComponent"], found["action"]) == ("default-scheduler", "Scheduling")
        assert found["reportingInstance"] == "default-scheduler-control-plane"
        assert not {"count", "firstTimestamp"} & {key for key, value in found.items() if value}
        await clock.advance(361)
        recorder.event(POD, "Warning", "FailedScheduling", "0/1 nodes are available")
        await settle()
        assert len(stored(registry)) == 2


async def test_an_event_that_was_deleted_is_written_anew(registry: Registry) -> None:
    client = registry.client("tests")
    async with registry:
        registry.recorder("a").event(POD, "Normal", "R", "m")
        await settle()
        await client.delete("events", "default", stored(registry)[0]["metadata"]["name"])
        registry.recorder("a").event(POD, "Normal", "R", "m")
        await settle()
        (found,) = stored(registry)
    assert found["count"] == 1


async def test_an_event_about_a_node_is_kept_in_the_default_namespace(registry: Registry) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "uid": "n"}}
    async with registry:
        registry.recorder("kubelet").event(node, "Normal", "NodeReady", "ready")
        await settle()
        (found,) = stored(registry)
    assert found["metadata"]["namespace"] == "default"


async def test_an_event_that_is_refused_stops_nothing(registry: Registry) -> None:
    lost = {**POD, "metadata": {**POD["metadata"], "namespace": "nowhere"}}
    async with registry:
        registry.recorder("a").event(lost, "Normal", "R", "m")
        registry.recorder("a").event(POD, "Normal", "R", "m")
        await settle()
        assert len(stored(registry)) == 1


async def test_a_full_queue_drops_and_says_so_once(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(events, "QUEUE_LIMIT", 2)
    for number in range(9):
        registry.recorder("a").event(POD, "Normal", "R", str(number))
    async with registry:
        await settle()
        assert len(stored(registry)) == 2
    assert len(caplog.records) == 1


async def test_events_are_forgotten_after_an_hour(registry: Registry, clock: FakeClock) -> None:
    async with registry:
        registry.recorder("a").event(POD, "Normal", "Old", "m")
        await clock.advance(events.LIFETIME / 2)
        registry.recorder("a").event(POD, "Normal", "New", "m")
        await clock.advance(events.LIFETIME / 2 + events.SWEEP_SECONDS)
        assert [event["reason"] for event in stored(registry)] == ["New"]


async def test_a_flood_of_events_does_not_wait_for_the_next_sweep(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_EVENTS", 5)
    monkeypatch.setattr(events, "SWEEP_AFTER", 10)
    async with registry:
        for number in range(40):
            registry.recorder("a").event(POD, "Normal", "R", str(number))
        await settle()
        assert len(stored(registry)) == 5


def event(age: float, **more: Any) -> Object:
    return {"metadata": {"name": "e"}, "lastTimestamp": rfc3339(1_000_000 - age), **more}


def test_the_oldest_go_first_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_EVENTS", 2)
    young, old, older = event(1), event(5), event(9)
    assert events.expired([young, older, old], 1_000_000) == [older]


def test_the_last_time_an_event_was_seen_counts() -> None:
    seen = event(9999, series={"lastObservedTime": rfc3339(1_000_000 - 5)})
    assert events.expired([seen], 1_000_000) == []
    assert events.expired([{"metadata": {}}], 1_000_000) == [{"metadata": {}}]

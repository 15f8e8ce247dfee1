import pytest

from netemu.config.settings import StoreSettings
from netemu.model.client import ChangeType
from netemu.model.errors import AlreadyExists, Conflict, Expired, NotFound
from netemu.store.base import CutOff
from netemu.store.memory import MemoryStore

KEY = ("default", "web")


def pod(name: str = "web", **fields: object) -> dict[str, object]:
    return {"metadata": {"name": name, "namespace": "default"}, **fields}


async def test_a_write_gives_the_object_the_next_revision() -> None:
    store = MemoryStore()
    first = await store.create("pods", KEY, pod())
    second = await store.update("pods", KEY, pod(spec={}), first.revision)
    assert (first.revision, second.revision, store.revision) == (1, 2, 2)
    assert second.obj["metadata"]["resourceVersion"] == "2"
    assert b'"resourceVersion":"2"' in second.raw


async def test_what_was_read_is_not_changed_by_a_later_write() -> None:
    store = MemoryStore()
    first = await store.create("pods", KEY, pod(spec={"a": 1}))
    await store.update("pods", KEY, pod(spec={"a": 2}), first.revision)
    assert first.obj["spec"] == {"a": 1}
    assert first.obj["metadata"]["resourceVersion"] == "1"


async def test_a_name_can_be_taken_once() -> None:
    store = MemoryStore()
    await store.create("pods", KEY, pod())
    with pytest.raises(AlreadyExists):
        await store.create("pods", KEY, pod())
    assert store.revision == 1


async def test_writing_over_an_unseen_change_is_a_conflict() -> None:
    store = MemoryStore()
    seen = await store.create("pods", KEY, pod())
    await store.update("pods", KEY, pod(spec={}), seen.revision)
    with pytest.raises(Conflict):
        await store.update("pods", KEY, pod(), seen.revision)
    with pytest.raises(Conflict):
        await store.delete("pods", KEY, seen.revision)
    with pytest.raises(NotFound):
        await store.update("pods", ("default", "other"), pod("other"), 1)


async def test_a_list_is_in_order_and_by_namespace() -> None:
    store = MemoryStore()
    for namespace, name in [("b", "z"), ("a", "y"), ("b", "a"), ("ab", "x")]:
        await store.create("pods", (namespace, name), pod(name))
    assert [r.key for r in store.list("pods")] == [("a", "y"), ("ab", "x"), ("b", "a"), ("b", "z")]
    assert [r.key for r in store.list("pods", "b")] == [("b", "a"), ("b", "z")]
    assert store.list("services") == []


async def test_a_watch_sees_each_change_once_in_order() -> None:
    store = MemoryStore()
    watch = store.watch(["pods"])
    first = await store.create("pods", KEY, pod())
    await store.create("services", KEY, pod())
    await store.update("pods", KEY, pod(spec={}), first.revision)
    await store.delete("pods", KEY)
    events = await watch.batch()
    assert [(e.type, e.revision) for e in events] == [
        (ChangeType.ADDED, 1),
        (ChangeType.MODIFIED, 3),
        (ChangeType.DELETED, 4),
    ]
    assert events[2].record.obj["spec"] == {}
    assert events[2].record.obj["metadata"]["resourceVersion"] == "4"
    assert watch.pending() == ()


async def test_a_watch_from_a_revision_continues_without_gap() -> None:
    store = MemoryStore()
    for number in range(5):
        await store.create("pods", ("default", f"web-{number}"), pod(f"web-{number}"))
    watch = store.watch(["pods"], since=2)
    await store.create("pods", ("default", "web-9"), pod("web-9"))
    assert [event.revision for event in await watch.batch()] == [3, 4, 5, 6]


async def test_a_revision_older_than_the_history_has_expired() -> None:
    store = MemoryStore(StoreSettings(history=3))
    for number in range(6):
        await store.create("pods", ("default", f"web-{number}"), pod(f"web-{number}"))
    assert [e.revision for e in store.watch(["pods"], since=3).pending()] == [4, 5, 6]
    with pytest.raises(Expired, match="too old resource version: 2"):
        store.watch(["pods"], since=2)


async def test_a_watcher_that_falls_behind_is_cut_off_and_keeps_nothing() -> None:
    store = MemoryStore(StoreSettings(watch_queue=2))
    watch = store.watch(["pods"])
    for number in range(3):
        await store.create("pods", ("default", f"web-{number}"), pod(f"web-{number}"))
    with pytest.raises(CutOff):
        await watch.batch()
    with pytest.raises(CutOff):
        watch.pending()


async def test_a_watcher_that_is_woken_goes_on_once_with_nothing() -> None:
    store = MemoryStore()
    watch = store.watch(["pods"])
    watch.wake()
    assert await watch.batch() == ()
    await store.create("pods", KEY, pod())
    watch.wake()
    assert len(await watch.batch()) == 1, "what is due comes first"
    assert await watch.batch() == ()


async def test_a_closed_watch_gets_nothing_more() -> None:
    store = MemoryStore()
    watch = store.watch(["pods"])
    watch.close()
    await store.create("pods", KEY, pod())
    assert watch.pending() == ()

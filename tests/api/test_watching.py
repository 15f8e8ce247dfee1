import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from netemu.api import watching
from netemu.api.negotiation import Form, Shape
from netemu.api.request import Request
from netemu.clock import SystemClock
from netemu.config.settings import StoreSettings
from netemu.model.client import ChangeType
from netemu.model.errors import Invalid
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY
from netemu.store.memory import MemoryStore

CONFIG_MAP = BY_KEY["configmaps"]


class Watched:
    """A store and those who watch it."""

    def __init__(self, **settings: int) -> None:
        self.store = MemoryStore(StoreSettings(**settings))
        self.frames = watching.Frames(SystemClock())

    async def put(self, name: str, namespace: str = "a", **labels: str) -> None:
        obj: Object = {
            "kind": "ConfigMap",
            "apiVersion": "v1",
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
        }
        key = namespace, name
        current = self.store.get("configmaps", key)
        if current is None:
            await self.store.create("configmaps", key, obj)
        else:
            await self.store.update("configmaps", key, obj, current.revision)

    async def drop(self, name: str) -> None:
        await self.store.delete("configmaps", ("a", name))

    def request(self, shape: Shape, **query: str) -> watching.WatchRequest:
        request = Request(method="GET", path="/", query=query)
        return watching.watch_request(CONFIG_MAP, "a", request, shape, random.Random(1))

    @asynccontextmanager
    async def watch(
        self, shape: Shape | None = None, *, bookmark_seconds: float = 60.0, **query: Any
    ) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        pieces = watching.stream(
            self.store,
            self.frames,
            self.request(shape or Shape(), **query),
            bookmark_seconds=bookmark_seconds,
        )
        try:
            yield pieces
        finally:
            await pieces.aclose()


def events(piece: bytes) -> list[Any]:
    return [msgspec.json.decode(line) for line in piece.splitlines()]


def told(piece: bytes) -> list[tuple[str, str]]:
    return [(e["type"], e["object"]["metadata"].get("name", "")) for e in events(piece)]


async def test_without_a_version_everything_there_is_comes_first() -> None:
    watched = Watched()
    await watched.put("x")
    await watched.put("y")
    await watched.put("z", namespace="b")
    async with watched.watch() as pieces:
        assert told(await anext(pieces)) == [("ADDED", "x"), ("ADDED", "y")]
        await watched.put("x", changed="yes")
        await watched.put("w", namespace="b")
        assert told(await anext(pieces)) == [("MODIFIED", "x")]
        await watched.drop("y")
        assert told(await anext(pieces)) == [("DELETED", "y")]


async def test_from_a_version_on_only_what_came_after_it() -> None:
    watched = Watched()
    await watched.put("x")
    await watched.put("y")
    async with watched.watch(resourceVersion="1") as pieces:
        assert told(await anext(pieces)) == [("ADDED", "y")]


async def test_a_deletion_carries_the_last_state_and_its_own_version() -> None:
    watched = Watched()
    await watched.put("x", last="yes")
    async with watched.watch(resourceVersion="1") as pieces:
        await watched.drop("x")
        (event,) = events(await anext(pieces))
    assert event["object"]["metadata"]["labels"] == {"last": "yes"}
    assert event["object"]["metadata"]["resourceVersion"] == "2"


async def test_an_object_enters_and_leaves_a_selection() -> None:
    watched = Watched()
    await watched.put("x", app="no")
    async with watched.watch(resourceVersion="1", labelSelector="app=yes") as pieces:
        await watched.put("x", app="yes")
        assert told(await anext(pieces)) == [("ADDED", "x")]
        await watched.put("x", app="yes", more="1")
        assert told(await anext(pieces)) == [("MODIFIED", "x")]
        await watched.put("x", app="no")
        (event,) = events(await anext(pieces))
        assert event["type"] == "DELETED"
        assert event["object"]["metadata"]["labels"] == {"app": "yes", "more": "1"}
        assert event["object"]["metadata"]["resourceVersion"] == "4"
        await watched.drop("x")  # nobody in this selection
        await watched.put("y", app="yes")
        assert told(await anext(pieces)) == [("ADDED", "y")]


async def test_initial_events_end_with_a_bookmark_even_if_there_are_none() -> None:
    query: dict[str, Any] = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
    }
    watched = Watched()
    async with watched.watch(**query) as pieces:
        (bookmark,) = events(await anext(pieces))
    assert bookmark == {
        "type": "BOOKMARK",
        "object": {
            "kind": "ConfigMap",
            "apiVersion": "v1",
            "metadata": {
                "resourceVersion": "0",
                "creationTimestamp": None,
                "annotations": {"k8s.io/initial-events-end": "true"},
            },
        },
    }
    await watched.put("x")
    async with watched.watch(**query) as pieces:
        assert told(await anext(pieces)) == [("ADDED", "x"), ("BOOKMARK", "")]


async def test_initial_events_can_be_declined() -> None:
    watched = Watched()
    await watched.put("x")
    async with watched.watch(
        sendInitialEvents="false", resourceVersionMatch="NotOlderThan"
    ) as pieces:
        piece, _ = await asyncio.gather(anext(pieces), watched.put("y"))
    assert told(piece) == [("ADDED", "y")]


@pytest.mark.parametrize(
    "query",
    [
        {"sendInitialEvents": "true"},
        {"sendInitialEvents": "true", "resourceVersionMatch": "Exact"},
        {"resourceVersionMatch": "NotOlderThan", "resourceVersion": "1"},
        {"resourceVersion": "x"},
    ],
)
def test_parameters_that_do_not_go_together_are_invalid(query: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        Watched().request(Shape(), **query)


async def test_bookmarks_say_how_far_an_idle_watch_has_come() -> None:
    watched = Watched()
    await watched.put("x")
    async with watched.watch(
        bookmark_seconds=0.01, resourceVersion="1", allowWatchBookmarks="true"
    ) as pieces:
        (bookmark,) = events(await anext(pieces))
    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["object"]["metadata"]["resourceVersion"] == "1"


async def test_a_watch_ends_when_its_time_is_up() -> None:
    watched = Watched()
    wanted = watched.request(Shape(), resourceVersion="0")
    pieces = watching.stream(watched.store, watched.frames, replace(wanted, seconds=0.01))
    assert [piece async for piece in pieces] == []


async def test_a_watch_that_never_rests_ends_when_its_time_is_up() -> None:
    watched = Watched()
    wanted = watched.request(Shape(), resourceVersion="0")
    await watched.put("x")
    pieces = watching.stream(watched.store, watched.frames, replace(wanted, seconds=0.05))
    async with asyncio.timeout(10):
        async for _ in pieces:
            await watched.put("x")  # so that something is always due


async def test_a_version_that_is_forgotten_is_an_error_event() -> None:
    watched = Watched(history=2)
    for name in "abcde":
        await watched.put(name)
    async with watched.watch(resourceVersion="1") as pieces:
        (event,) = events(await anext(pieces))
        with pytest.raises(StopAsyncIteration):
            await anext(pieces)
    assert event["type"] == "ERROR"
    assert event["object"]["code"] == 410
    assert event["object"]["reason"] == "Expired"
    assert event["object"]["message"] == "too old resource version: 1 (4)"


async def test_a_version_from_before_a_restart_is_an_error_event() -> None:
    async with Watched().watch(resourceVersion="900") as pieces:
        (event,) = events(await anext(pieces))
    assert event["object"]["code"] == 410


async def test_a_watcher_that_does_not_keep_up_is_cut_off() -> None:
    watched = Watched(watch_queue=3)
    await watched.put("x")
    async with watched.watch() as pieces:
        assert told(await anext(pieces)) == [("ADDED", "x")]
        for number in range(9):
            await watched.put(f"n{number}")
        rest = [event async for piece in pieces for event in events(piece)]
    assert [(event["type"], event["object"]["code"]) for event in rest] == [("ERROR", 410)]


async def test_a_table_watch_shows_rows() -> None:
    watched = Watched()
    await watched.put("x")
    async with watched.watch(Shape(Form.TABLE)) as pieces:
        (event,) = events(await anext(pieces))
    table = event["object"]
    assert table["kind"] == "Table"
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert table["rows"][0]["cells"][:2] == ["x", 0]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


@pytest.mark.parametrize("form", [Form.TABLE, Form.PARTIAL])
async def test_bookmarks_have_the_form_of_the_watch(form: Form) -> None:
    watched = Watched()
    async with watched.watch(
        Shape(form), bookmark_seconds=0.01, allowWatchBookmarks="true"
    ) as pieces:
        (event,) = events(await anext(pieces))
    assert event["object"]["kind"] == form.value


async def test_a_change_is_encoded_once_for_all_watchers() -> None:
    watched = Watched()
    await watched.put("x")
    async with (
        watched.watch(resourceVersion="1") as one,
        watched.watch(resourceVersion="1") as other,
    ):
        await watched.put("x", a="b")
        assert await anext(one) == await anext(other)
    (record,) = watched.store.list("configmaps")
    seen = ChangeType.MODIFIED, record
    frame = watched.frames.frame(CONFIG_MAP, seen, Shape())
    assert watched.frames.frame(CONFIG_MAP, seen, Shape()) is frame
    table = watched.frames.frame(CONFIG_MAP, seen, Shape(Form.TABLE))
    assert watched.frames.frame(CONFIG_MAP, seen, Shape(Form.TABLE)) is not table

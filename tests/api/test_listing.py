from typing import Any

import pytest

from netemu.api import continuation, listing
from netemu.api.request import Request
from netemu.config.settings import StoreSettings
from netemu.model.errors import BadRequest, Expired, Invalid
from netemu.model.resources import BY_KEY
from netemu.store.memory import MemoryStore

CONFIG_MAP = BY_KEY["configmaps"]


async def put(store: MemoryStore, name: str, **labels: str) -> None:
    obj = {"metadata": {"name": name, "namespace": "a", "labels": labels}}
    key = "a", name
    current = store.get("configmaps", key)
    if current is None:
        await store.create("configmaps", key, obj)
    else:
        await store.update("configmaps", key, obj, current.revision)


async def store_with(*names: str, **settings: int) -> MemoryStore:
    store = MemoryStore(StoreSettings(**settings))
    for name in names:
        await put(store, name)
    return store


def page(store: MemoryStore, namespace: str | None = "a", **query: str) -> listing.Page:
    return listing.page(store, CONFIG_MAP, namespace, Request(method="GET", path="/", query=query))


def names(found: listing.Page) -> str:
    return "".join(record.key[1] for record in found.records)


async def test_everything_comes_at_once_without_a_limit() -> None:
    found = page(await store_with("b", "a"))
    assert names(found) == "ab"
    assert found.metadata == {"resourceVersion": "2"}


async def test_pages_continue_where_the_last_one_ended() -> None:
    store = await store_with(*"abcde")
    first = page(store, limit="2")
    assert first.metadata["remainingItemCount"] == 3
    second = page(store, limit="2", **{"continue": first.token})
    third = page(store, limit="2", **{"continue": second.token})
    assert [names(found) for found in (first, second, third)] == ["ab", "cd", "e"]
    assert not third.token


async def test_pages_show_the_version_of_the_first_one() -> None:
    store = await store_with(*"abcd")
    first = page(store, limit="2")
    await store.delete("configmaps", ("a", "c"))
    await put(store, "cc")
    await put(store, "d", changed="yes")
    rest = page(store, **{"continue": first.token})
    assert names(rest) == "cd"
    assert rest.revision == first.revision
    assert rest.records[1].obj["metadata"]["labels"] == {}


async def test_a_token_that_is_too_old_brings_one_that_goes_on_regardless() -> None:
    store = await store_with(*"abcd", history=2)
    first = page(store, limit="1")
    for name in "xyz":
        await put(store, name)
    with pytest.raises(listing.ContinueExpired) as refused:
        page(store, **{"continue": first.token})
    status = refused.value.status()
    assert status["reason"] == "Expired"
    rest = page(store, **{"continue": status["metadata"]["continue"]})
    assert names(rest) == "bcdxyz"


async def test_an_exact_version_shows_the_past() -> None:
    store = await store_with("a", "b")
    await store.delete("configmaps", ("a", "a"))
    found = page(store, resourceVersion="1", resourceVersionMatch="Exact")
    assert (names(found), found.revision) == ("a", 1)
    assert names(page(store, resourceVersion="1")) == "b"


async def test_a_version_with_a_limit_means_exactly_that_version() -> None:
    store = await store_with("a", "b")
    await store.delete("configmaps", ("a", "a"))
    assert names(page(store, resourceVersion="1", limit="5")) == "a"
    assert names(page(store, resourceVersion="0", limit="5")) == "b"


async def test_a_past_that_is_forgotten_has_expired() -> None:
    store = await store_with(*"abcdef", history=2)
    with pytest.raises(Expired):
        page(store, resourceVersion="1", resourceVersionMatch="Exact")


async def test_the_future_is_not_there_yet() -> None:
    with pytest.raises(listing.TooLargeVersion, match="Too large resource version: 9, current: 1"):
        page(await store_with("a"), resourceVersion="9")


async def test_selectors_choose_before_pages_are_cut() -> None:
    store = await store_with("a", "c")
    await put(store, "b", x="1")
    await put(store, "d", x="1")
    first = page(store, labelSelector="x=1", limit="1")
    assert names(first) == "b"
    assert "remainingItemCount" not in first.metadata
    assert names(page(store, labelSelector="x=1", **{"continue": first.token})) == "d"
    assert names(page(store, fieldSelector="metadata.name!=a", labelSelector="!x")) == "c"


async def test_all_namespaces_are_listed_in_order() -> None:
    store = await store_with("b")
    await store.create("configmaps", ("A", "z"), {"metadata": {"name": "z", "namespace": "A"}})
    assert names(page(store, None)) == "zb"
    first = page(store, None, limit="1")
    assert names(page(store, None, **{"continue": first.token})) == "b"


INVALID: list[dict[str, Any]] = [
    {"resourceVersionMatch": "Exact"},
    {"resourceVersion": "new"},
]


@pytest.mark.parametrize("query", INVALID)
async def test_versions_that_do_not_go_together_are_invalid(query: dict[str, str]) -> None:
    with pytest.raises(Invalid, match=r'ListOptions.meta.k8s.io "" is invalid: resourceVersion'):
        page(await store_with("a"), **query)


@pytest.mark.parametrize(
    "query", [{"continue": "x"}, {"continue": "!"}, {"labelSelector": "a=b=c"}, {"limit": "x"}]
)
async def test_what_cannot_be_read_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(Exception) as refused:  # noqa: PT011 # NotANumber is no BadRequest
        page(await store_with("a"), **query)
    assert getattr(refused.value, "code", None) == 400


async def test_a_page_and_a_version_exclude_each_other() -> None:
    store = await store_with("a", "b")
    token = page(store, limit="1").token
    with pytest.raises(BadRequest, match="not allowed when using continue"):
        page(store, resourceVersion="1", **{"continue": token})


async def test_a_token_of_the_future_is_not_there_yet() -> None:
    with pytest.raises(listing.TooLargeVersion):
        page(await store_with("a"), **{"continue": continuation.token(99, "default/a")})

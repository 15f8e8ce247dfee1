import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from netemu.config.settings import StoreSettings
from netemu.model.errors import Expired, InternalError
from netemu.store import sqlite
from netemu.store.sqlite import StoreUnusable, open_sqlite

KEY = ("default", "web")
POD = {"metadata": {"name": "web", "namespace": "default"}, "spec": {"x": "ä"}}
SETTINGS = StoreSettings()


async def test_objects_and_the_revision_outlive_the_store(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "db", SETTINGS) as store:
        first = await store.create("pods", KEY, POD)
        kept = await store.update("pods", KEY, {**POD, "spec": {}}, first.revision)
        await store.create("pods", ("default", "gone"), POD)
        await store.delete("pods", ("default", "gone"))
    async with open_sqlite(tmp_path / "db", SETTINGS) as store:
        assert store.list("pods") == [kept]
        assert store.revision == 4
        assert (await store.create("pods", ("a", "b"), POD)).revision == 5


async def test_history_does_not_outlive_the_store(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "db", SETTINGS) as store:
        await store.create("pods", KEY, POD)
        await store.delete("pods", KEY)
    async with open_sqlite(tmp_path / "db", SETTINGS) as store:
        with pytest.raises(Expired):
            store.watch(["pods"], since=1)
        assert store.watch(["pods"], since=2).pending() == ()


async def test_a_store_that_was_never_closed_is_whole(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "db", SETTINGS) as store:
        await store.create("pods", KEY, POD)
        for file in tmp_path.iterdir():  # what a killed daemon leaves behind
            (tmp_path / "copy").mkdir(exist_ok=True)
            (tmp_path / "copy" / file.name).write_bytes(
                file.read_bytes() if file.is_file() else b""
            )
    async with open_sqlite(tmp_path / "copy" / "db", SETTINGS) as store:
        assert [record.key for record in store.list("pods")] == [KEY]


async def test_a_refused_write_changes_nothing(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "db", SETTINGS) as store:
        await store.create("pods", KEY, POD)
        with closing(sqlite3.connect(tmp_path / "db")) as other, other:
            other.execute("DROP TABLE objects")
        with pytest.raises(InternalError, match="cannot write to the store: no such table"):
            await store.delete("pods", KEY)
        assert store.revision == 1
        assert store.get("pods", KEY) is not None


async def test_a_file_that_is_no_store_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(b"certainly not a database" * 100)
    with pytest.raises(StoreUnusable, match="file is not a database"):
        async with open_sqlite(tmp_path / "db", SETTINGS):
            pass


async def test_a_store_that_cannot_be_opened_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="unable to open database file"):
        async with open_sqlite(tmp_path / "none" / "db", SETTINGS):
            pass


async def test_a_store_of_another_format_is_refused(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "db", SETTINGS):
        pass
    with closing(sqlite3.connect(tmp_path / "db")) as other, other:
        other.execute("UPDATE meta SET value = 7 WHERE key = 'format'")
    with pytest.raises(StoreUnusable, match="format 7"):
        async with open_sqlite(tmp_path / "db", SETTINGS):
            pass


async def test_the_wal_is_folded_back_while_the_store_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "CHECKPOINT_WRITES", 10)
    async with open_sqlite(tmp_path / "db", SETTINGS) as store:
        for number in range(10):
            await store.create("pods", ("default", f"web-{number}"), POD)
        for _ in range(200):
            if (tmp_path / "db").stat().st_size > 4096:
                break
            await asyncio.sleep(0.01)
        assert (tmp_path / "db").stat().st_size > 4096

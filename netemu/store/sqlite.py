"""The store on disk: a `MemoryStore` whose every write is in SQLite before anybody sees it.

WAL without a sync per commit: a killed daemon loses nothing, a machine that loses power loses at
most its last moments, and the file stays consistent. The WAL is folded back by a thread of its
own, so that the event loop never waits for a disk.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path

import msgspec

from netemu.config.settings import StoreSettings
from netemu.model.client import ChangeType
from netemu.model.errors import InternalError
from netemu.store.base import Event, Record
from netemu.store.memory import MemoryStore
from netemu.tasks import task_group

FORMAT = 1
"""Version of the tables below; another number in a file is refused."""
CHECKPOINT_WRITES = 1000
"""Writes after which the WAL is folded back (about 4 MB of it)."""
BUSY_SECONDS = 2.0
"""How long to wait for a reader (somebody's sqlite3 shell) that holds the file."""

_TABLES = """
CREATE TABLE IF NOT EXISTS objects (
    resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    revision INTEGER NOT NULL, raw BLOB NOT NULL,
    PRIMARY KEY (resource, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
_ALL = "SELECT resource, namespace, name, revision, raw FROM objects"
_PUT = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)"
_DROP = "DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?"
_SET = "INSERT OR REPLACE INTO meta VALUES (?, ?)"


class StoreUnusable(Exception):
    """The file can't be a store; the message says why, in one line."""


@asynccontextmanager
async def open_sqlite(path: Path, settings: StoreSettings) -> AsyncIterator[MemoryStore]:
    """Open or make the store in `path`. Raises StoreUnusable."""
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(closing(_connect(path)))
            _prepare(connection)
            file = _File(connection)
            store = MemoryStore(settings, file.write, file.read_revision())
            for record in file.read():
                store.restore(record)
        except (sqlite3.Error, msgspec.DecodeError) as error:
            raise StoreUnusable(f"cannot use the store {path}: {error}") from error
        async with task_group() as tasks:
            tasks.start(_fold_back(path, file), name="store checkpoint")
            yield store


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.executescript(_TABLES)


async def _fold_back(path: Path, file: "_File") -> None:
    while True:
        await file.full.wait()
        file.full.clear()
        await asyncio.to_thread(_checkpoint, path)


def _checkpoint(path: Path) -> None:
    with closing(_connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


class _File:
    """Rows for records."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._writes = 0
        self.full = asyncio.Event()

    def read_revision(self) -> int:
        found = dict(self._connection.execute("SELECT key, value FROM meta").fetchall())
        if found.setdefault("format", FORMAT) != FORMAT:
            raise StoreUnusable(
                f"the store has format {found['format']}, this netemu reads {FORMAT}"
            )
        self._connection.execute(_SET, ("format", FORMAT))
        return int(found.get("revision", 0))

    def read(self) -> list[Record]:
        decode = msgspec.json.Decoder().decode
        return [
            Record(resource, (namespace, name), revision, decode(raw), raw)
            for resource, namespace, name, revision, raw in self._connection.execute(_ALL)
        ]

    def write(self, event: Event) -> None:
        """Make one event durable. Raises InternalError when the disk refuses it."""
        record = event.record
        try:
            self._connection.execute("BEGIN")
            try:
                if event.type is ChangeType.DELETED:
                    self._connection.execute(_DROP, (record.resource, *record.key))
                else:
                    row = (record.resource, *record.key, record.revision, record.raw)
                    self._connection.execute(_PUT, row)
                self._connection.execute(_SET, ("revision", record.revision))
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise InternalError(f"cannot write to the store: {error}") from error
        self._writes += 1
        if self._writes % CHECKPOINT_WRITES == 0:
            self.full.set()

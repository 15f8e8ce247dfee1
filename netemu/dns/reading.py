"""Looking things up in a snapshot so that what was looked up is known afterwards.

Whatever is derived through a `Reading` stays true for as long as each part it touched is the same
object in the newest snapshot; nothing else has to be told about changes.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from netemu.model.meta import Key
from netemu.model.snapshot import ServiceEntry, Snapshot

Part: TypeAlias = tuple[Callable[[Snapshot, Any], object], Any, object]
"""How it was read, by which key, and what was there (None: nothing)."""


def _service(snapshot: Snapshot, key: Key) -> ServiceEntry | None:
    return snapshot.services.get(key)


def _owners(snapshot: Snapshot, address: str) -> frozenset[Key] | None:
    return snapshot.owners.get(address)


def _namespace(snapshot: Snapshot, name: str) -> bool | None:
    return snapshot.namespaces.get(name)


def _synced(snapshot: Snapshot, _: None) -> bool:
    return snapshot.synced


class Reading:
    """One look at a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.parts: list[Part] = []

    def service(self, key: Key) -> ServiceEntry | None:
        """The Service with its slices, if there is one."""
        entry = _service(self._snapshot, key)
        self.parts.append((_service, key, entry))
        return entry

    def owners(self, address: str) -> list[Key]:
        """The Services that hold an address, in order of their names."""
        owners = _owners(self._snapshot, address)
        self.parts.append((_owners, address, owners))
        return sorted(owners or ())

    def has_namespace(self, name: str) -> bool:
        """Whether the namespace exists."""
        there = _namespace(self._snapshot, name)
        self.parts.append((_namespace, name, there))
        return there is not None

    def is_synced(self) -> bool:
        """Whether what isn't there doesn't exist."""
        synced = _synced(self._snapshot, None)
        self.parts.append((_synced, None, synced))
        return synced


def still_true(parts: Iterable[Part], snapshot: Snapshot) -> bool:
    """Whether everything that was read is the same in `snapshot`."""
    return all(read(snapshot, key) is value for read, key, value in parts)

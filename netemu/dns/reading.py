"""Looking things up in a snapshot so that what was looked up is known afterwards.

Whatever is derived through a `Reading` stays true for as long as each part it touched is the same
object in the newest snapshot; nothing else has to be told about changes.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from netemu.model.meta import Key
from netemu.model.service import PodAddress
from netemu.model.snapshot import ServiceEntry, Snapshot, changed_services


class Part(Struct, frozen=True, gc=False):
    """Something that was looked up. Nothing that it holds leads back to it, so the garbage
    collector need not look at the tens of thousands that kept replies are made of.
    """

    read: Callable[[Snapshot, Any], object]
    key: Any
    found: object
    """None: nothing."""


def _service(snapshot: Snapshot, key: Key) -> ServiceEntry | None:
    return snapshot.services.get(key)


def _owners(snapshot: Snapshot, address: str) -> frozenset[Key] | None:
    return snapshot.owners.get(address)


def _namespace(snapshot: Snapshot, name: str) -> bool | None:
    return snapshot.namespaces.get(name)


def _pod(snapshot: Snapshot, address: str) -> PodAddress | None:
    return snapshot.pods.get(address)


def _labels(snapshot: Snapshot, key: Key) -> Mapping[str, str] | None:
    return snapshot.labels.get(key)


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
        self.parts.append(Part(_service, key, entry))
        return entry

    def owners(self, address: str) -> list[Key]:
        """The Services that hold an address, in order of their names."""
        owners = _owners(self._snapshot, address)
        self.parts.append(Part(_owners, address, owners))
        return sorted(owners or ())

    def has_namespace(self, name: str) -> bool:
        """Whether the namespace exists."""
        there = _namespace(self._snapshot, name)
        self.parts.append(Part(_namespace, name, there))
        return there is not None

    def pod(self, address: str) -> PodAddress | None:
        """The pod that holds an address; ended ones hold none."""
        pod = _pod(self._snapshot, address)
        self.parts.append(Part(_pod, address, pod))
        return pod

    def labels(self, key: Key) -> Mapping[str, str]:
        """The labels of a Service or, by ("", NAME), of a namespace."""
        labels = _labels(self._snapshot, key)
        self.parts.append(Part(_labels, key, labels))
        return labels or {}

    def is_synced(self) -> bool:
        """Whether what isn't there doesn't exist."""
        synced = _synced(self._snapshot, None)
        self.parts.append(Part(_synced, None, synced))
        return synced


def watched(parts: Iterable[Part]) -> list[Any]:
    """The keys by which `touched` tells that some of `parts` may have changed."""
    return [part.key for part in parts if part.read is _service or part.read is _owners]


def reads_untold(parts: Iterable[Part]) -> bool:
    """Whether some of `parts` are pods or labels, of which `touched` tells nothing."""
    return any(part.read is _pod or part.read is _labels for part in parts)


def same_untold(seen: Snapshot, now: Snapshot) -> bool:
    """Whether none of those changed."""
    return seen.pods is now.pods and seen.labels is now.labels


def same_parts(one: tuple[Part, ...], other: tuple[Part, ...]) -> bool:
    """Whether the same was read and the same objects were found."""
    return len(one) == len(other) and all(
        mine.read is theirs.read and mine.found is theirs.found and mine.key == theirs.key
        for mine, theirs in zip(one, other, strict=True)
    )


def touched(seen: Snapshot, now: Snapshot) -> set[Key | str] | None:
    """The Services that changed, and their addresses before and after; None: anything may have."""
    if seen.synced is not now.synced or seen.namespaces is not now.namespaces:
        return None
    keys: set[Key | str] = set()
    for key in changed_services(seen, now):
        keys.add(key)
        for entry in (seen.services.get(key), now.services.get(key)):
            if entry is not None:
                keys.update(entry.service.cluster_ips)
                keys.update(item.address for part in entry.slices for item in part.endpoints)
    return keys


def still_true(parts: Iterable[Part], snapshot: Snapshot) -> bool:
    """Whether everything that was read is the same in `snapshot`."""
    for part in parts:  # noqa: SIM110 `all` takes twice as long, for each kept reply
        if part.read(snapshot, part.key) is not part.found:
            return False
    return True

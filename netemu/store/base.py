"""The store: versioned objects, a history of changes, and watches from any version in it.

Every write gives the whole store one higher revision; an object's ``metadata.resourceVersion`` is
the revision of its last write. Reads come from memory and are immediate; writes may wait for a
disk or a network, hence ``async`` (the interface is the one etcd with a watch cache can fill).
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from netemu.model.client import ChangeType
from netemu.model.meta import Key, Object


class Record(Struct, frozen=True):
    """An object as stored."""

    resource: str
    key: Key
    revision: int
    obj: Object
    raw: bytes
    """`obj` as compact JSON."""


class Event(Struct, frozen=True):
    """One change. After a deletion `record` holds the last state under the deletion's revision."""

    type: ChangeType
    record: Record
    previous: Record | None

    @property
    def revision(self) -> int:
        """The revision this change made."""
        return self.record.revision


class CutOff(Exception):
    """The watcher fell too far behind and was dropped."""


class Watch(Protocol):
    """A stream of events in the order of their revisions."""

    async def batch(self) -> Sequence[Event]:
        """Wait for events; at least one, or none when it was woken. Raises CutOff."""

    def wake(self) -> None:
        """Let who waits go on without events, once, if none are due."""

    def pending(self) -> Sequence[Event]:
        """What is due now, perhaps nothing. Raises CutOff."""

    def close(self) -> None:
        """Stop. Waiting `batch` calls are not woken."""


class Store(Protocol):
    """Versioned objects by resource, namespace and name."""

    @property
    def revision(self) -> int:
        """The revision of the last write."""

    def latest(self, resource: str) -> int:
        """The revision of the last write to objects of one resource since the store was opened,
        0 before the first: whoever keeps what follows from them sees when to look again.
        """

    def get(self, resource: str, key: Key) -> Record | None:
        """One object."""

    def resources(self) -> Sequence[str]:
        """The resources that have ever had objects."""

    def list(self, resource: str, namespace: str | None = None) -> Sequence[Record]:
        """Objects in order of (namespace, name); None: of all namespaces."""

    async def create(self, resource: str, key: Key, obj: Object) -> Record:
        """Add an object; sets its resourceVersion. Raises AlreadyExists."""

    async def update(self, resource: str, key: Key, obj: Object, expected: int) -> Record:
        """Replace the object whose revision is `expected`. Raises NotFound, Conflict."""

    async def delete(self, resource: str, key: Key, expected: int | None = None) -> Record:
        """Remove an object; the record has its last state. Raises NotFound, Conflict."""

    def watch(self, resources: Sequence[str], since: int | None = None) -> Watch:
        """Events of those resources (EVERYTHING: of all) after revision `since` (None: from now
        on). Raises Expired when `since` is older
        than the history.
        """

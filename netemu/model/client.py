"""How netemu's own components talk to the API: the rules that bind a remote client bind them, too.

The API layer implements these; controllers, scheduler and node get them passed in. Reads are
immediate (they come from the store's memory); objects read must not be changed (`meta.copied`).
`resource` is always a `Resource.key`, e.g. "pods" or "deployments.apps".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from msgspec import Struct

from netemu.model.meta import Object
from netemu.model.resources import Resource
from netemu.model.selector import Selector

EVERYTHING: Final = "*"
"""Stands for every resource where some are watched, those to come included."""


class ChangeType(StrEnum):
    """What happened to an object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


class Change(Struct, frozen=True):
    """One object's step from `old` to `new`; None where it didn't or doesn't exist."""

    resource: str
    old: Object | None
    new: Object | None

    @property
    def object(self) -> Object:
        """The newest state; after a deletion the last one."""
        if self.new is not None:
            return self.new
        assert self.old is not None
        return self.old


class Changes(Protocol):
    """A subscription: first everything there is (old=None), then each change, in order."""

    async def batch(self) -> Sequence[Change]:
        """Wait for changes; at least one. All that are due come at once."""

    def close(self) -> None:
        """End the subscription."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOptions:
    """How to delete."""

    grace_seconds: int | None = None
    propagation: str | None = None
    """Background, Foreground, Orphan; None: the kind's default."""
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False


class Client(Protocol):
    """The API, in process, for one field manager."""

    def get(self, resource: str, namespace: str, name: str) -> Object | None:
        """The object, or None."""

    def list(
        self, resource: str, namespace: str | None = None, selector: Selector = ()
    ) -> list[Object]:
        """Objects in order of (namespace, name); namespace None means all."""

    async def create(self, resource: str, obj: Object) -> Object:
        """Store a new object. Raises AlreadyExists, Invalid, Forbidden, …"""

    async def update(self, resource: str, obj: Object) -> Object:
        """Replace all but the status. Raises NotFound, Conflict, Invalid, …"""

    async def update_status(self, resource: str, obj: Object) -> Object:
        """Replace the status alone. Raises NotFound, Conflict, Invalid, …"""

    async def delete(
        self, resource: str, namespace: str, name: str, options: DeleteOptions = DeleteOptions()
    ) -> None:
        """Delete, or begin to. Raises NotFound, Conflict."""

    async def bind(self, namespace: str, name: str, node: str) -> None:
        """Assign a pod to a node. Raises NotFound, Conflict."""

    async def finalize(self, namespace: str) -> None:
        """Say that a terminating namespace is empty; it goes unless its own finalizers hold it."""

    def kinds(self) -> Sequence[Resource]:
        """What is served now and has objects, each kind once."""

    def watch(self, *resources: str) -> Changes:
        """Subscribe to resources, or to EVERYTHING."""


class Recorder(Protocol):
    """Writes Events for one component."""

    def event(self, about: Object, type: str, reason: str, message: str) -> None:
        """Tell what happened to `about`; type is Normal or Warning. Never blocks, never raises;
        equal events are counted in one object.
        """

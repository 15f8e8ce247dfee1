"""What plans may ask for, and the dull executor that does it, one branch per action.

Actions run in order and the first that fails ends the run, so a `Tell` behind a write is told
only when the write succeeded. Whatever is gone by then needs no change any more: NotFound counts as
done.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TypeAlias

from msgspec import Struct, field

from netemu.model.client import Client, DeleteOptions, Recorder
from netemu.model.errors import ApiError, NotFound
from netemu.model.meta import Object, annotations_of, name_of, namespace_of, uid_of


class Create(Struct, frozen=True):
    """Store a new object."""

    resource: str
    obj: Object


class Update(Struct, frozen=True):
    """Replace an object; its resourceVersion is that of the state the plan was made from."""

    resource: str
    obj: Object


class WriteStatus(Struct, frozen=True):
    """Replace the status of the object with this uid, whatever else changed meanwhile."""

    resource: str
    obj: Object
    status: Object
    annotations: Mapping[str, str | None] = field(default_factory=dict)
    """Set on the way, as status writes may; None takes one away."""


class Delete(Struct, frozen=True):
    """Delete the object with this uid."""

    resource: str
    obj: Object
    propagation: str | None = None
    grace_seconds: int | None = None


class Tell(Struct, frozen=True):
    """Record an Event."""

    about: Object
    type: str
    reason: str
    message: str


Action: TypeAlias = Create | Update | WriteStatus | Delete | Tell

Written = Callable[[str, Object], None]
"""Told of each object that was created or updated: resource and new state."""


def _ignore(resource: str, obj: Object) -> None:
    """Nobody wants to know."""


async def execute(
    client: Client, recorder: Recorder, actions: Iterable[Action], written: Written = _ignore
) -> None:
    """Do what a plan says. Raises what the API refuses with, except NotFound."""
    for action in actions:
        with suppress(NotFound):
            await _one(client, recorder, action, written)


async def _one(client: Client, recorder: Recorder, action: Action, written: Written) -> None:
    match action:
        case Create(resource, obj):
            written(resource, await client.create(resource, obj))
        case Update(resource, obj):
            written(resource, await client.update(resource, obj))
        case WriteStatus(resource, obj, status, annotations):
            current = client.get(resource, namespace_of(obj), name_of(obj))
            if current is not None and uid_of(current) == uid_of(obj):
                noted = _annotated(current, annotations)
                await client.update_status(resource, {**noted, "status": status})
        case Delete(resource, obj):
            options = DeleteOptions(
                propagation=action.propagation,
                grace_seconds=action.grace_seconds,
                uid=uid_of(obj),
            )
            await client.delete(resource, namespace_of(obj), name_of(obj), options)
        case Tell(about, kind, reason, message):
            recorder.event(about, kind, reason, message)


def _annotated(obj: Object, annotations: Mapping[str, str | None]) -> Object:
    before = annotations_of(obj)
    merged = {**before, **annotations}
    given = {key: value for key, value in merged.items() if value is not None}
    if given == before:
        return obj
    return {**obj, "metadata": {**obj["metadata"], "annotations": given}}


def namespace_ends(error: ApiError) -> bool:
    """Whether a creation was refused because its namespace is being deleted: not worth a retry."""
    causes = error.details.get("causes") or ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)

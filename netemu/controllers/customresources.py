"""CustomResourceDefinitions: one that is deleted takes its objects along, and frees its names.

Its objects are deleted first; when the last is gone, so is the definition. Others that waited for
its names get them then.
"""

from collections.abc import Iterable, Sequence

from netemu.clock import rfc3339
from netemu.controllers.actions import Action, Delete, Update, WriteStatus, execute
from netemu.controllers.runner import Context
from netemu.model import naming
from netemu.model.client import Change
from netemu.model.conditions import condition
from netemu.model.meta import Object, is_deleting, name_of
from netemu.model.resources import CUSTOM_RESOURCE_DEFINITIONS

FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
AGAIN = 0.2
"""Seconds between looks at objects that don't go at once."""


def plan(definition: Object | None, objects: Sequence[Object], now: float) -> list[Action]:
    """What to delete; the finalizer to lift when nothing is left."""
    if definition is None or not is_deleting(definition):
        return []
    finalizers = definition["metadata"].get("finalizers") or []
    if FINALIZER not in finalizers:
        return []
    if not objects:
        left = [item for item in finalizers if item != FINALIZER]
        metadata = {**definition["metadata"], "finalizers": left}
        return [Update(CUSTOM_RESOURCE_DEFINITIONS, {**definition, "metadata": metadata})]
    gone = [
        Delete(name_of(definition), item, propagation="Background")
        for item in objects
        if not is_deleting(item)
    ]
    return [*_terminating(definition, now), *gone]


def _terminating(definition: Object, now: float) -> list[Action]:
    if condition(definition, "Terminating") is not None:
        return []
    status = definition.get("status") or {}
    said = {
        "type": "Terminating",
        "status": "True",
        "lastTransitionTime": rfc3339(now),
        "reason": "InstanceDeletionInProgress",
        "message": "CustomResource deletion is in progress",
    }
    conditions = [*(status.get("conditions") or ()), said]
    new = {**status, "conditions": conditions}
    return [WriteStatus(CUSTOM_RESOURCE_DEFINITIONS, definition, new)]


class CustomResourceFinalizer:
    """Ends definitions."""

    resources = (CUSTOM_RESOURCE_DEFINITIONS,)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._clock = context.clock

    def observe(self, change: Change) -> Iterable[str]:
        """Definitions that are to end."""
        return (name_of(change.object),) if is_deleting(change.object) else ()

    async def sync(self, key: str) -> float | None:
        """See to one definition; its objects are stored under its own name."""
        for _ in range(2):  # the second look finds that all is gone
            definition = self._client.get(CUSTOM_RESOURCE_DEFINITIONS, "", key)
            actions = plan(definition, self._client.list(key), self._clock.now())
            await execute(self._client, self._recorder, actions)
        definition = self._client.get(CUSTOM_RESOURCE_DEFINITIONS, "", key)
        return AGAIN if definition is not None and self._client.list(key) else None


def naming_plan(definitions: Sequence[Object], now: float) -> list[Action]:
    """What changes for the definitions of a group whose names were taken."""
    found: list[Action] = []
    for definition in definitions:
        known = condition(definition, "NamesAccepted")
        if known is None or known["status"] == "True":
            continue
        status = naming.judged(definition, definitions, now)
        if status != definition.get("status"):
            found.append(WriteStatus(CUSTOM_RESOURCE_DEFINITIONS, definition, status))
    return found


class CustomResourceNaming:
    """Gives names that became free to those who wait for them."""

    resources = (CUSTOM_RESOURCE_DEFINITIONS,)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._clock = context.clock

    def observe(self, change: Change) -> Iterable[str]:
        """The group whose names may have changed."""
        return (change.object["spec"]["group"],)

    async def sync(self, key: str) -> float | None:
        """See to one group."""
        found = self._client.list(CUSTOM_RESOURCE_DEFINITIONS)
        mine = [one for one in found if one["spec"]["group"] == key]
        await execute(self._client, self._recorder, naming_plan(mine, self._clock.now()))
        return None

"""The resourcequota controller: tells in each quota's status how much of it is used.

Whether something may be made is decided by the API when it is made; this only counts.
"""

from collections.abc import Iterable

from netemu.controllers.actions import Action, WriteStatus, execute
from netemu.controllers.runner import Context
from netemu.model import quota
from netemu.model.client import EVERYTHING, Change
from netemu.model.meta import Key, Object, is_deleting, name_of, namespace_of
from netemu.model.quota import Lister
from netemu.model.resources import RESOURCE_QUOTAS


def plan(found: Object | None, objects: Lister) -> list[Action]:
    """The quota with what is used now, if it doesn't say so already."""
    if found is None or is_deleting(found):
        return []
    hard = (found.get("spec") or {}).get("hard") or {}
    used = {name: str(value) for name, value in sorted(quota.used(found, objects).items())}
    status = {"hard": hard, "used": used}
    if (found.get("status") or {}) == status:
        return []
    return [WriteStatus(RESOURCE_QUOTAS, found, status)]


class ResourceQuotaController:
    """Keeps the counts right."""

    resources = (EVERYTHING,)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder

    def observe(self, change: Change) -> Iterable[Key]:
        """The quotas of the namespace that are about that kind; most namespaces have none."""
        namespace = namespace_of(change.object)
        if not namespace:
            return
        for found in self._client.list(RESOURCE_QUOTAS, namespace):
            names = (found.get("spec") or {}).get("hard") or ()
            own = change.resource == RESOURCE_QUOTAS
            if own or change.resource in {quota.kind_of(name) for name in names}:
                yield namespace, name_of(found)

    async def sync(self, key: Key) -> float | None:
        """Count for one quota."""
        namespace, name = key
        found = self._client.get(RESOURCE_QUOTAS, namespace, name)
        actions = plan(found, lambda kind: self._client.list(kind, namespace))
        await execute(self._client, self._recorder, actions)
        return None

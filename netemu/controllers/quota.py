"""The resourcequota controller: tells in each quota's status how much of it is used.

Nothing waits for it: writes are judged by what there is (`netemu/api/quotas.py`).
"""

from collections.abc import Iterable

from netemu.controllers.runner import Context
from netemu.model import quota, resources
from netemu.model.client import EVERYTHING, Change
from netemu.model.meta import Key, Object, key_of, namespace_of, uid_of


class QuotaController:
    """Keeps the status of quotas."""

    resources = (EVERYTHING,)

    def __init__(self, context: Context) -> None:
        self._client = context.client

    def observe(self, change: Change) -> Iterable[Key]:
        """A quota's own change, and whatever comes to its namespace, leaves it or is a pod, a
        Service or a claim.
        """
        if change.resource == resources.RESOURCE_QUOTAS:
            yield key_of(change.object)
        if _counts(change):
            for obj in self._client.list(resources.RESOURCE_QUOTAS, namespace_of(change.object)):
                yield key_of(obj)

    async def sync(self, key: Key) -> float | None:
        """Count, and write."""
        obj = self._client.get(resources.RESOURCE_QUOTAS, *key)
        if obj is None:
            return None
        every = [kind.key for kind in self._client.kinds() if kind.namespaced]
        found = (
            (kind, item)
            for kind in quota.kinds_of(obj, every)
            for item in self._client.list(kind, namespace_of(obj))
        )
        status = status_of(obj, quota.total(found, obj))
        if status != (obj.get("status") or {}):
            current = self._client.get(resources.RESOURCE_QUOTAS, *key)
            if current is not None and uid_of(current) == uid_of(obj):
                await self._client.update_status(
                    resources.RESOURCE_QUOTAS, {**current, "status": status}
                )
        return None


def _counts(change: Change) -> bool:
    changing = (resources.PODS, resources.SERVICES, resources.PERSISTENT_VOLUME_CLAIMS)
    born_or_gone = change.old is None or change.new is None
    return (born_or_gone or change.resource in changing) and change.resource != resources.EVENTS


def status_of(obj: Object, used: quota.Used) -> Object:
    """A quota's status."""
    hard = {name: str(text) for name, text in (obj["spec"].get("hard") or {}).items()}
    return {"hard": hard, "used": quota.shown(used)}

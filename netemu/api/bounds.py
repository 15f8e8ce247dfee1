"""What a namespace's LimitRanges and ResourceQuotas do to a write; most namespaces have none."""

from netemu.model.errors import Forbidden
from netemu.model.meta import Object, name_of, namespace_of
from netemu.model.resources import (
    LIMIT_RANGES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    RESOURCE_QUOTAS,
    Resource,
)
from netemu.store.base import Store


class Bounds:
    """The bounds of every namespace, as they are stored."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def _of(self, resource: str, namespace: str) -> list[Object]:
        return [record.obj for record in self._store.list(resource, namespace)]

    def filled(self, resource: Resource, new: Object) -> Object:
        """A new object with what LimitRanges give those who say nothing."""
        if resource.key != PODS:
            return new
        ranges = self._of(LIMIT_RANGES, namespace_of(new))
        if not ranges:
            return new
        from netemu.api import limitranges  # late: few namespaces have any

        return limitranges.filled(new, ranges)

    def check(self, resource: Resource, new: Object, old: Object | None) -> None:
        """Raises Forbidden for what LimitRanges or ResourceQuotas don't allow."""
        if not resource.namespaced:
            return
        namespace = namespace_of(new)
        if why := self._out_of_range(resource.key, new, old, namespace):
            raise _forbidden(resource, new, why)
        if why := self._over_quota(resource.key, new, old, namespace):
            raise _forbidden(resource, new, why)

    def _out_of_range(
        self, resource: str, new: Object, old: Object | None, namespace: str
    ) -> str | None:
        if resource not in (PODS, PERSISTENT_VOLUME_CLAIMS) or (resource == PODS and old):
            return None
        ranges = self._of(LIMIT_RANGES, namespace)
        if not ranges:
            return None
        from netemu.api import limitranges

        found = limitranges.problems(resource, new, ranges)
        return f"[{', '.join(found)}]" if len(found) > 1 else next(iter(found), None)

    def _over_quota(
        self, resource: str, new: Object, old: Object | None, namespace: str
    ) -> str | None:
        quotas = self._of(RESOURCE_QUOTAS, namespace)
        if not quotas:
            return None
        from netemu.api.quotas import problem

        return problem(resource, new, old, quotas, lambda kind: self._of(kind, namespace))


def _forbidden(resource: Resource, obj: Object, why: str) -> Forbidden:
    name = name_of(obj)
    details = {"name": name, "group": resource.group, "kind": resource.plural}
    return Forbidden(
        f'{resource.key} "{name}" is forbidden: {why}',
        **{key: value for key, value in details.items() if value},
    )

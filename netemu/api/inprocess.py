"""The API for netemu's own components: the same writes as over HTTP, without the HTTP."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from netemu.api import binding
from netemu.api.parts import Part
from netemu.model.client import EVERYTHING, Change, Changes, ChangeType, DeleteOptions
from netemu.model.meta import Key, Object, key_of, labels_of, namespace_of
from netemu.model.resources import NAMESPACES, PODS, Resource
from netemu.model.selector import Selector, matches
from netemu.store.base import CutOff, Event, Store

if TYPE_CHECKING:
    from netemu.api.registry import Registry
    from netemu.api.writeoptions import WriteOptions

_PLAINLY = DeleteOptions()

KUBERNETES = "kubernetes"
"""The finalizer that keeps a namespace until its contents are gone."""


class RegistryClient:
    """A `Client` that calls the registry."""

    def __init__(self, registry: Registry, options: WriteOptions) -> None:
        self._registry = registry
        self._options = options

    def get(self, resource: str, namespace: str, name: str) -> Object | None:
        """The object, or None."""
        record = self._registry.store.get(resource, (namespace, name))
        return None if record is None else record.obj

    def list(
        self, resource: str, namespace: str | None = None, selector: Selector = ()
    ) -> list[Object]:
        """Objects in order of (namespace, name)."""
        records = self._registry.store.list(resource, namespace)
        return [r.obj for r in records if not selector or matches(selector, labels_of(r.obj))]

    async def create(self, resource: str, obj: Object) -> Object:
        """Store a new object."""
        kind = self._registry.catalog.by_key[resource]
        typed = {**obj, "apiVersion": kind.api_version, "kind": kind.kind}
        record = await self._registry.create(kind, namespace_of(obj), typed, self._options)
        return record.obj

    async def update(self, resource: str, obj: Object) -> Object:
        """Replace all but the status."""
        return await self._replace(resource, obj, Part.MAIN)

    async def update_status(self, resource: str, obj: Object) -> Object:
        """Replace the status alone."""
        return await self._replace(resource, obj, Part.STATUS)

    async def _replace(self, resource: str, obj: Object, part: Part) -> Object:
        kind = self._registry.catalog.by_key[resource]
        typed = {**obj, "apiVersion": kind.api_version, "kind": kind.kind}
        record = await self._registry.update(
            kind, key_of(obj), lambda _: typed, self._options, part
        )
        return record.obj

    async def delete(
        self, resource: str, namespace: str, name: str, options: DeleteOptions = _PLAINLY
    ) -> None:
        """Delete, or begin to."""
        await self._registry.delete(
            self._registry.catalog.by_key[resource], (namespace, name), options
        )

    async def bind(self, namespace: str, name: str, node: str) -> None:
        """Assign a pod to a node."""
        now = self._registry.clock.now()
        await self._registry.update(
            self._registry.catalog.by_key[PODS],
            (namespace, name),
            lambda pod: binding.bound(pod, {"target": {"kind": "Node", "name": node}}, now),
            self._options,
            Part.BINDING,
        )

    async def finalize(self, namespace: str) -> None:
        """Say that a terminating namespace is empty."""

        def without_hold(obj: Object) -> Object:
            spec = obj.get("spec") or {}
            left = [item for item in spec.get("finalizers") or () if item != KUBERNETES]
            return {**obj, "spec": {**spec, "finalizers": left}}

        await self._registry.update(
            self._registry.catalog.by_key[NAMESPACES],
            ("", namespace),
            without_hold,
            self._options,
            Part.FINALIZE,
        )

    def kinds(self) -> Sequence[Resource]:
        """What is served now and has objects."""
        return self._registry.catalog.kept

    def watch(self, *resources: str) -> Changes:
        """Subscribe to resources."""
        return StoreChanges(self._registry.store, resources)


class StoreChanges:
    """Everything there is, then every change.

    It remembers what it told, so that a subscriber who fell too far behind gets the difference
    instead of an error.
    """

    def __init__(self, store: Store, resources: Sequence[str]) -> None:
        self._store = store
        self._resources = resources
        self._told: dict[tuple[str, Key], Object] = {}
        self._due: deque[Change] = deque()
        self._resync()

    def _resync(self) -> None:
        """Start again from the present. Nothing is awaited here, so nothing can be missed."""
        self._watch = self._store.watch(self._resources)
        gone = dict(self._told)
        resources = self._resources
        if EVERYTHING in resources:
            resources = self._store.resources()
        for resource in resources:
            for record in self._store.list(resource):
                old = gone.pop((resource, record.key), None)
                if old is not record.obj:
                    self._tell(Change(resource, old, record.obj), record.key)
        for (resource, key), old in gone.items():
            self._tell(Change(resource, old, None), key)

    def _tell(self, change: Change, key: Key) -> None:
        self._due.append(change)
        if change.new is None:
            self._told.pop((change.resource, key), None)
        else:
            self._told[change.resource, key] = change.new

    def _take(self, event: Event) -> None:
        record = event.record
        old = None if event.previous is None else event.previous.obj
        new = None if event.type is ChangeType.DELETED else record.obj
        self._tell(Change(record.resource, old if new is not None else record.obj, new), record.key)

    async def batch(self) -> Sequence[Change]:
        """Wait for changes; at least one."""
        while not self._due:
            try:
                events = await self._watch.batch()
            except CutOff:
                self._resync()
                continue
            for event in events:
                self._take(event)
        due, self._due = self._due, deque()
        return tuple(due)

    def close(self) -> None:
        """End the subscription."""
        self._watch.close()

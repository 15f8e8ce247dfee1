"""How an object becomes a new one: its identity, defaults, and what admission adds or refuses."""

import random
from dataclasses import dataclass

from netemu.api import admission, metadata, podidentity, priority, strategies
from netemu.api.bounds import Bounds
from netemu.api.defaults import with_defaults
from netemu.api.podidentity import account_name
from netemu.clock import Clock
from netemu.model import naming
from netemu.model.meta import Object
from netemu.model.resources import (
    CUSTOM_RESOURCE_DEFINITIONS,
    PODS,
    PRIORITY_CLASSES,
    RUNTIME_CLASSES,
    SERVICE_ACCOUNTS,
    Resource,
)
from netemu.store.base import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """What new objects depend on."""

    store: Store
    clock: Clock
    rng: random.Random
    bounds: Bounds
    eviction_seconds: int
    loopback: bool

    def begun(self, resource: Resource, obj: Object) -> Object:
        """The object with its identity and defaults. Raises Forbidden."""
        now = self.clock.now()
        new = metadata.for_create(resource, obj, uid=metadata.new_uid(self.rng), now=now)
        if resource.key == PODS:
            classes = [record.obj for record in self.store.list(PRIORITY_CLASSES)]
            new = priority.prioritized(new, classes)
        return self.bounds.filled(resource, with_defaults(resource, new))

    def prepared(self, resource: Resource, new: Object) -> Object:
        """An object that was begun, as it may be stored. Raises Forbidden, Invalid."""
        new = strategies.prepare_create(resource, new, self.eviction_seconds)
        if resource.key == PODS:
            new = self._with_account(self._with_runtime(new))
        admission.require_valid(resource, new, None, loopback=self.loopback)
        self.bounds.check(resource, new, None)
        return self.with_names(new) if resource.key == CUSTOM_RESOURCE_DEFINITIONS else new

    def with_names(self, definition: Object) -> Object:
        """A definition with the names it gets beside the others."""
        if not (definition.get("spec") or {}).get("names", {}).get("kind"):
            return definition  # it will be refused
        others = [record.obj for record in self.store.list(CUSTOM_RESOURCE_DEFINITIONS)]
        status = naming.judged(definition, others, self.clock.now())
        return {**definition, "status": status}

    def named(self, obj: Object, prefix: str) -> Object:
        """The object with a name drawn for it."""
        name = metadata.generated_name(prefix, self.rng)
        return {**obj, "metadata": {**obj["metadata"], "name": name}}

    def _with_account(self, pod: Object) -> Object:
        """A pod with what its ServiceAccount brings. Raises Forbidden."""
        account = self._lookup(SERVICE_ACCOUNTS, pod["metadata"]["namespace"], account_name(pod))
        return podidentity.admitted(pod, account, metadata.random_suffix(self.rng))

    def _with_runtime(self, pod: Object) -> Object:
        """A pod with what its RuntimeClass adds. Raises Forbidden."""
        name = pod["spec"].get("runtimeClassName")
        if not name and not pod["spec"].get("overhead"):
            return pod
        from netemu.api import runtimeclass  # late: few pods have one

        if not name:
            raise runtimeclass.unfounded(pod)
        return runtimeclass.with_runtime(pod, self._lookup(RUNTIME_CLASSES, "", name))

    def _lookup(self, resource: str, namespace: str, name: str) -> Object | None:
        record = self.store.get(resource, (namespace, name))
        return None if record is None else record.obj

"""The one path of every write, and the door to every read.

HTTP handlers and netemu's own components write through the same steps in the same order:
defaults, what the server decides itself, validation, service addresses, field owners, the store.
Whoever reads gets the stored object itself and must not change it.
"""

import random
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

from netemu.api import admission, deletion, managedfields, metadata, replacing, views
from netemu.api.addresskeeper import AddressKeeper
from netemu.api.bounds import Bounds
from netemu.api.conversions import Conversions
from netemu.api.creation import Creation
from netemu.api.custom.resource import CustomResource, catalog_of
from netemu.api.defaults import with_defaults
from netemu.api.events import ComponentRecorder, EventWriter
from netemu.api.gate import Gate
from netemu.api.inprocess import RegistryClient
from netemu.api.parts import JUDGED, MERGES, Part
from netemu.api.records import converting, seen, unstored, warned
from netemu.api.writeoptions import WriteOptions
from netemu.clock import Clock
from netemu.config.settings import EVICTION_SECONDS, NetworkSettings
from netemu.model.addressing import Addressing
from netemu.model.catalog import BUILT_IN, Catalog
from netemu.model.client import Client, DeleteOptions, Recorder
from netemu.model.errors import AlreadyExists, Conflict, MethodNotAllowed, NotFound
from netemu.model.meta import Key, Object
from netemu.model.resources import CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, Resource
from netemu.store.base import Record, Store
from netemu.tasks import task_group

NAME_ATTEMPTS: Final = 8
"""How often a generated name that is taken is drawn again (KEP-4420)."""
RACE_ATTEMPTS: Final = 20
"""How often a write starts over because another one came first."""

_ENDING: Final = "create not allowed while custom resource definition is terminating"


class Registry:
    """The objects of one instance; `async with` runs the tasks that write and forget events."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        rng: random.Random,
        addressing: Addressing,
        network: NetworkSettings | None = None,
        eviction_seconds: int = EVICTION_SECONDS,
    ) -> None:
        self.store = store
        self._catalog = BUILT_IN
        self._defined = -1
        self.clock = clock
        self._loopback = addressing.services.is_loopback
        ports = (network or NetworkSettings()).node_ports
        self._addresses = AddressKeeper(store, addressing, ports, rng, clock)
        self._bounds = Bounds(store)
        self.gate = Gate(store, lambda: self.catalog, rng)
        self.conversions = Conversions(self.gate.post)
        self._creation = Creation(
            store=store,
            clock=clock,
            rng=rng,
            bounds=self._bounds,
            eviction_seconds=eviction_seconds,
            loopback=self._loopback,
        )
        self._events = EventWriter(self.client("netemu"), clock)
        self._life = AsyncExitStack()

    async def __aenter__(self) -> Self:
        tasks = await self._life.enter_async_context(task_group())
        tasks.start(self._events.write(), name="event writer")
        tasks.start(self._events.forget(), name="event expiry")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._life.__aexit__(kind, error, trace)

    @property
    def catalog(self) -> Catalog:
        """What is served now; another one after each change to a definition."""
        latest = self.store.latest(CUSTOM_RESOURCE_DEFINITIONS)
        if latest != self._defined:
            self._defined = latest
            definitions = self.store.list(CUSTOM_RESOURCE_DEFINITIONS)
            self._catalog = catalog_of([record.obj for record in definitions], self._catalog)
        return self._catalog

    def client(self, manager: str) -> Client:
        """The API, in process, for one field manager."""
        return RegistryClient(self, WriteOptions(manager=manager))

    def recorder(self, component: str, host: str = "") -> Recorder:
        """Writes Events for a component, perhaps one that runs on a node (`host`)."""
        return ComponentRecorder(self._events, component, host)

    def lookup(self, resource: str, namespace: str, name: str) -> Object | None:
        """One object by its resource's key, or None."""
        record = self.store.get(resource, (namespace, name))
        return None if record is None else record.obj

    def get(self, resource: Resource, key: Key) -> Record:
        """One object. Raises NotFound."""
        record = self.store.get(resource.key, key)
        if record is None:
            raise NotFound(resource.key, key[1])
        return record

    async def create(
        self, resource: Resource, namespace: str, obj: Object, options: WriteOptions
    ) -> Record:
        """Store a new object. Raises AlreadyExists, BadRequest, Forbidden, Invalid, NotFound."""
        asked = resource
        if resource.stored_as:
            obj, resource = views.stored(resource, obj), self.catalog.by_key[resource.key]
        if isinstance(resource, CustomResource) and resource.ending:
            raise MethodNotAllowed(_ENDING)
        obj = metadata.in_namespace(resource, obj, namespace)
        if resource.namespaced:
            home = self.store.get(NAMESPACES, ("", namespace))
            admission.check_namespace(resource, namespace, None if home is None else home.obj, obj)
        given = obj["metadata"]
        prefix = given.get("generateName")
        if given.get("name") or not prefix:
            return await self._create(resource, obj, options, asked)
        for _ in range(NAME_ATTEMPTS - 1):
            try:
                return await self._create(
                    resource, self._creation.named(obj, prefix), options, asked
                )
            except AlreadyExists:
                continue
        return await self._create(resource, self._creation.named(obj, prefix), options, asked)

    async def _create(
        self, resource: Resource, obj: Object, options: WriteOptions, asked: Resource
    ) -> Record:
        new = self._creation.begun(resource, obj)
        key = new["metadata"].get("namespace", ""), new["metadata"].get("name", "")
        guarded = self.gate.guarded
        if guarded:
            new = await self.gate.mutated("CREATE", resource, key, new, None, options)
            new = with_defaults(resource, new)
        new = self._creation.prepared(resource, new)
        if resource.custom:
            warned(new, None, options.warnings)
        if guarded:
            await self.gate.validate("CREATE", asked, key, new, None, options)
        # Addresses and ports that are handed out from here on belong to no writer.
        new = self._tracked(resource, None, new, options, Part.MAIN)
        async with self._addresses.held(resource, new, None, dry_run=options.dry_run) as new:
            new = metadata.ordered(new)
            if options.dry_run:
                if self.store.get(resource.key, key) is not None:
                    raise AlreadyExists(resource.key, key[1])
                return unstored(resource, key, new, 0)
            kept = await self._kept(resource, new)
            return await self._told(resource, await self.store.create(resource.key, key, kept))

    def _tracked(
        self, resource: Resource, old: Object | None, new: Object, options: WriteOptions, part: Part
    ) -> Object:
        """`new` with the owners of its fields after this write."""
        if options.tracked:
            return new
        now, manager = self.clock.now(), options.manager
        return managedfields.track(
            resource, old, new, manager=manager, subresource=part.value, now=now
        )

    async def update(
        self,
        resource: Resource,
        key: Key,
        change: Callable[[Object], Object],
        options: WriteOptions,
        part: Part = Part.MAIN,
    ) -> Record:
        """Replace an object by what `change` makes of it; only `part` of it counts.

        `change` may be called again when another write came first. An object whose
        resourceVersion it does not leave as it was is a conflict.
        Raises BadRequest, Conflict, Invalid, NotFound.
        """
        asked = resource
        if resource.stored_as:
            change = converting(resource, change)
            resource = self.catalog.by_key[resource.key]
        for _ in range(RACE_ATTEMPTS):
            current = await self._told(resource, self.get(resource, key))
            try:
                given = change(seen(resource, current))
                return await self._update(resource, current, given, options, part, asked)
            except Conflict:
                if self.store.get(resource.key, key) is current:
                    raise  # nobody came first: the client's own version is old
        raise Conflict(resource.key, key[1])

    async def _update(
        self, resource: Resource, current: Record, given: Object, options: WriteOptions, part: Part,
        asked: Resource,
    ) -> Record:  # fmt: skip
        old = seen(resource, current)
        given = metadata.named(
            metadata.in_namespace(resource, given, current.key[0]), current.key[1]
        )
        replacing.check_identity(resource, current.key, given, old)
        replacing.check_version(resource, given, old)
        new = MERGES[part](resource, given, old)
        guarded = self.gate.guarded
        if guarded:
            new = await self.gate.mutated("UPDATE", resource, current.key, new, old, options, part)
            new = MERGES[part](resource, new, old)
        new = metadata.for_update(new, old)
        if part is not Part.STATUS:  # no controller acts on what comes with a status
            new = metadata.with_generation(resource, new, old)
        if options.tracked:
            new = managedfields.owners_of(given, new)
        new = self._judged(resource, new, old, part)
        if resource.custom:
            warned(new, old, options.warnings)
        if guarded:
            await self.gate.validate("UPDATE", asked, current.key, new, old, options, part)
        if admission.unchanged(new, old):
            return current
        new = self._tracked(resource, old, new, options, part)
        if deletion.finished(resource, new):  # what is about to go takes no addresses any more
            new = metadata.ordered(new)
            if not options.dry_run:
                await self._remove(resource, current)
            return unstored(resource, current.key, new, current.revision)
        async with self._addresses.held(resource, new, old, dry_run=options.dry_run) as new:
            new = metadata.ordered(new)
            if options.dry_run:
                return unstored(resource, current.key, new, current.revision)
            kept = await self._kept(resource, new)
            stored = await self.store.update(resource.key, current.key, kept, current.revision)
            return await self._told(resource, stored)

    def _judged(self, resource: Resource, new: Object, old: Object, part: Part) -> Object:
        """An object as it may replace another one. Raises Forbidden, Invalid."""
        if resource.key == CUSTOM_RESOURCE_DEFINITIONS:
            new = self._creation.with_names(new)
        if part in JUDGED:
            admission.require_valid(resource, new, old, loopback=self._loopback)
        if part is Part.MAIN:
            self._bounds.check(resource, new, old)
        return new

    async def _kept(self, resource: Resource, obj: Object) -> Object:
        """An object as it is stored."""
        if not isinstance(resource, CustomResource) or resource.kept is None:
            return obj
        if resource.hook is not None:
            [obj] = await self.conversions.converted(resource.kept, [obj])
        return resource.kept.fitted(obj)

    async def _told(self, resource: Resource, record: Record) -> Record:
        """A record that can be shown as this version of its kind has it."""
        if resource.custom:
            await self.conversions.prepare(resource, [record])
        return record

    async def _remove(self, resource: Resource, current: Record) -> Record:
        record = await self.store.delete(resource.key, current.key, current.revision)
        await self._addresses.release(resource, current.obj)
        return record

    async def apply(
        self,
        resource: Resource,
        key: Key,
        change: Callable[[Object | None], Object],
        options: WriteOptions,
        part: Part = Part.MAIN,
    ) -> tuple[Record, bool]:
        """Replace an object by what `change` makes of it, or create it from None: what is stored,
        and whether it is new. A part of an object can't be applied before the object is there.

        Raises what `create` and `update` do.
        """
        for _ in range(RACE_ATTEMPTS):
            if self.store.get(resource.key, key) is None and part is Part.MAIN:
                obj = metadata.named(metadata.in_namespace(resource, change(None), key[0]), key[1])
                try:
                    return await self.create(resource, key[0], obj, options), True
                except AlreadyExists:
                    if options.dry_run:
                        raise
                    continue
            try:
                return await self.update(resource, key, change, options, part), False
            except NotFound:
                if part is not Part.MAIN:
                    raise
        raise Conflict(resource.key, key[1])

    async def delete(
        self,
        resource: Resource,
        key: Key,
        options: DeleteOptions,
        by: WriteOptions | None = None,
    ) -> tuple[Record, bool]:
        """Delete, or begin to: the last state, and whether it is gone. `by`: who asks, if it is no
        part of netemu.

        Raises Conflict, Forbidden, NotFound.
        """
        for _ in range(RACE_ATTEMPTS):
            current = self.get(resource, key)
            if self.gate.guarded:
                by = by or WriteOptions(manager="netemu", dry_run=options.dry_run)
                await self.gate.validate("DELETE", resource, key, None, current.obj, by)
            plan = deletion.plan(resource, current.obj, options, self.clock.now())
            try:
                return await self._carry_out(resource, current, plan, dry_run=options.dry_run)
            except Conflict:
                if self.store.get(resource.key, key) is current:
                    raise
        raise Conflict(resource.key, key[1])

    async def _carry_out(
        self, resource: Resource, current: Record, plan: deletion.Plan, *, dry_run: bool
    ) -> tuple[Record, bool]:
        if isinstance(plan, deletion.Removal):
            gone = current if dry_run else await self._remove(resource, current)
            return await self._told(resource, gone), True
        if plan.obj is current.obj:
            return await self._told(resource, current), False
        new = metadata.ordered(plan.obj)
        if dry_run:
            return unstored(resource, current.key, new, current.revision), False
        stored = await self.store.update(resource.key, current.key, new, current.revision)
        return await self._told(resource, stored), False

    async def delete_all(
        self,
        resource: Resource,
        keys: Sequence[Key],
        options: DeleteOptions,
        by: WriteOptions | None = None,
    ) -> list[Record]:
        """Delete those of the objects that are still there; `by`: who asks."""
        gone = []
        for key in keys:
            try:
                record, _ = await self.delete(resource, key, options, by)
            except NotFound:
                continue
            gone.append(record)
        return gone

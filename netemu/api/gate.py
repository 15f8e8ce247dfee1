"""Who else must agree with a write: admission policies and webhooks.

Where there are none, nothing is looked up but whether there are. What they are is read anew after
each change to any of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from netemu.api import strict, views
from netemu.api.access import Access
from netemu.api.admissionrequest import AdmissionRequest
from netemu.api.parts import Part
from netemu.api.request import User
from netemu.late import late
from netemu.model.catalog import Catalog
from netemu.model.meta import Key, Object, name_of
from netemu.model.resources import NAMESPACES, Resource
from netemu.store.base import Store

if TYPE_CHECKING:
    from netemu.api import admissionauthorizer, admissionpolicies, webhookclient, webhooks
    from netemu.api.admissionpolicies import Policy, Surroundings
    from netemu.api.webhookclient import Outside
    from netemu.api.webhooks import Hook
    from netemu.api.writeoptions import WriteOptions
else:
    admissionauthorizer = late("netemu.api.admissionauthorizer")
    admissionpolicies = late("netemu.api.admissionpolicies")
    webhookclient = late("netemu.api.webhookclient")
    webhooks = late("netemu.api.webhooks")

_GROUP: Final = "admissionregistration.k8s.io"
POLICIES: Final = f"validatingadmissionpolicies.{_GROUP}"
BINDINGS: Final = f"validatingadmissionpolicybindings.{_GROUP}"
VALIDATING: Final = f"validatingwebhookconfigurations.{_GROUP}"
MUTATING: Final = f"mutatingwebhookconfigurations.{_GROUP}"
KINDS: Final = (POLICIES, BINDINGS, VALIDATING, MUTATING)


class Gate:
    """What every write passes."""

    def __init__(self, store: Store, catalog: Callable[[], Catalog], rng: random.Random) -> None:
        self._store = store
        self._catalog = catalog
        self._rng = rng
        self.inside: Callable[[str], bool] = lambda host: False
        """Whether an address is one of the cluster's own."""
        self.outside: Outside | None = None
        """How to get to the other ones, if not as we are."""
        self._access = Access(store)
        self._seen: tuple[int, ...] = ()
        self._policies: Sequence[tuple[Policy, Sequence[Object]]] = ()
        self._validating: Sequence[Hook] = ()
        self._mutating: Sequence[Hook] = ()

    @property
    def guarded(self) -> bool:
        """Whether anybody wants to be asked."""
        latest = tuple([self._store.latest(kind) for kind in KINDS])
        if latest != self._seen:
            self._seen = latest
            self._policies = self._bound()
            self._validating = self._hooks(VALIDATING)
            self._mutating = self._hooks(MUTATING)
        return bool(self._policies or self._validating or self._mutating)

    def _hooks(self, resource: str) -> Sequence[Hook]:
        found = self._objects(resource)
        return webhooks.hooks_of(found) if found else ()

    def _objects(self, resource: str, namespace: str | None = None) -> list[Object]:
        return [record.obj for record in self._store.list(resource, namespace)]

    def _bound(self) -> Sequence[tuple[Policy, Sequence[Object]]]:
        """Policies that are bound; the others say nothing."""
        bindings = self._objects(BINDINGS)
        found = []
        for obj in self._objects(POLICIES):
            mine = [one for one in bindings if one["spec"].get("policyName") == name_of(obj)]
            if mine:
                found.append((admissionpolicies.compiled(obj), mine))
        return found

    async def validate(
        self,
        operation: str,
        resource: Resource,
        key: Key,
        obj: Object | None,
        old: Object | None,
        options: WriteOptions,
        part: Part = Part.MAIN,
    ) -> None:
        """Ask everybody who validates. Raises ApiError."""
        request = _request(operation, resource, key, obj, old, options, part)
        if self._mutating and obj is None:  # of what goes, nobody can change anything
            await webhooks.mutate(self._mutating, request, self._around(), self.post)
        if self._policies:
            admissionpolicies.judge(self._policies, request, self._around())
        if self._validating:
            await webhooks.validate(self._validating, request, self._around(), self.post)

    async def mutated(
        self,
        operation: str,
        resource: Resource,
        key: Key,
        obj: Object,
        old: Object | None,
        options: WriteOptions,
        part: Part = Part.MAIN,
    ) -> Object:
        """The object as everybody who changes it makes it. Raises ApiError."""
        if not self._mutating:
            return obj
        request = _request(operation, resource, key, obj, old, options, part)
        found = await webhooks.mutate(self._mutating, request, self._around(), self.post)
        assert found is not None  # there was one
        return found

    async def post(self, config: Object, review: Object, seconds: float) -> Object:
        """What a webhook answers. Raises CallFailed."""
        client = webhookclient.WebhookClient(self._find, self._rng, self.inside, self.outside)
        return await client.post(config, review, seconds)

    def _around(self) -> Surroundings:
        return admissionpolicies.Surroundings(
            catalog=self._catalog(),
            namespace=lambda name: self._find(NAMESPACES, "", name),
            find=self._find,
            every=self._objects,
            authorizer=lambda request: admissionauthorizer.authorizer(self._access, request.user),
            back=_back,
        )

    def _find(self, resource: str, namespace: str, name: str) -> Object | None:
        record = self._store.get(resource, (namespace, name))
        return None if record is None else record.obj


def _back(resource: Resource, seen: Resource, obj: Object) -> Object:
    """What came back in one version, in another, without what the kind doesn't know."""
    obj, _ = strict.check(seen, obj)
    return obj if seen is resource else views.shown(resource, views.stored(seen, obj))


_OPTIONS: Final = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}


def _request(
    operation: str,
    resource: Resource,
    key: Key,
    obj: Object | None,
    old: Object | None,
    options: WriteOptions,
    part: Part,
) -> AdmissionRequest:
    groups = "system:masters", "system:authenticated"
    said: Object = {"kind": _OPTIONS[operation], "apiVersion": "meta.k8s.io/v1"}
    if options.dry_run:
        said["dryRun"] = ["All"]
    if operation != "DELETE":
        said["fieldManager"] = options.manager
    return AdmissionRequest(
        operation=operation,
        resource=resource,
        subresource=part.value,
        namespace=key[1] if resource.key == NAMESPACES else key[0],
        name=key[1],
        obj=obj,
        old=old,
        user=options.user or User(f"system:{options.manager}", groups),
        dry_run=options.dry_run,
        options=said,
        warnings=options.warnings,
    )

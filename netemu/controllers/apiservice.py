"""APIServices: one for each group and version that is served here, and what is said of others.

Source: kube-aggregator's autoregister and availability controllers. Requests are not passed on to
API servers behind Services, so those are never available; what they lack is told in upstream's
words first.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from netemu.controllers.actions import Action, Create, Delete, Update, WriteStatus, execute
from netemu.controllers.runner import Context
from netemu.model.catalog import BUILT_IN
from netemu.model.client import Change
from netemu.model.conditions import condition, with_condition
from netemu.model.meta import Object, is_deleting, labels_of, name_of
from netemu.model.resources import API_SERVICES, CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, SERVICES

GROUP: Final = "apiregistration.k8s.io"
MANAGED: Final = "kube-aggregator.kubernetes.io/automanaged"
"""Label of those made here: "onstart" what is built in, "true" what definitions add."""

PRIORITIES: Final[Mapping[str, tuple[int, int]]] = {
    "v1.": (18000, 1),
    "v1.apps": (17800, 15),
    "v1.events.k8s.io": (17750, 15),
    "v1.authentication.k8s.io": (17700, 15),
    "v1.authorization.k8s.io": (17600, 15),
    "v1.autoscaling": (17500, 15),
    "v2.autoscaling": (17500, 30),
    "v1.batch": (17400, 15),
    "v1.certificates.k8s.io": (17300, 15),
    "v1.networking.k8s.io": (17200, 15),
    "v1beta1.networking.k8s.io": (17200, 12),
    "v1.policy": (17100, 15),
    "v1.rbac.authorization.k8s.io": (17000, 15),
    "v1.storage.k8s.io": (16800, 15),
    "v1.apiextensions.k8s.io": (16700, 15),
    "v1.admissionregistration.k8s.io": (16700, 15),
    "v1.scheduling.k8s.io": (16600, 15),
    "v1.coordination.k8s.io": (16500, 15),
    "v1.node.k8s.io": (16300, 15),
    "v1.discovery.k8s.io": (16200, 15),
    "v1.flowcontrol.apiserver.k8s.io": (16100, 21),
    "v1beta1.metrics.k8s.io": (100, 100),
}
"""Of the group, and of the version within it, as kube-apiserver and metrics-server set them."""
LOOK_SECONDS: Final = 5.0
"""How often a foreign one's Service is looked for."""
OTHERS: Final = (1000, 100)
"""Those of definitions."""


def built_in() -> dict[str, Object]:
    """The APIServices that every cluster has, by name."""
    pairs = dict.fromkeys((kind.group, kind.version) for kind in BUILT_IN.kinds)
    wanted = (_local(*pair, "onstart") for pair in pairs if pair[0] != GROUP)
    return {name_of(obj): obj for obj in wanted}


def defined(definitions: Iterable[Object]) -> dict[str, Object]:
    """Those that definitions add, by name."""
    wanted = (
        _local(definition["spec"]["group"], version["name"], "true")
        for definition in definitions
        if (condition(definition, "Established") or {}).get("status") == "True"
        for version in definition["spec"]["versions"]
        if version.get("served")
    )
    return {name_of(obj): obj for obj in wanted}


def _local(group: str, version: str, managed: str) -> Object:
    name = f"{version}.{group}"
    minimum, priority = PRIORITIES.get(name, OTHERS)
    spec: Object = {
        "groupPriorityMinimum": minimum,
        "version": version,
        "versionPriority": priority,
    }
    if group:
        spec["group"] = group
    return {"metadata": {"name": name, "labels": {MANAGED: managed}}, "spec": spec}


class Observed(Struct, frozen=True, kw_only=True):
    """What a plan is made from."""

    obj: Object | None
    wanted: Object | None
    """As it should be, if it is one of the cluster's own."""
    service: Object | None = None
    """That which a foreign one names."""
    now: float


def plan(seen: Observed) -> list[Action]:
    """Make it, mend it, say whether it is available, or remove it."""
    obj, wanted = seen.obj, seen.wanted
    if obj is None:
        return [] if wanted is None else [Create(API_SERVICES, wanted)]
    if is_deleting(obj):
        return []
    if wanted is None and labels_of(obj).get(MANAGED):
        return [Delete(API_SERVICES, obj)]
    if wanted is not None and labels_of(obj).get(MANAGED) and obj["spec"] != wanted["spec"]:
        return [Update(API_SERVICES, {**obj, "spec": wanted["spec"]})]
    before = (obj.get("status") or {}).get("conditions")
    said = dict(zip(("status", "reason", "message"), _available(seen, obj), strict=True))
    conditions = with_condition(before, {"type": "Available", **said}, seen.now)
    if conditions == before:
        return []
    return [WriteStatus(API_SERVICES, obj, {"conditions": conditions})]


def _available(seen: Observed, obj: Object) -> tuple[str, str, str]:
    reference = obj["spec"].get("service")
    if reference is None:
        return "True", "Local", "Local APIServices are always available"
    name, namespace = reference.get("name", ""), reference.get("namespace", "")
    if seen.service is None:
        return "False", "ServiceNotFound", f'service/{name} in "{namespace}" is not present'
    spec, port = seen.service["spec"], reference.get("port", 443)
    if spec.get("type") != "ExternalName" and port not in (
        item["port"] for item in spec.get("ports") or ()
    ):
        said = f'service/{name} in "{namespace}" is not listening on port {port}'
        return "False", "ServicePortError", said
    said = f"netemu passes no requests on to API servers behind Services ({namespace}/{name})"
    return "False", "NotServed", said


class ApiServiceController:
    """Brings APIServices in line."""

    resources = (NAMESPACES, API_SERVICES, CUSTOM_RESOURCE_DEFINITIONS)
    """Namespaces are there from the first moment, so the built-in ones are looked at."""

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._clock = context.clock
        self._built_in = built_in()
        self._due = set(self._built_in)
        """Those nobody has looked at yet."""

    def observe(self, change: Change) -> Iterable[str]:
        """The one that changed, or all that definitions may add or take."""
        due, self._due = self._due, set()
        if change.resource == NAMESPACES:
            return due
        if change.resource == API_SERVICES:
            return {*due, name_of(change.object)}
        old, new = (defined([each] if each else []) for each in (change.old, change.new))
        return {*due, *old, *new}

    async def sync(self, name: str) -> float | None:
        """Bring one in line; a foreign one is looked at again, as its Service may come."""
        obj = self._client.get(API_SERVICES, "", name)
        wanted = self._built_in.get(name)
        if wanted is None:
            wanted = defined(self._client.list(CUSTOM_RESOURCE_DEFINITIONS)).get(name)
        reference = (obj or {}).get("spec", {}).get("service")
        service = None
        if reference is not None:
            key = reference.get("namespace", ""), reference.get("name", "")
            service = self._client.get(SERVICES, *key)
        now = self._clock.now()
        seen = Observed(obj=obj, wanted=wanted, service=service, now=now)
        await execute(self._client, self._recorder, plan(seen))
        return None if reference is None else LOOK_SECONDS

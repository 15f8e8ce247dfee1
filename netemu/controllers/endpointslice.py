"""The endpointslice controller: the pods behind each Service, in slices that DNS and proxy read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from netemu.controllers import topologyhints
from netemu.controllers.actions import Action, Delete, execute, namespace_ends
from netemu.controllers.index import Index
from netemu.controllers.runner import Context
from netemu.controllers.slices import Packing, Ports, ordered, plan_slices, port_object
from netemu.controllers.targets import (
    ZONE,
    PodsBehind,
    Target,
    families_of,
    family_of,
    is_headless,
    publishes_not_ready,
    selector_of,
    target_reference,
)
from netemu.controllers.triggertime import TriggerTimes, stamped
from netemu.model import resources
from netemu.model.client import Change
from netemu.model.errors import ApiError
from netemu.model.meta import (
    Key,
    Object,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from netemu.model.service import HEADLESS, SERVICE_NAME

MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
NAME = "endpointslice-controller.k8s.io"

CLOSE = frozenset({"PreferClose", "PreferSameZone", "PreferSameNode"})
"""Values of spec.trafficDistribution; the first is an older name of the second."""

_RESERVED = frozenset({SERVICE_NAME, MANAGED_BY, HEADLESS})
"""Labels of a slice that a Service's own labels don't override."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a plan is made from."""

    service: Object
    targets: Sequence[Target]
    """The pods behind it."""
    slices: Sequence[Object]
    """The slices that this controller made for a Service of that name."""
    zones: Mapping[str, str]
    """The zone of each node that exists, "" without."""
    limit: int = 100
    """Endpoints in a slice at most."""


def plan(seen: Observed) -> list[Action]:
    """The slices to create, update and delete."""
    service = seen.service
    if selector_of(service) is None or is_deleting(service):
        return []
    families = families_of(service)
    mine: list[Object] = []
    others: list[Object] = []
    for part in seen.slices:
        wanted = _owned(part, service) and part["addressType"] in families
        (mine if wanted else others).append(part)
    actions: list[Action] = [Delete(resources.ENDPOINT_SLICES, part) for part in others]
    found = [target for target in seen.targets if _placed(seen, target)]
    for family in families:
        packing = Packing(
            blank=partial(_blank, service, family),
            limit=seen.limit,
            placeholder=True,
        )
        existing = [part for part in mine if part["addressType"] == family]
        actions += plan_slices(packing, _desired(seen, found, family), existing)
    return actions


def _owned(part: Object, service: Object) -> bool:
    owners = part["metadata"].get("ownerReferences") or ()
    return any(owner["uid"] == uid_of(service) for owner in owners)


def _placed(seen: Observed, target: Target) -> bool:
    """A pod on a node that is gone is soon gone, too."""
    return not target.node or target.node in seen.zones or publishes_not_ready(seen.service)


def _desired(seen: Observed, found: Iterable[Target], family: str) -> dict[Ports, list[Object]]:
    desired: dict[Ports, list[Object]] = {}
    for target in found:
        addresses = [address for address in target.addresses if family_of(address) == family]
        if addresses:
            endpoint = _endpoint(seen, target, addresses)
            desired.setdefault(ordered(target.ports), []).append(endpoint)
    if topologyhints.is_asked_for(seen.service):
        _hint_zones([each for some in desired.values() for each in some], seen.zones)
    return desired


def events(seen: Observed) -> list[topologyhints.Event]:
    """What there is to tell about hints for zones, by address family."""
    service, found = seen.service, []
    if selector_of(service) is None or is_deleting(service):
        return []
    asked = topologyhints.is_asked_for(service)
    hinted = any("hints" in each for part in seen.slices for each in part.get("endpoints") or ())
    # Hints that come by spec.trafficDistribution are nothing to tell of.
    if not asked and (not hinted or service["spec"].get("trafficDistribution") in CLOSE):
        return []
    targets = [target for target in seen.targets if _placed(seen, target)]
    for family in families_of(service):
        listed = [e for some in _desired(seen, targets, family).values() for e in some]
        zones = [each.get("zone", "") for each in listed if each["conditions"]["ready"]]
        nodes = seen.zones.values()
        found.append(topologyhints.event(family, zones, nodes, asked=asked, hinted=hinted))
    return [each for each in found if each is not None]


def _hint_zones(endpoints: Iterable[Object], zones: Mapping[str, str]) -> None:
    """Hint each ready endpoint for one zone; in order of address, so that they stay the same."""
    ready = [each for each in endpoints if each["conditions"]["ready"]]
    ready.sort(key=lambda each: str(each["addresses"][0]))
    hints = topologyhints.allot([each.get("zone", "") for each in ready], zones.values())
    for endpoint, zone in zip(ready, hints or [""] * len(ready), strict=True):
        endpoint.pop("hints", None)
        if zone:
            endpoint["hints"] = {"forZones": [{"name": zone}]}


def _endpoint(seen: Observed, target: Target, addresses: list[str]) -> Object:
    ready = target.serving and not target.terminating
    endpoint: Object = {
        "addresses": addresses,
        "conditions": {
            "ready": ready or publishes_not_ready(seen.service),
            "serving": target.serving,
            "terminating": target.terminating,
        },
    }
    if target.hostname:
        endpoint["hostname"] = target.hostname
    endpoint["targetRef"] = target_reference(target)
    if target.node:
        endpoint["nodeName"] = target.node
    zone = seen.zones.get(target.node)
    if zone:
        endpoint["zone"] = zone
    if endpoint["conditions"]["ready"]:
        hints = _hints(seen.service["spec"].get("trafficDistribution"), target.node, zone or "")
        if hints:
            endpoint["hints"] = hints
    return endpoint


def _hints(distribution: str | None, node: str, zone: str) -> Object:
    """Whose clients should come to an endpoint: those near it (KEP-4444, KEP-3015)."""
    if distribution not in CLOSE:
        return {}
    hints: Object = {"forZones": [{"name": zone}]} if zone else {}
    if distribution == "PreferSameNode" and node:
        hints["forNodes"] = [{"name": node}]
    return hints


def _blank(service: Object, family: str, ports: Ports) -> Object:
    labels = {key: value for key, value in labels_of(service).items() if key not in _RESERVED}
    if is_headless(service):
        labels[HEADLESS] = ""
    order = [port.get("name", "") for port in service["spec"].get("ports") or ()]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{name_of(service)}-",
            "namespace": namespace_of(service),
            "labels": {**labels, SERVICE_NAME: name_of(service), MANAGED_BY: NAME},
            "ownerReferences": [owner_reference(service, "v1", "Service")],
        },
        "addressType": family,
        "endpoints": [],
        "ports": [port_object(p) for p in sorted(ports, key=lambda port: order.index(port.name))],
    }


def managed(manager: str, part: Object) -> Iterable[Key]:
    """The (namespace, Service) of a slice that `manager` made; the group of an `Index`."""
    labels = labels_of(part)
    if labels.get(MANAGED_BY) == manager and labels.get(SERVICE_NAME):
        return ((namespace_of(part), labels[SERVICE_NAME]),)
    return ()


class EndpointSliceController:
    """Brings Services' slices in line."""

    resources = (
        resources.SERVICES,
        resources.PODS,
        resources.ENDPOINT_SLICES,
        resources.NODES,
    )

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._limit = context.settings.endpoints_per_slice
        self._pods = PodsBehind(context.client)
        self._slices = Index(context.client, lambda part: managed(NAME, part))
        self._zones: dict[str, str] = {}
        self._times = TriggerTimes()
        self._told: dict[Key, list[topologyhints.Event]] = {}
        """What Services were told last about hints; the same isn't told again."""

    def observe(self, change: Change) -> Iterable[Key]:
        """A Service's own change, its pods', its slices', and a node's coming, going or zone."""
        match change.resource:
            case resources.SERVICES:
                return (key_of(change.object),)
            case resources.PODS:
                return self._pods.observe(change)
            case resources.NODES:
                return self._node(change)
            case _:
                return self._slice(change)

    def _slice(self, change: Change) -> Iterable[Key]:
        self._slices.observe(change)
        states = (part for part in (change.old, change.new) if part is not None)
        return [key for part in states for key in managed(NAME, part)]

    def _node(self, change: Change) -> Iterable[Key]:
        before = dict(self._zones)
        if change.new is None:
            self._zones.pop(name_of(change.object), None)
        else:
            self._zones[name_of(change.new)] = labels_of(change.new).get(ZONE, "")
        if before == self._zones:
            return ()
        return [key_of(service) for service in self._client.list(resources.SERVICES)]

    async def sync(self, key: Key) -> float | None:
        """Bring a Service's slices in line; without the Service they are garbage collected."""
        service = self._client.get(resources.SERVICES, *key)
        if service is None:
            self._times.forget(key)
            self._pods.forget(key)
            self._told.pop(key, None)
            return None
        targets = self._pods.of(service)
        seen = Observed(
            service=service,
            targets=targets,
            slices=self._slices.objects(key),
            zones=self._zones,
            limit=self._limit,
        )
        actions = plan(seen)
        self._tell(key, seen)
        if selector_of(service) is not None:
            when = self._times.observe(key, service, targets)
            actions = [stamped(action, when) for action in actions]
        try:
            await execute(self._client, self._recorder, actions, self._slices.put)
        except ApiError as error:
            if not namespace_ends(error):
                raise
        return None

    def _tell(self, key: Key, seen: Observed) -> None:
        told = events(seen)
        for each in told:
            if each not in self._told.get(key, ()):
                self._recorder.event(seen.service, each.type, each.reason, each.message)
        if told:
            self._told[key] = told
        else:
            self._told.pop(key, None)

"""The endpoints controller: the older list of addresses behind a Service, one object for each.

kubectl and older clients still read it; DNS and proxy read the slices.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from netemu.controllers.actions import Action, Create, Delete, Update, execute, namespace_ends
from netemu.controllers.runner import Context
from netemu.controllers.targets import (
    PodsBehind,
    Port,
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
    annotations_of,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
)
from netemu.model.service import HEADLESS

CAPACITY = 1000
"""Addresses in one Endpoints object at most (KEP-752); slices have no such limit."""
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"

_Where = tuple[str, bool]
"""(address, ready)."""


class Observed(Struct, frozen=True, kw_only=True):
    """What a plan is made from."""

    service: Object
    targets: Sequence[Target]
    """The pods behind it."""
    endpoints: Object | None
    """What is there under the Service's name."""


def plan(seen: Observed) -> list[Action]:
    """The object to create or update, if any."""
    service = seen.service
    if selector_of(service) is None or is_deleting(service):
        return []
    listed = [
        target for target in seen.targets if publishes_not_ready(service) or not target.terminating
    ]
    family = families_of(service)[0]
    wanted = _endpoints(service, _truncated(service, listed), family, len(listed) > CAPACITY)
    if seen.endpoints is None:
        return [Create(resources.ENDPOINTS, wanted)]
    if _shown(seen.endpoints) == _shown(wanted):
        return []
    merged = {**seen.endpoints, "subsets": wanted["subsets"]}
    annotations = {**annotations_of(seen.endpoints), **annotations_of(wanted)}
    if len(listed) <= CAPACITY:
        annotations.pop(OVER_CAPACITY, None)
    merged["metadata"] = {
        **seen.endpoints["metadata"],
        "labels": labels_of(wanted),
        "annotations": annotations,
    }
    return [Update(resources.ENDPOINTS, merged)]


def _shown(endpoints: Object) -> tuple[object, ...]:
    over = annotations_of(endpoints).get(OVER_CAPACITY)
    return endpoints.get("subsets") or [], labels_of(endpoints), over


def _is_ready(service: Object, target: Target) -> bool:
    return target.serving or publishes_not_ready(service)


def _truncated(service: Object, listed: Sequence[Target]) -> list[Target]:
    """As many as fit, ready ones first (rule 26)."""
    if len(listed) <= CAPACITY:
        return [*listed]
    return sorted(listed, key=lambda target: not _is_ready(service, target))[:CAPACITY]


def _endpoints(service: Object, listed: Iterable[Target], family: str, over: bool) -> Object:
    labels = {key: value for key, value in labels_of(service).items() if key != HEADLESS}
    if is_headless(service):
        labels[HEADLESS] = ""
    metadata = {
        "name": name_of(service),
        "namespace": namespace_of(service),
        "labels": labels,
        "annotations": {OVER_CAPACITY: "truncated"} if over else {},
    }
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": metadata,
        "subsets": _subsets(service, listed, family),
    }


def _subsets(service: Object, listed: Iterable[Target], family: str) -> list[Object]:
    """Addresses that offer the same ports stand together (upstream: RepackSubsets)."""
    portless = not service["spec"].get("ports")
    groups: dict[tuple[Port, ...], dict[_Where, Object]] = {}
    for target in listed:
        address = next((item for item in target.addresses if family_of(item) == family), None)
        if address is None or not (target.ports or portless):
            continue  # a pod that has none of the ports is left out (rule 23)
        ports = tuple(sorted(target.ports, key=_port_order))
        where = address, _is_ready(service, target)
        groups.setdefault(ports, {})[where] = _address(target, address)
    return [_subset(ports, groups[ports]) for ports in sorted(groups, key=_ports_order)]


def _port_order(port: Port) -> tuple[str, str, int]:
    return port.name, port.protocol, port.number


def _ports_order(ports: tuple[Port, ...]) -> list[tuple[str, str, int]]:
    return [_port_order(port) for port in ports]


def _subset(ports: tuple[Port, ...], addresses: dict[_Where, Object]) -> Object:
    order = sorted(addresses)
    ready = [addresses[where] for where in order if where[1]]
    unready = [addresses[where] for where in order if not where[1]]
    subset: Object = {}
    if ready:
        subset["addresses"] = ready
    if unready:
        subset["notReadyAddresses"] = unready
    if ports:
        subset["ports"] = [_port_object(port) for port in ports]
    return subset


def _address(target: Target, address: str) -> Object:
    item: Object = {"ip": address}
    if target.hostname:
        item["hostname"] = target.hostname
    if target.node:
        item["nodeName"] = target.node
    return {**item, "targetRef": target_reference(target)}


def _port_object(port: Port) -> Object:
    item: Object = {"name": port.name} if port.name else {}
    item |= {"port": port.number, "protocol": port.protocol}
    return {**item, "appProtocol": port.app_protocol} if port.app_protocol else item


class EndpointsController:
    """Brings Services' Endpoints in line."""

    resources = (resources.SERVICES, resources.PODS, resources.ENDPOINTS)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._pods = PodsBehind(context.client)
        self._times = TriggerTimes()

    def observe(self, change: Change) -> Iterable[Key]:
        """A Service's own change, its pods', and that of the object it is about."""
        match change.resource:
            case resources.PODS:
                return self._pods.observe(change)
            case resources.ENDPOINTS:
                # Made before their Service, endpoints wait for it: only a Service's own end
                # takes them along.
                key = key_of(change.object)
                known = self._client.get(resources.SERVICES, *key) is not None
                return (key,) if known else ()
            case _:
                return (key_of(change.object),)

    async def sync(self, key: Key) -> float | None:
        """Bring one Service's Endpoints in line; they go with the Service."""
        service = self._client.get(resources.SERVICES, *key)
        endpoints = self._client.get(resources.ENDPOINTS, *key)
        if service is None:
            self._times.forget(key)
            self._pods.forget(key)
            actions: list[Action] = []
            if endpoints is not None:
                actions = [Delete(resources.ENDPOINTS, endpoints)]
        else:
            targets = self._pods.of(service)
            actions = plan(Observed(service=service, targets=targets, endpoints=endpoints))
            if selector_of(service) is not None:
                when = self._times.observe(key, service, targets)
                actions = [stamped(action, when) for action in actions]
        try:
            await execute(self._client, self._recorder, actions)
        except ApiError as error:
            if not namespace_ends(error):
                raise
        return None

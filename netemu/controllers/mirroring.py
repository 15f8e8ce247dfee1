"""The endpointslicemirroring controller: hand-made Endpoints, shown as EndpointSlices.

Only Endpoints whose Service has no selector are mirrored, and none that carry the label skip-mirror
(rule 30).
"""

from collections.abc import Iterable, Sequence
from functools import partial

from msgspec import Struct

from netemu.controllers.actions import Action, Delete, Tell, execute, namespace_ends
from netemu.controllers.endpointslice import MANAGED_BY, managed
from netemu.controllers.index import Index
from netemu.controllers.runner import Context
from netemu.controllers.slices import Packing, Ports, ordered, plan_slices, port_object
from netemu.controllers.targets import SKIP_MIRROR, TRIGGER_TIME, Port, family_of
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
    owner_reference,
)
from netemu.model.service import SERVICE_NAME

NAME = "endpointslicemirroring-controller.k8s.io"

LIMIT = 1000
"""Endpoints mirrored of one subset at most (upstream: mirroring-max-endpoints-per-subset)."""

_LEADER = "control-plane.alpha.kubernetes.io/leader"
"""Endpoints with this annotation are a lock, not addresses."""
_NOT_COPIED = frozenset({TRIGGER_TIME, "kubectl.kubernetes.io/last-applied-configuration"})


class Observed(Struct, frozen=True, kw_only=True):
    """What a plan is made from."""

    service: Object | None
    endpoints: Object | None
    slices: Sequence[Object]
    """The slices that this controller made for that name."""


def plan(seen: Observed) -> list[Action]:
    """The slices to create, update and delete."""
    endpoints = seen.endpoints
    if endpoints is None or not _mirrored(seen.service, endpoints):
        return [Delete(resources.ENDPOINT_SLICES, part) for part in seen.slices]
    desired = _desired(endpoints)
    families = {part["addressType"] for part in seen.slices} | {family for family, _ in desired}
    actions: list[Action] = []
    for family in sorted(families):
        packing = Packing(blank=partial(_blank, endpoints, family), limit=LIMIT, placeholder=False)
        existing = [part for part in seen.slices if part["addressType"] == family]
        wanted = {ports: items for (kind, ports), items in desired.items() if kind == family}
        actions += plan_slices(packing, wanted, existing)
    return [*_complaints(endpoints), *actions] if actions else []


def _complaints(endpoints: Object) -> list[Action]:
    """What to tell of addresses beyond the limit."""
    counts = (
        len(subset.get("addresses") or ()) + len(subset.get("notReadyAddresses") or ())
        for subset in endpoints.get("subsets") or ()
    )
    skipped = sum(max(0, count - LIMIT) for count in counts)
    words = (
        f"A max of {LIMIT} addresses can be mirrored to EndpointSlices per Endpoints subset. "
        f"{skipped} addresses were skipped"
    )
    return [Tell(endpoints, "Warning", "TooManyAddressesToMirror", words)] if skipped else []


def _mirrored(service: Object | None, endpoints: Object) -> bool:
    if service is None or service["spec"].get("selector") or is_deleting(endpoints):
        return False
    skipped = labels_of(endpoints).get(SKIP_MIRROR) == "true"
    return not skipped and _LEADER not in annotations_of(endpoints)


def _desired(endpoints: Object) -> dict[tuple[str, Ports], list[Object]]:
    desired: dict[tuple[str, Ports], list[Object]] = {}
    for subset in endpoints.get("subsets") or ():
        ports = ordered(_port(port) for port in subset.get("ports") or ())
        ready = [(item, True) for item in subset.get("addresses") or ()]
        unready = [(item, False) for item in subset.get("notReadyAddresses") or ()]
        listed = [
            (item, is_ready) for item, is_ready in (*ready, *unready) if family_of(item["ip"])
        ]
        for item, is_ready in listed[:LIMIT]:
            group = desired.setdefault((family_of(item["ip"]), ports), [])
            group.append(_endpoint(item, is_ready))
    return desired


def _port(port: Object) -> Port:
    return Port(
        port.get("name", ""), port.get("protocol", "TCP"), port["port"], port.get("appProtocol")
    )


def _endpoint(item: Object, ready: bool) -> Object:
    endpoint: Object = {"addresses": [item["ip"]], "conditions": {"ready": ready}}
    for key in ("hostname", "nodeName", "targetRef"):
        if item.get(key):
            endpoint[key] = item[key]
    return endpoint


def _as_written(endpoints: Object, ports: Ports) -> Ports:
    """Ports in the order of the subset that has them."""
    written = (tuple(map(_port, each.get("ports") or ())) for each in endpoints["subsets"])
    return next((each for each in written if ordered(each) == ports), ports)


def _blank(endpoints: Object, family: str, ports: Ports) -> Object:
    labels = {**labels_of(endpoints), SERVICE_NAME: name_of(endpoints), MANAGED_BY: NAME}
    annotations = {
        key: value for key, value in annotations_of(endpoints).items() if key not in _NOT_COPIED
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{name_of(endpoints)}-",
            "namespace": namespace_of(endpoints),
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [owner_reference(endpoints, "v1", "Endpoints")],
        },
        "addressType": family,
        "endpoints": [],
        "ports": [port_object(port) for port in _as_written(endpoints, ports)],
    }


class MirroringController:
    """Brings the mirrors of Endpoints in line."""

    resources = (resources.ENDPOINTS, resources.SERVICES, resources.ENDPOINT_SLICES)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._slices = Index(context.client, lambda part: managed(NAME, part))

    def observe(self, change: Change) -> Iterable[Key]:
        """The Endpoints' own change, its Service's, its mirrors'."""
        if change.resource != resources.ENDPOINT_SLICES:
            return (key_of(change.object),)
        self._slices.observe(change)
        states = (part for part in (change.old, change.new) if part is not None)
        return [key for part in states for key in managed(NAME, part)]

    async def sync(self, key: Key) -> float | None:
        """Bring one name's mirrors in line."""
        seen = Observed(
            service=self._client.get(resources.SERVICES, *key),
            endpoints=self._client.get(resources.ENDPOINTS, *key),
            slices=self._slices.objects(key),
        )
        try:
            await execute(self._client, self._recorder, plan(seen), self._slices.put)
        except ApiError as error:
            if not namespace_ends(error):
                raise
        return None

"""Packing endpoints into EndpointSlices with as little change as possible.

Endpoints that share their ports share slices. An endpoint stays in the slice it is in; new ones
fill slices that change anyway, then one that has room for all of them, then new slices
(upstream: k8s.io/endpointslice, reconcileByPortMapping).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from netemu.controllers.actions import Action, Create, Delete, Update
from netemu.controllers.targets import TRIGGER_TIME, Port
from netemu.model import resources
from netemu.model.meta import Object, name_of

Ports = tuple[Port, ...]
"""In order of name, so that equal sets are equal."""

_FROM_OWNER = ("labels", "annotations", "ownerReferences")

Identity = tuple[Any, ...]
"""What makes an endpoint the same one although its conditions, node or zone differ."""


class Packing(Struct, frozen=True, kw_only=True):
    """How one owner's slices of one address family are made."""

    blank: Callable[[Ports], Object]
    """A slice with these ports and no endpoints, complete but for its name."""
    limit: int
    """Endpoints in a slice at most."""
    placeholder: bool
    """Whether an owner without endpoints has an empty slice."""


def identity(endpoint: Object) -> Identity:
    """By address, hostname and target, as upstream's hashEndpoint."""
    target = endpoint.get("targetRef") or {}
    return (
        tuple(sorted(endpoint.get("addresses") or ())),
        endpoint.get("hostname") or "",
        target.get("namespace", ""),
        target.get("name", ""),
    )


def ports_of(part: Object) -> Ports:
    """The ports of a slice."""
    return ordered(
        Port(
            port.get("name") or "",
            port.get("protocol") or "TCP",
            port.get("port") or 0,
            port.get("appProtocol"),
        )
        for port in part.get("ports") or ()
    )


def ordered(ports: Iterable[Port]) -> Ports:
    """Sort ports."""
    return tuple(sorted(ports, key=lambda port: (port.name, port.protocol, port.number)))


def port_object(port: Port) -> Object:
    """A port as a slice writes it."""
    known = {"name": port.name, "protocol": port.protocol, "port": port.number}
    return {**known, "appProtocol": port.app_protocol} if port.app_protocol else known


def plan_slices(
    packing: Packing, desired: Mapping[Ports, Sequence[Object]], existing: Sequence[Object]
) -> list[Action]:
    """The slices to create, update and delete; `existing` are all of this owner and family."""
    by_ports: dict[Ports, list[Object]] = {}
    for part in existing:
        by_ports.setdefault(ports_of(part), []).append(part)
    create: list[Object] = []
    update: list[Object] = []
    delete: list[Object] = []
    for ports in sorted(desired, key=repr):
        parts = _pack(packing, ports, desired[ports], by_ports.pop(ports, []))
        create += parts.create
        update += parts.update
        delete += parts.delete
    delete += [part for parts in by_ports.values() for part in parts]
    if packing.placeholder and len(delete) == len(existing) and not create:
        create, delete = _with_placeholder(packing, delete)
    return _economical(create, update, delete)


class _Parts(Struct, frozen=True):
    create: list[Object]
    update: list[Object]
    delete: list[Object]


def _pack(
    packing: Packing, ports: Ports, desired: Sequence[Object], existing: Sequence[Object]
) -> _Parts:
    blank = packing.blank(ports)
    waiting = {identity(endpoint): endpoint for endpoint in desired}
    changed: list[Object] = []
    unchanged: list[Object] = []
    delete: list[Object] = []
    for part in existing:
        before = part.get("endpoints") or []
        kept = [waiting.pop(which) for item in before if (which := identity(item)) in waiting]
        if kept == before and _head(part, blank) == _head(blank, blank):
            unchanged.append(part)
        elif kept:
            changed.append(_with(part, blank, kept))
        else:
            delete.append(part)
    left = [waiting[which] for which in sorted(waiting)]
    for part in sorted(changed, key=lambda part: -len(part["endpoints"])):
        room = packing.limit - len(part["endpoints"])
        part["endpoints"] += left[:room]
        left = left[room:]
    create: list[Object] = []
    if left and (fullest := _roomy(unchanged, len(left), packing.limit)) is not None:
        changed.append(_with(fullest, blank, [*(fullest.get("endpoints") or []), *left]))
        left = []
    for start in range(0, len(left), packing.limit):
        create += [_with(blank, blank, left[start : start + packing.limit])]
    return _Parts(create, changed, delete)


def _roomy(parts: Iterable[Object], count: int, limit: int) -> Object | None:
    """The slice that `count` more endpoints fill best; None if they fit into none."""
    fitting = [part for part in parts if len(part.get("endpoints") or ()) + count <= limit]
    return max(fitting, key=lambda part: len(part.get("endpoints") or ()), default=None)


def _head(part: Object, like: Object) -> Object:
    """The metadata that a slice has from its owner; annotations only where `like` has them."""
    keys = [key for key in _FROM_OWNER if key in like["metadata"]]
    head = {key: part["metadata"].get(key) or {} for key in keys}
    if "annotations" in head:
        given = head["annotations"].items()
        head["annotations"] = {key: value for key, value in given if key != TRIGGER_TIME}
    return head


def _with(part: Object, blank: Object, endpoints: list[Object]) -> Object:
    """A changed copy of `part`: the head of `blank`, and these endpoints."""
    metadata = {**part["metadata"], **_head(blank, blank)}
    return {**part, "metadata": metadata, "endpoints": [*endpoints]}


def _with_placeholder(packing: Packing, delete: list[Object]) -> tuple[list[Object], list[Object]]:
    """An owner without endpoints has exactly one slice, with neither endpoints nor ports."""
    blank = packing.blank(())
    for part in delete:
        empty = not part.get("endpoints") and not part.get("ports")
        if empty and _head(part, blank) == _head(blank, blank):
            return [], [other for other in delete if other is not part]
    return [blank], delete


def _economical(create: list[Object], update: list[Object], delete: list[Object]) -> list[Action]:
    """Rather turn a slice into another than delete one and create one: watchers see no gap."""
    while create and delete:
        new, old = create.pop(), delete.pop(0)
        turned = {**new["metadata"], "name": name_of(old)}
        turned.pop("generateName", None)
        update.append({**old, **new, "metadata": {**old["metadata"], **turned}})
    return [
        *(Create(resources.ENDPOINT_SLICES, part) for part in create),
        *(Update(resources.ENDPOINT_SLICES, part) for part in update),
        *(Delete(resources.ENDPOINT_SLICES, part) for part in delete),
    ]

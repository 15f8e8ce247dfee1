"""What DNS and proxy know of the cluster: one immutable value, replaced whole.

Both read the same `Snapshot`, so they cannot disagree. It is persistent in structure (hash array
mapped tries): a change to one Service costs work in proportion to that Service, at 10 and at
10,000 Services, and whatever didn't change stays the same object, so a reader can tell by
identity what is still true.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from immutables import Map
from msgspec import Struct

from netemu.model import resources
from netemu.model.meta import Key, Object, key_of, labels_of, name_of
from netemu.model.service import (
    EndpointSlice,
    NodePlace,
    PodAddress,
    Service,
    node_place_from,
    pod_address_from,
    service_from,
    slice_from,
)


class ServiceEntry(Struct, frozen=True):
    """A Service and the slices that name it, in order of their names."""

    service: Service
    slices: tuple[EndpointSlice, ...] = ()


RECENT: Final = 64
"""Changes of Services a snapshot remembers; more than one batch of events brings."""


class Change(Struct, frozen=True, eq=False):
    """One Service became another; itself only the mark of when, told apart by identity."""

    service: Key


Slices = Map[str, EndpointSlice]
"""The slices of one Service by name."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Services with their endpoints, the owners of addresses, and the namespaces."""

    synced: bool = False
    """False until the first list is in: what isn't here may still exist."""
    revision: int = 0
    """Grows with each change of what DNS serves: the serial of its zones. It begins with the time
    at which the first list was in, so that it grows over restarts, too.
    """
    services: Map[Key, ServiceEntry] = Map()
    slices: Map[Key, Slices] = Map()
    """By Service, also of Services that don't exist (yet)."""
    owners: Map[str, frozenset[Key]] = Map()
    """The Services that hold an address: as clusterIP, or by an endpoint of theirs."""
    pods: Map[str, PodAddress] = Map()
    """Pods by address."""
    host_ports: Map[Key, PodAddress] = Map()
    """The pods that take ports of their nodes, by (namespace, name)."""
    nodes: Map[str, NodePlace] = Map()
    namespaces: Map[str, bool] = Map()
    labels: Map[Key, Mapping[str, str]] = Map()
    """Of Services and, as ("", NAME), of namespaces; without those that have none. What becomes
    of them is no change of the revision.
    """
    recent: tuple[Change, ...] = field(default=(), compare=False)
    """The latest changes of `services`, oldest first; read by `changed_services`."""


EMPTY: Final = Snapshot()

FOLLOWED: Final = (
    resources.NAMESPACES,
    resources.SERVICES,
    resources.ENDPOINT_SLICES,
    resources.PODS,
    resources.NODES,
)
"""The resources a snapshot is made of."""


def advance(snapshot: Snapshot, resource: str, old: Object | None, new: Object | None) -> Snapshot:
    """The snapshot after one object changed from `old` to `new` (None: absent); the same if it
    shows no difference.
    """
    match resource:
        case resources.SERVICES:
            changed = _with_labels(_with_service(snapshot, old, new), old, new)
        case resources.ENDPOINT_SLICES:
            changed = _with_slice(snapshot, old, new)
        case resources.PODS:
            changed = _with_pod(snapshot, old, new)
        case resources.NODES:
            changed = _with_node(snapshot, old, new)
        case resources.NAMESPACES:
            changed = _with_labels(_with_namespace(snapshot, old, new), old, new)
        case _:
            return snapshot
    if changed.services is snapshot.services and changed.namespaces is snapshot.namespaces:
        return changed
    return replace(changed, revision=snapshot.revision + 1)


def listed(objects: Iterable[tuple[str, Object]]) -> Snapshot:
    """The snapshot of what there is at the start: what `advance` makes of it object by object, but
    for the revision, in a fraction of the time.
    """
    services: dict[Key, Service] = {}
    slices: dict[Key, dict[str, EndpointSlice]] = {}
    labels: dict[Key, Mapping[str, str]] = {}
    snapshot = EMPTY
    for resource, obj in objects:
        if resource == resources.SERVICES:
            service = service_from(obj)
            services[service.key] = service
            if given := labels_of(obj):
                labels[service.key] = given
        elif resource == resources.ENDPOINT_SLICES:
            part = slice_from(obj)
            key = part.namespace, part.service
            slices.setdefault(key, {})[part.name] = part
        else:
            snapshot = advance(snapshot, resource, None, obj)
    by_service = {key: Map(parts) for key, parts in slices.items()}
    served = sum(len(slices.get(key, ())) for key in services)
    entries = {key: _entry(each, by_service.get(key)) for key, each in services.items()}
    owners: dict[str, set[Key]] = {}
    for key, entry in entries.items():
        for address in _addresses(entry):
            owners.setdefault(address, set()).add(key)
    return replace(
        snapshot,
        revision=snapshot.revision + len(services) + served,
        services=Map(entries),
        slices=Map(by_service),
        labels=snapshot.labels.update(labels),
        owners=Map({address: frozenset(keys) for address, keys in owners.items()}),
        # So that what comes next is told from this by its changes.
        recent=tuple(Change(key) for key in tuple(entries)[-1:]),
    )


def changed_services(seen: Snapshot, now: Snapshot) -> frozenset[Key]:
    """The Services that differ between two snapshots, in time proportional to their number.

    Everything is compared when `now` doesn't descend from `seen` or too many changes lie between.
    """
    if seen.services is now.services:
        return frozenset()
    last = seen.recent[-1] if seen.recent else None
    changed: set[Key] = set()
    for change in reversed(now.recent):
        if change is last:
            return frozenset(changed)
        changed.add(change.service)
    gone = (key for key in seen.services if key not in now.services)
    before = seen.services.get
    return frozenset(
        (*gone, *(key for key, entry in now.services.items() if before(key) is not entry))
    )


def with_services(snapshot: Snapshot, changed: Mapping[Key, ServiceEntry | None]) -> Snapshot:
    """The snapshot with other Services (None: none), and the owners of their addresses."""
    for key, entry in changed.items():
        snapshot = _with_entry(snapshot, key, entry)
    return snapshot


def _addresses(entry: ServiceEntry | None) -> frozenset[str]:
    if entry is None:
        return frozenset()
    endpoints = (endpoint.address for part in entry.slices for endpoint in part.endpoints)
    return frozenset((*entry.service.cluster_ips, *endpoints))


def _with_entry(snapshot: Snapshot, key: Key, entry: ServiceEntry | None) -> Snapshot:
    """Put, change or drop one Service, and keep the index of addresses true."""
    before = snapshot.services.get(key)
    if before == entry:
        return snapshot
    have, want = _addresses(before), _addresses(entry)
    owners = snapshot.owners
    for address in have - want:
        left = owners[address] - {key}
        owners = owners.set(address, left) if left else owners.delete(address)
    for address in want - have:
        owners = owners.set(address, owners.get(address, frozenset()) | {key})
    services = snapshot.services
    services = services.delete(key) if entry is None else services.set(key, entry)
    recent = (*snapshot.recent, Change(key))[-RECENT:]
    return replace(snapshot, services=services, owners=owners, recent=recent)


def _with_service(snapshot: Snapshot, old: Object | None, new: Object | None) -> Snapshot:
    if new is None:
        return snapshot if old is None else _with_entry(snapshot, key_of(old), None)
    service = service_from(new)
    return _with_entry(snapshot, service.key, _entry(service, snapshot.slices.get(service.key)))


def _entry(service: Service, slices: Slices | None) -> ServiceEntry:
    if not slices:
        return ServiceEntry(service)
    return ServiceEntry(service, tuple(slices[name] for name in sorted(slices)))


def _with_labels(snapshot: Snapshot, old: Object | None, new: Object | None) -> Snapshot:
    some = new or old
    if some is None:
        return snapshot
    key = some["metadata"].get("namespace", ""), name_of(some)
    before, after = snapshot.labels.get(key, {}), {} if new is None else labels_of(new)
    if before == after:
        return snapshot
    labels = snapshot.labels
    return replace(snapshot, labels=labels.set(key, after) if after else labels.delete(key))


def _with_slice(snapshot: Snapshot, old: Object | None, new: Object | None) -> Snapshot:
    before = None if old is None else slice_from(old)
    after = None if new is None else slice_from(new)
    if before == after:
        return snapshot
    if before and (after is None or after.service != before.service):
        snapshot = _place_slice(snapshot, before, None)
    return snapshot if after is None else _place_slice(snapshot, after, after)


def _place_slice(snapshot: Snapshot, which: EndpointSlice, part: EndpointSlice | None) -> Snapshot:
    key = which.namespace, which.service
    slices: Slices = snapshot.slices.get(key, Map())
    if part is not None:
        slices = slices.set(which.name, part)
    elif which.name in slices:
        slices = slices.delete(which.name)
    every = snapshot.slices
    if slices:
        every = every.set(key, slices)
    elif key in every:
        every = every.delete(key)
    snapshot = replace(snapshot, slices=every)
    entry = snapshot.services.get(key)
    return snapshot if entry is None else _with_entry(snapshot, key, _entry(entry.service, slices))


def _with_pod(snapshot: Snapshot, old: Object | None, new: Object | None) -> Snapshot:
    before = None if old is None else pod_address_from(old)
    after = None if new is None else pod_address_from(new)
    if before == after:
        return snapshot
    pods = snapshot.pods
    for ip in before.ips if before else ():
        if pods.get(ip) == before:  # the address may have gone to another pod already
            pods = pods.delete(ip)
    if after is not None:
        for ip in after.ips:
            pods = pods.set(ip, after)
    return replace(snapshot, pods=pods, host_ports=_host_ports(snapshot, before, after))


def _host_ports(
    snapshot: Snapshot, before: PodAddress | None, after: PodAddress | None
) -> Map[Key, PodAddress]:
    pods = snapshot.host_ports
    if before is not None and pods.get(before.key) == before:
        pods = pods.delete(before.key)
    return pods.set(after.key, after) if after is not None and after.host_ports else pods


def _with_node(snapshot: Snapshot, old: Object | None, new: Object | None) -> Snapshot:
    if new is not None:
        place = node_place_from(new)
        if snapshot.nodes.get(place.name) == place:
            return snapshot
        return replace(snapshot, nodes=snapshot.nodes.set(place.name, place))
    if old is None or name_of(old) not in snapshot.nodes:
        return snapshot
    return replace(snapshot, nodes=snapshot.nodes.delete(name_of(old)))


def _with_namespace(snapshot: Snapshot, old: Object | None, new: Object | None) -> Snapshot:
    if new is not None:
        name = name_of(new)
        if name in snapshot.namespaces:
            return snapshot
        return replace(snapshot, namespaces=snapshot.namespaces.set(name, True))
    if old is None or name_of(old) not in snapshot.namespaces:
        return snapshot
    return replace(snapshot, namespaces=snapshot.namespaces.delete(name_of(old)))

"""Tables: what ``kubectl get`` shows of each kind, with upstream's columns and wording.

Pure functions of an object and the time. Columns and rows stand beside each other in one table,
so a kind without columns of its own gets upstream's default: its name and when it was created.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from netemu.api.custom import printing
from netemu.api.custom.resource import CustomResource
from netemu.api.tables import (
    access,
    batch,
    cluster,
    networking,
    pods,
    policy,
    storage,
    stored,
    workloads,
)
from netemu.model.meta import Object, name_of
from netemu.model.resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CONFIG_MAPS,
    CONTROLLER_REVISIONS,
    CRON_JOBS,
    CUSTOM_RESOURCE_DEFINITIONS,
    DAEMON_SETS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    ENDPOINTS,
    EVENTS,
    IP_ADDRESS_POOLS,
    JOBS,
    L2_ADVERTISEMENTS,
    LEASES,
    NAMESPACES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    POD_AUTOSCALERS,
    POD_DISRUPTION_BUDGETS,
    PODS,
    PRIORITY_CLASSES,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    ROLE_BINDINGS,
    ROLES,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    STATEFUL_SETS,
    STORAGE_CLASSES,
    Resource,
)

_WIDE = "'"
"""Marks a column that only ``-o wide`` shows."""
_COUNT = "#"
"""Marks a column of whole numbers."""


@dataclass(frozen=True, slots=True)
class _Table:
    columns: tuple[Object, ...]
    row: Callable[[Object, float], list[Any]]


def _column(text: str) -> Object:
    name = text.rstrip(_WIDE + _COUNT)
    return {
        "name": name,
        "type": "integer" if _COUNT in text else "string",
        "format": "name" if name == "Name" else "",
        "description": _DESCRIPTIONS.get(name, f"{name} of the object."),
        "priority": 1 if _WIDE in text else 0,
    }


_DESCRIPTIONS = {
    "Name": "Unique within a namespace; cannot be changed.",
    "Age": "How long ago the object was created.",
    "Created At": "When the object was created (RFC 3339).",
    "Status": "The state of the object in one word.",
    "Ready": "How much of it is ready for traffic.",
    "Restarts": "How often its containers were restarted, and when last.",
}


def _table(columns: str, row: Callable[[Object, float], list[Any]]) -> _Table:
    return _Table(tuple(_column(text.strip()) for text in columns.split(",")), row)


def _default_row(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), obj["metadata"].get("creationTimestamp", "")]


_DEFAULT = _table("Name, Created At", _default_row)

_BINDING = _table("Name, Role, Age, Users', Groups', ServiceAccounts'", access.binding)
_ROLE = _table("Name, Created At", access.role)

_TABLES: dict[str, _Table] = {
    CLUSTER_ROLES: _ROLE,
    CLUSTER_ROLE_BINDINGS: _BINDING,
    CUSTOM_RESOURCE_DEFINITIONS: _table("Name, Created At", access.role),
    CONFIG_MAPS: _table("Name, Data#, Age", cluster.config_map),
    CRON_JOBS: _table(
        "Name, Schedule, Timezone, Suspend, Active#, Last Schedule, Age, Containers', Images', "
        "Selector'",
        batch.cron_job,
    ),
    DEPLOYMENTS: _table(
        "Name, Ready, Up-to-date#, Available#, Age, Containers', Images', Selector'",
        workloads.deployment,
    ),
    ENDPOINTS: _table("Name, Endpoints, Age", networking.endpoints),
    ENDPOINT_SLICES: _table("Name, AddressType, Ports, Endpoints, Age", networking.endpoint_slice),
    IP_ADDRESS_POOLS: _table(
        "Name, Auto Assign, Avoid Buggy IPs, Addresses", networking.ip_address_pool
    ),
    L2_ADVERTISEMENTS: _table(
        "Name, IPAddressPools, IPAddressPool Selectors, Interfaces", networking.l2_advertisement
    ),
    EVENTS: _table(
        "Last Seen, Type, Reason, Object, Subobject', Source', Message, First Seen', Count#', "
        "Name'",
        cluster.event,
    ),
    JOBS: _table(
        "Name, Status, Completions, Duration, Age, Containers', Images', Selector'", batch.job
    ),
    LEASES: _table("Name, Holder, Age", cluster.lease),
    NAMESPACES: _table("Name, Status, Age", cluster.namespace),
    NODES: _table(
        "Name, Status, Roles, Age, Version, Internal-IP', External-IP', OS-Image', "
        "Kernel-Version', Container-Runtime'",
        cluster.node,
    ),
    PODS: _table(
        "Name, Ready, Status, Restarts, Age, IP', Node', Nominated Node', Readiness Gates'",
        pods.pod,
    ),
    POD_AUTOSCALERS: _table(
        "Name, Reference, Targets, MinPods, MaxPods#, Replicas#, Age", policy.pod_autoscaler
    ),
    POD_DISRUPTION_BUDGETS: _table(
        "Name, Min Available, Max Unavailable, Allowed Disruptions#, Age",
        policy.disruption_budget,
    ),
    PRIORITY_CLASSES: _table(
        "Name, Value#, Global-Default, Age, PreemptionPolicy", policy.priority_class
    ),
    REPLICA_SETS: _table(
        "Name, Desired#, Current#, Ready#, Age, Containers', Images', Selector'",
        workloads.replica_set,
    ),
    ROLES: _ROLE,
    ROLE_BINDINGS: _BINDING,
    "scales.autoscaling": _table("Name, Desired#, Available#, Age", workloads.scale),
    SECRETS: _table("Name, Type, Data#, Age", cluster.secret),
    SERVICES: _table(
        "Name, Type, Cluster-IP, External-IP, Port(s), Age, Selector'", networking.service
    ),
    SERVICE_ACCOUNTS: _table("Name, Secrets#, Age", cluster.service_account),
    CONTROLLER_REVISIONS: _table("Name, Controller, Revision#, Age", workloads.revision),
    DAEMON_SETS: _table(
        "Name, Desired#, Current#, Ready#, Up-to-date#, Available#, Node Selector, Age, "
        "Containers', Images', Selector'",
        workloads.daemon_set,
    ),
    PERSISTENT_VOLUMES: _table(
        "Name, Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, "
        "VolumeAttributesClass, Reason, Age, VolumeMode'",
        storage.volume,
    ),
    PERSISTENT_VOLUME_CLAIMS: _table(
        "Name, Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age, "
        "VolumeMode'",
        storage.claim,
    ),
    REPLICATION_CONTROLLERS: _table(
        "Name, Desired#, Current#, Ready#, Age, Containers', Images', Selector'",
        workloads.replication_controller,
    ),
    STATEFUL_SETS: _table("Name, Ready, Age, Containers', Images'", workloads.stateful_set),
    STORAGE_CLASSES: _table(
        "Name, Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age",
        storage.storage_class,
    ),
}
_TABLES |= {key: _table(columns, row) for key, (columns, row) in stored.TABLES.items()}
"""`'` after a column: only with -o wide; `#`: a whole number."""


def columns(resource: Resource) -> tuple[Object, ...]:
    """The column definitions of a kind."""
    if isinstance(resource, CustomResource):
        return printing.definitions(resource.columns)
    return _TABLES.get(resource.key, _DEFAULT).columns


def cells(resource: Resource, obj: Object, now: float) -> list[Any]:
    """One row: as many cells as the kind has columns."""
    if isinstance(resource, CustomResource):
        return printing.cells(resource.columns, obj, now)
    return _TABLES.get(resource.key, _DEFAULT).row(obj, now)

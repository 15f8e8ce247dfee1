"""The kinds netemu serves: one table for the store, the API's discovery and the controllers."""

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Resource:
    """One kind and how the API names it."""

    group: str
    """"" is the core group."""
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    """Served beside the object: status, scale, log, …"""
    controlled: bool = True
    """False: objects are kept and shown, but nothing acts on them yet; creating one says so."""

    @cached_property
    def key(self) -> str:
        """Plural and group, as messages name it: ``pods``, ``deployments.apps``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @cached_property
    def api_version(self) -> str:
        """What objects say in ``apiVersion``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        """The name for one."""
        return self.kind.lower()

    @property
    def has_status(self) -> bool:
        """Whether status is written apart from the rest."""
        return "status" in self.subresources


_ALL = ("all",)

RESOURCES: tuple[Resource, ...] = (
    Resource("", "v1", "ConfigMap", "configmaps", short_names=("cm",)),
    Resource("", "v1", "Endpoints", "endpoints", short_names=("ep",)),
    Resource("", "v1", "Event", "events", short_names=("ev",)),
    Resource(
        "", "v1", "Namespace", "namespaces", False, ("ns",), subresources=("status", "finalize")
    ),
    Resource("", "v1", "Node", "nodes", False, ("no",), subresources=("status",)),
    Resource("", "v1", "Pod", "pods", True, ("po",), _ALL, ("status", "log", "binding")),
    Resource("", "v1", "Secret", "secrets"),
    Resource("", "v1", "Service", "services", True, ("svc",), _ALL, ("status",)),
    Resource("", "v1", "ServiceAccount", "serviceaccounts", short_names=("sa",)),
    Resource(
        "apps", "v1", "Deployment", "deployments", True, ("deploy",), _ALL, ("status", "scale")
    ),
    Resource("apps", "v1", "ReplicaSet", "replicasets", True, ("rs",), _ALL, ("status", "scale")),
    Resource("apps", "v1", "StatefulSet", "statefulsets", True, ("sts",), _ALL, ("status",), False),
    Resource("coordination.k8s.io", "v1", "Lease", "leases"),
    Resource("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    Resource("metallb.io", "v1beta1", "IPAddressPool", "ipaddresspools"),
    Resource("metallb.io", "v1beta1", "L2Advertisement", "l2advertisements", controlled=False),
)

BY_KEY: dict[str, Resource] = {resource.key: resource for resource in RESOURCES}
BY_KIND: dict[tuple[str, str], Resource] = {(r.api_version, r.kind): r for r in RESOURCES}
BY_PATH: dict[tuple[str, str, str], Resource] = {
    (r.group, r.version, r.plural): r for r in RESOURCES
}
"""(group, version, plural), as a URL names it."""

CONFIG_MAPS = "configmaps"
DEPLOYMENTS = "deployments.apps"
ENDPOINTS = "endpoints"
ENDPOINT_SLICES = "endpointslices.discovery.k8s.io"
EVENTS = "events"
IP_ADDRESS_POOLS = "ipaddresspools.metallb.io"
L2_ADVERTISEMENTS = "l2advertisements.metallb.io"
LEASES = "leases.coordination.k8s.io"
NAMESPACES = "namespaces"
NODES = "nodes"
PODS = "pods"
REPLICA_SETS = "replicasets.apps"
SECRETS = "secrets"
SERVICES = "services"
SERVICE_ACCOUNTS = "serviceaccounts"

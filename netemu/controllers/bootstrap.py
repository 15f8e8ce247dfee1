"""What every cluster has from the first moment: namespaces, roles, Services of the API and DNS.

Idempotent over restarts; a Service whose address is no longer the one of the cluster's ranges is
made anew, because a clusterIP cannot change.
"""

from collections.abc import Iterable

from msgspec import Struct

from netemu.controllers import defaultroles
from netemu.controllers.actions import Action, Create, Delete, Update, execute
from netemu.controllers.runner import Context
from netemu.controllers.targets import SKIP_MIRROR
from netemu.model import resources
from netemu.model.addressing import Addressing
from netemu.model.client import Change, Client
from netemu.model.meta import Object, is_deleting, key_of, labels_of, name_of, namespace_of
from netemu.model.service import PROXY_NAME, SERVICE_NAME
from netemu.model.storage import DEFAULT_CLASS, LOCAL_PROVISIONER

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
API_PORT = 6443
"""Where the API listens inside the cluster's network."""

_COMPONENT_STATUSES = "componentstatuses"
_COMPONENTS = ("controller-manager", "etcd-0", "scheduler")
"""What ``kubectl get componentstatuses`` has shown ever since; all of it is this one process."""

PRIORITIES = (
    (
        "system-cluster-critical",
        2_000_000_000,
        "run in the cluster, but can be moved to another node if necessary",
    ),
    ("system-node-critical", 2_000_001_000, "not be moved from their current node"),
)
"""The PriorityClasses every cluster has."""
KUBERNETES = ("default", "kubernetes")
KUBE_DNS = ("kube-system", "kube-dns")


class Wanted(Struct, frozen=True):
    """An object that must be there, with the fields that must be as they are here."""

    resource: str
    obj: Object


def wanted(addressing: Addressing) -> list[Wanted]:
    """Everything, in the order in which it is created."""
    return [
        *(Wanted(resources.NAMESPACES, _namespace(name)) for name in NAMESPACES),
        Wanted(resources.SERVICES, _kubernetes(addressing)),
        Wanted(resources.ENDPOINTS, _endpoints(addressing)),
        Wanted(resources.ENDPOINT_SLICES, _slice(addressing)),
        Wanted(resources.SERVICES, _kube_dns(addressing)),
        *(Wanted(resources.CLUSTER_ROLES, role) for role in defaultroles.cluster_roles()),
        *(
            Wanted(resources.CLUSTER_ROLE_BINDINGS, binding)
            for binding in defaultroles.cluster_role_bindings()
        ),
        *(Wanted(_COMPONENT_STATUSES, _component(name)) for name in _COMPONENTS),
        Wanted(resources.STORAGE_CLASSES, _standard()),
        *(Wanted(resources.PRIORITY_CLASSES, _priority(*each)) for each in PRIORITIES),
    ]


def _priority(name: str, value: int, words: str) -> Object:
    said = f"Used for system critical pods that must {words}."
    return {"metadata": {"name": name}, "value": value, "description": said}


def _namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _component(name: str) -> Object:
    healthy = {"type": "Healthy", "status": "True", "message": "ok"}
    return {
        "apiVersion": "v1",
        "kind": "ComponentStatus",
        "metadata": {"name": name},
        "conditions": [healthy],
    }


def _service(key: tuple[str, str], labels: Object, address: str, ports: list[Object]) -> Object:
    spec = {"type": "ClusterIP", "clusterIP": address, "clusterIPs": [address], "ports": ports}
    metadata = {"namespace": key[0], "name": key[1], "labels": labels}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _kubernetes(addressing: Addressing) -> Object:
    labels = {"component": "apiserver", "provider": "kubernetes"}
    port = {"name": "https", "protocol": "TCP", "port": 443, "targetPort": API_PORT}
    return _service(KUBERNETES, labels, addressing.api, [port])


def _kube_dns(addressing: Addressing) -> Object:
    """The DNS server itself listens on this address, so the proxy must keep off."""
    labels = {
        "k8s-app": "kube-dns",
        "kubernetes.io/cluster-service": "true",
        "kubernetes.io/name": "CoreDNS",
        PROXY_NAME: "netemu",
    }
    ports = [
        {"name": "dns", "protocol": "UDP", "port": 53, "targetPort": 53},
        {"name": "dns-tcp", "protocol": "TCP", "port": 53, "targetPort": 53},
        {"name": "metrics", "protocol": "TCP", "port": 9153, "targetPort": 9153},
    ]
    service = _service(KUBE_DNS, labels, addressing.dns, ports)
    if addressing.secondary is not None:
        addresses = [each.dns for each in addressing.families]
        service["spec"] |= {"clusterIPs": addresses, "ipFamilyPolicy": "PreferDualStack"}
    return service


def _standard() -> Object:
    """The class of claims that name none, called as in most small clusters."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "standard", "annotations": {DEFAULT_CLASS: "true"}},
        "provisioner": LOCAL_PROVISIONER,
    }


def _endpoints(addressing: Addressing) -> Object:
    subset = {
        "addresses": [{"ip": addressing.control_plane}],
        "ports": [{"name": "https", "port": API_PORT, "protocol": "TCP"}],
    }
    namespace, name = KUBERNETES
    labels = {SKIP_MIRROR: "true"}
    metadata = {"namespace": namespace, "name": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset]}


def _slice(addressing: Addressing) -> Object:
    namespace, name = KUBERNETES
    labels = {SERVICE_NAME: name}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"namespace": namespace, "name": name, "labels": labels},
        "addressType": addressing.family,
        "endpoints": [{"addresses": [addressing.control_plane], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": API_PORT, "protocol": "TCP"}],
    }


def plan(want: Wanted, have: Object | None) -> list[Action]:
    """What to do about one of these objects; one that is being deleted is left to its end."""
    if have is None:
        return [Create(want.resource, want.obj)]
    if is_deleting(have):
        return []
    if _fixed(have) != _fixed(want.obj):
        return [Delete(want.resource, have), Create(want.resource, want.obj)]
    labels = {**labels_of(have), **labels_of(want.obj)}
    metadata = {**have["metadata"], "labels": labels} if labels else have["metadata"]
    corrected = {**have, "metadata": metadata}
    for field in ("subsets", "endpoints", "ports"):
        if field in want.obj:
            corrected[field] = want.obj[field]
    return [] if corrected == have else [Update(want.resource, corrected)]


def _fixed(obj: Object) -> object:
    """What of an object can't be changed, and may differ from run to run."""
    return obj.get("addressType"), (obj.get("spec") or {}).get("clusterIPs")


async def bootstrap(client: Client, addressing: Addressing) -> None:
    """Make sure of everything a cluster starts with. Raises what the API refuses with."""
    for want in wanted(addressing):
        await _ensure(client, want)


async def _ensure(client: Client, want: Wanted) -> None:
    have = client.get(want.resource, namespace_of(want.obj), name_of(want.obj))
    await execute(client, _Silent(), plan(want, have))


class _Silent:
    """Nobody is told of what is there from the start."""

    def event(self, about: Object, type: str, reason: str, message: str) -> None:
        """Say nothing."""


class BootstrapController:
    """Brings back what somebody deletes of it while the cluster runs, as the API server does."""

    resources = (
        resources.NAMESPACES,
        resources.SERVICES,
        resources.ENDPOINTS,
        resources.ENDPOINT_SLICES,
        resources.CLUSTER_ROLES,
        resources.CLUSTER_ROLE_BINDINGS,
        resources.PRIORITY_CLASSES,
    )

    def __init__(self, context: Context) -> None:
        self._client = context.client
        parts = wanted(context.addressing)
        self._wanted = {(part.resource, *key_of(part.obj)): part for part in parts}

    def observe(self, change: Change) -> Iterable[tuple[str, str, str]]:
        """Only its own objects."""
        key = (change.resource, *key_of(change.object))
        return (key,) if key in self._wanted else ()

    async def sync(self, key: tuple[str, str, str]) -> float | None:
        """See to one object."""
        await _ensure(self._client, self._wanted[key])
        return None

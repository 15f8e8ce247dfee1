"""Services, EndpointSlices and pods, shrunk once from their JSON to what DNS and proxy read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct

from netemu.model.addressing import canonical, family_of
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

AFFINITY_SECONDS = 10800
"""How long a client sticks to its endpoint when a Service doesn't say (Kubernetes' default)."""


class ServiceType(StrEnum):
    """What a Service offers."""

    CLUSTER_IP = "ClusterIP"
    NODE_PORT = "NodePort"
    LOAD_BALANCER = "LoadBalancer"
    EXTERNAL_NAME = "ExternalName"


class Protocol(StrEnum):
    """Transport of a port."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"


class TrafficPolicy(StrEnum):
    """Which endpoints may serve: all, or those on the node the traffic came to."""

    CLUSTER = "Cluster"
    LOCAL = "Local"


class ServicePort(Struct, frozen=True):
    """One port of a Service."""

    name: str
    """"" when the Service has one unnamed port."""
    protocol: Protocol
    port: int
    node_port: int | None = None


class Service(Struct, frozen=True, kw_only=True):
    """What DNS and proxy need of a Service."""

    namespace: str
    name: str
    type: ServiceType = ServiceType.CLUSTER_IP
    cluster_ips: tuple[str, ...] = ()
    """Empty for headless and ExternalName Services."""
    headless: bool = False
    ports: tuple[ServicePort, ...] = ()
    external_name: str = ""
    virtual_ip: str = ""
    """Where the proxy stands in for the external name; "" where it doesn't."""
    external_ips: tuple[str, ...] = ()
    load_balancer_ips: tuple[str, ...] = ()
    source_ranges: tuple[str, ...] = ()
    """Networks from which the load balancer's addresses may be used; empty: from all."""
    health_check_port: int | None = None
    """Where each node tells whether it has endpoints of its own."""
    affinity_seconds: int | None = None
    """Seconds of ClientIP affinity; None without."""
    internal_balancer: bool = False
    """Its load balancer is for the network the nodes stand in only."""
    internal_policy: TrafficPolicy = TrafficPolicy.CLUSTER
    external_policy: TrafficPolicy = TrafficPolicy.CLUSTER
    publish_not_ready: bool = False
    observed: bool = False
    """Its connections are to be counted one by one."""
    proxied: bool = True
    """False when a label hands the Service to another proxy."""
    weights: str = ""
    """How connections are shared among versions, as `model.weights` reads it."""

    @property
    def key(self) -> Key:
        """(namespace, name)."""
        return self.namespace, self.name

    @property
    def families(self) -> tuple[str, ...]:
        """The address families it has virtual IPs of, the primary one first."""
        return tuple([family_of(address) for address in self.cluster_ips]) or ("IPv4",)


class EndpointPort(Struct, frozen=True):
    """One port of an EndpointSlice."""

    name: str
    protocol: Protocol
    port: int


class Endpoint(Struct, frozen=True, kw_only=True, gc=False):
    """One address that serves."""

    address: str
    ready: bool = True
    serving: bool = True
    terminating: bool = False
    hostname: str = ""
    node: str = ""
    zone: str = ""
    target: Key | None = None
    """The pod behind it."""
    for_nodes: tuple[str, ...] = ()
    """Hints: the nodes and the zones whose clients should come here (KEP-4444, KEP-2433)."""
    for_zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSlice:
    """Endpoints of one Service that share their ports."""

    namespace: str
    name: str
    service: str
    """"" when the slice names no Service."""
    family: str = "IPv4"
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()
    triggered: str = field(default="", compare=False)
    """When what led to this state happened; a time like any of the API's, "" for unknown."""


PROXY_NAME = "service.kubernetes.io/service-proxy-name"
HEADLESS = "service.kubernetes.io/headless"
SERVICE_NAME = "kubernetes.io/service-name"
STANDS_IN = "netemu.dev/proxy"
"""Annotation: "true" on an ExternalName Service has the proxy forward a virtual IP to that host."""
OBSERVED = "netemu.dev/observe"
"""Annotation: "true" asks for counters per endpoint, so in the auto mode the relay carries it."""
VIRTUAL_IP = "netemu.dev/virtual-ip"
"""Annotation: the address it got."""
WEIGHTS = "netemu.dev/weights"
"""Annotation: which share of the connections pods get, by their labels (`model.weights`)."""
TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"
SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
"""The annotation that spec.loadBalancerSourceRanges replaced; the field wins."""


INTERNAL_BALANCERS = {
    "netemu.dev/load-balancer": "internal",
    "networking.gke.io/load-balancer-type": "internal",
    "cloud.google.com/load-balancer-type": "internal",
    "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
    "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
    "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
    "service.beta.kubernetes.io/openstack-internal-load-balancer": "true",
}
"""Annotations by which clouds, and netemu, are asked for an internal balancer, in lower case."""


def _is_internal(obj: Object) -> bool:
    annotations = annotations_of(obj)
    return any(
        annotations.get(name, "").lower() == value for name, value in INTERNAL_BALANCERS.items()
    )


def stands_in(obj: Object) -> bool:
    """Whether the proxy is to stand in for the external host of a Service object."""
    external = obj["spec"].get("type") == ServiceType.EXTERNAL_NAME
    return external and annotations_of(obj).get(STANDS_IN) == "true"


def service_from(obj: Object) -> Service:
    """Shrink a Service object."""
    spec, labels = obj["spec"], labels_of(obj)
    ips = spec.get("clusterIPs") or ([spec["clusterIP"]] if spec.get("clusterIP") else [])
    sticky = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    ingress = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return Service(
        namespace=namespace_of(obj),
        name=name_of(obj),
        type=ServiceType(spec.get("type", "ClusterIP")),
        cluster_ips=tuple([canonical(ip) for ip in ips if ip != "None"]),
        headless="None" in ips,
        ports=tuple(_service_port(port) for port in spec.get("ports") or ()),
        external_name=spec.get("externalName", ""),
        observed=annotations_of(obj).get(OBSERVED) == "true",
        virtual_ip=annotations_of(obj).get(VIRTUAL_IP, "") if stands_in(obj) else "",
        external_ips=tuple(map(canonical, spec.get("externalIPs") or ())),
        load_balancer_ips=tuple(
            canonical(item["ip"])
            for item in ingress
            if "ip" in item and item.get("ipMode", "VIP") == "VIP"
        ),
        source_ranges=_source_ranges(obj) if spec.get("type") == "LoadBalancer" else (),
        health_check_port=spec.get("healthCheckNodePort") or None,
        affinity_seconds=sticky.get("timeoutSeconds", AFFINITY_SECONDS)
        if spec.get("sessionAffinity") == "ClientIP"
        else None,
        internal_balancer=_is_internal(obj),
        internal_policy=TrafficPolicy(spec.get("internalTrafficPolicy", "Cluster")),
        external_policy=TrafficPolicy(spec.get("externalTrafficPolicy", "Cluster")),
        publish_not_ready=bool(spec.get("publishNotReadyAddresses")),
        proxied=PROXY_NAME not in labels and HEADLESS not in labels,
        weights=annotations_of(obj).get(WEIGHTS, ""),
    )


def _source_ranges(obj: Object) -> tuple[str, ...]:
    """Written with blanks around them or not (upstream trims them)."""
    listed = obj["spec"].get("loadBalancerSourceRanges")
    if not listed:
        listed = annotations_of(obj).get(SOURCE_RANGES, "").split(",")
    return tuple(each.strip() for each in listed if each.strip())


def _service_port(port: Object) -> ServicePort:
    return ServicePort(
        port.get("name", ""),
        Protocol(port.get("protocol", "TCP")),
        port["port"],
        port.get("nodePort") or None,
    )


def slice_from(obj: Object) -> EndpointSlice:
    """Shrink an EndpointSlice object; a port without number is left out (it means "all")."""
    six = obj.get("addressType") == "IPv6"
    return EndpointSlice(
        namespace=namespace_of(obj),
        name=name_of(obj),
        service=labels_of(obj).get(SERVICE_NAME, ""),
        family=obj.get("addressType", "IPv4"),
        endpoints=tuple(
            _endpoint(item, canonical(address) if six else address)
            for item in obj.get("endpoints") or ()
            for address in item.get("addresses") or ()
        ),
        ports=tuple(
            EndpointPort(
                port.get("name") or "", Protocol(port.get("protocol", "TCP")), port["port"]
            )
            for port in obj.get("ports") or ()
            if port.get("port")
        ),
        triggered=annotations_of(obj).get(TRIGGER_TIME, ""),
    )


def _endpoint(item: Object, address: str) -> Endpoint:
    conditions = item.get("conditions") or {}
    hints = item.get("hints") or {}
    ready = conditions.get("ready", True) is not False
    target = item.get("targetRef") or {}
    serving = conditions.get("serving")
    return Endpoint(
        address=address,
        ready=ready,
        serving=ready if serving is None else bool(serving),
        terminating=bool(conditions.get("terminating")),
        hostname=item.get("hostname") or "",
        node=item.get("nodeName") or "",
        zone=item.get("zone") or "",
        target=(target.get("namespace", ""), target["name"])
        if target.get("kind") == "Pod"
        else None,
        for_nodes=tuple(each["name"] for each in hints.get("forNodes") or ()),
        for_zones=tuple(each["name"] for each in hints.get("forZones") or ()),
    )


class HostPort(Struct, frozen=True):
    """A port of a node that leads to a pod on it."""

    address: str
    """"" means every address of the node."""
    protocol: Protocol
    port: int
    container_port: int


class PodAddress(Struct, frozen=True, kw_only=True):
    """Who holds a pod address."""

    namespace: str
    name: str
    node: str
    ips: tuple[str, ...]
    host_ports: tuple[HostPort, ...] = ()
    labels: Mapping[str, str] = {}

    @property
    def key(self) -> Key:
        """(namespace, name)."""
        return self.namespace, self.name


def pod_address_from(obj: Object) -> PodAddress | None:
    """The pod's addresses; None when it has none or has ended (an ended pod frees its address)."""
    status = obj.get("status") or {}
    ips = tuple(item["ip"] for item in status.get("podIPs") or ())
    if not ips and status.get("podIP"):
        ips = (status["podIP"],)
    host_network = obj["spec"].get("hostNetwork")
    if not ips or host_network or status.get("phase") in ("Succeeded", "Failed"):
        return None
    namespace, name = key_of(obj)
    return PodAddress(
        namespace=namespace,
        name=name,
        node=obj["spec"].get("nodeName", ""),
        ips=ips,
        host_ports=tuple(_host_ports(obj["spec"])),
        labels=labels_of(obj),
    )


def _host_ports(spec: Object) -> Iterator[HostPort]:
    for container in (*spec.get("containers", ()), *(spec.get("initContainers") or ())):
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                address = port.get("hostIP") or ""
                yield HostPort(
                    "" if address == "0.0.0.0" else address,  # read, not bound
                    Protocol(port.get("protocol", "TCP")),
                    port["hostPort"],
                    port["containerPort"],
                )


class NodePlace(Struct, frozen=True, kw_only=True):
    """A node, as far as it tells where somebody is."""

    name: str
    address: str
    """"" while it has none."""
    pod_ranges: tuple[str, ...] = ()
    zone: str = ""
    secondary: str = ""
    """With dual stack, its address of the other family."""
    eligible: bool = True
    """False while it goes: balancers are to send it nothing more (KEP-3458)."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its addresses, the primary family's first."""
        return tuple(filter(None, (self.address, self.secondary)))

    def of(self, family: str) -> str:
        """Its address of a family, "" if it has none."""
        return next((each for each in self.addresses if family_of(each) == family), "")


ZONE = "topology.kubernetes.io/zone"
GOING = "ToBeDeletedByClusterAutoscaler"
"""The taint of a node that is about to go."""


def node_place_from(obj: Object) -> NodePlace:
    """Shrink a Node object."""
    addresses = (obj.get("status") or {}).get("addresses") or ()
    spec = obj.get("spec") or {}
    internal = [each["address"] for each in addresses if each["type"] == "InternalIP"]
    return NodePlace(
        name=name_of(obj),
        address=internal[0] if internal else "",
        secondary=internal[1] if len(internal) > 1 else "",
        pod_ranges=tuple(spec.get("podCIDRs") or ()),
        zone=labels_of(obj).get(ZONE, ""),
        eligible=not is_deleting(obj)
        and all(taint["key"] != GOING for taint in spec.get("taints") or ()),
    )

"""Which fields of a Service apply, which follows from its type."""

from netemu.model.meta import Object


def type_of(spec: Object) -> str:
    """The type; ClusterIP when none is given."""
    return str(spec.get("type") or "ClusterIP")


def needs_cluster_ip(spec: Object) -> bool:
    """All but ExternalName have one ("None" counts)."""
    return type_of(spec) != "ExternalName"


def needs_node_port(spec: Object) -> bool:
    """Whether it is reached at every node."""
    return type_of(spec) in ("NodePort", "LoadBalancer")


def allocates_node_ports(spec: Object) -> bool:
    """Whether ports without a node port get one."""
    wanted = spec.get("allocateLoadBalancerNodePorts", True)
    return type_of(spec) == "NodePort" or (type_of(spec) == "LoadBalancer" and bool(wanted))


def needs_health_check(spec: Object) -> bool:
    """Whether each node answers on a port whether it has endpoints."""
    return type_of(spec) == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def is_externally_accessible(spec: Object) -> bool:
    """Whether traffic comes from outside the cluster."""
    kind = type_of(spec)
    return needs_node_port(spec) or (kind == "ClusterIP" and bool(spec.get("externalIPs")))


def is_headless(spec: Object) -> bool:
    """Whether it has endpoints only, and no address of its own."""
    return list(spec.get("clusterIPs") or ()) == ["None"]

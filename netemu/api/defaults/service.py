"""Defaults of Services. Families and addresses come with their allocation."""

from netemu.api.defaults.parts import child, drop_zero, fill
from netemu.api.servicetype import is_externally_accessible, needs_cluster_ip
from netemu.model.meta import Object
from netemu.model.service import AFFINITY_SECONDS


def service(obj: Object) -> None:
    """A Service."""
    spec = child(obj, "spec")
    fill(spec, type="ClusterIP", sessionAffinity="None")
    _affinity(spec)
    for port in spec.get("ports") or ():
        fill(port, protocol="TCP")
        if port.get("port"):
            fill(port, targetPort=port["port"])
        drop_zero(port, "nodePort", "name")
    drop_zero(spec, "clusterIP", "clusterIPs", "ipFamilies", "healthCheckNodePort", "externalIPs")
    drop_zero(spec, "selector", "ports", "externalTrafficPolicy", "publishNotReadyAddresses")
    if is_externally_accessible(spec):
        fill(spec, externalTrafficPolicy="Cluster")
    if needs_cluster_ip(spec):
        fill(spec, internalTrafficPolicy="Cluster")
    if spec["type"] == "LoadBalancer":
        if spec.get("allocateLoadBalancerNodePorts") is None:
            spec["allocateLoadBalancerNodePorts"] = True
        ip_modes(obj)


def _affinity(spec: Object) -> None:
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        config = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
        if config.get("timeoutSeconds") is None:
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": AFFINITY_SECONDS}}


def ip_modes(obj: Object) -> None:
    """A load balancer's address is the Service's own unless it says that it is a proxy's."""
    balancer = (obj.get("status") or {}).get("loadBalancer") or {}
    for item in balancer.get("ingress") or ():
        if item.get("ip") and item.get("ipMode") is None:
            item["ipMode"] = "VIP"

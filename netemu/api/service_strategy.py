"""What the server infers about a Service from what a client left out or left as it was.

A field of the old object that no longer applies is wiped only when the client didn't also try to
change it: then it must fail in validation (pkg/registry/core/service, patchAllocatedValues,
normalizeClusterIPs, dropTypeDependentFields).
"""

from netemu.api.servicetype import (
    is_externally_accessible,
    needs_cluster_ip,
    needs_health_check,
    needs_node_port,
    type_of,
)
from netemu.model.meta import Object, copied


def create_service(obj: Object) -> None:
    """A new Service."""
    obj["status"] = {"loadBalancer": {}}
    spec = obj["spec"]
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]


def update_service(obj: Object, old: Object) -> None:
    """A Service that replaces `old`, whose status it has already."""
    spec, before = obj["spec"], old.get("spec") or {}
    _inherit_addresses(spec, before)
    _inherit_node_ports(spec, before)
    if needs_health_check(before) and needs_health_check(spec):
        _inherit(spec, before, "healthCheckNodePort")
    _normalize(spec, before)
    _wipe(spec, before)
    if type_of(spec) != "LoadBalancer":
        obj["status"] = {**(obj.get("status") or {}), "loadBalancer": {}}


def _inherit(spec: Object, before: Object, key: str) -> None:
    if not spec.get(key) and before.get(key):
        spec[key] = copied(before[key])


def _inherit_addresses(spec: Object, before: Object) -> None:
    if not needs_cluster_ip(spec) or not needs_cluster_ip(before):
        return
    _inherit(spec, before, "clusterIP")
    if spec.get("clusterIP") == before.get("clusterIP"):
        _inherit(spec, before, "clusterIPs")


def _inherit_node_ports(spec: Object, before: Object) -> None:
    """Ports keep their number by their name, unless another port took it."""
    if not needs_node_port(spec) or not needs_node_port(before):
        return
    ports, had = spec.get("ports") or (), before.get("ports") or ()
    used = _numbers(ports) & _numbers(had)
    by_name = {port.get("name", ""): port.get("nodePort", 0) for port in had}
    for port in ports:
        number = by_name.get(port.get("name", ""), 0)
        if not port.get("nodePort") and number and number not in used:
            port["nodePort"] = number
            used.add(number)


def _numbers(ports: object) -> set[int]:
    assert isinstance(ports, list | tuple)
    return {port["nodePort"] for port in ports if port.get("nodePort")}


def _normalize(spec: Object, before: Object) -> None:
    """A client that knows only clusterIP means clusterIPs, too."""
    first, had = spec.get("clusterIP") or "", before.get("clusterIP") or ""
    if first == had or (spec.get("clusterIPs") or []) != (before.get("clusterIPs") or []):
        return
    if first:
        spec["clusterIPs"] = [first]
    else:
        spec.pop("clusterIPs", None)


def _wipe(spec: Object, before: Object) -> None:
    if needs_cluster_ip(before) and not needs_cluster_ip(spec):
        if _same(spec, before, "clusterIP") and _same(spec, before, "clusterIPs"):
            spec.pop("clusterIP", None)
            spec.pop("clusterIPs", None)
        _drop_same(spec, before, "ipFamilies", "ipFamilyPolicy")
    if needs_node_port(before) and not needs_node_port(spec):
        _wipe_node_ports(spec, before)
    if is_externally_accessible(before) and not is_externally_accessible(spec):
        _drop_same(spec, before, "externalTrafficPolicy")
    if needs_health_check(before) and not needs_health_check(spec):
        _drop_same(spec, before, "healthCheckNodePort")
    if type_of(before) == "LoadBalancer" and type_of(spec) != "LoadBalancer":
        _drop_same(spec, before, "allocateLoadBalancerNodePorts", "loadBalancerClass")


def _wipe_node_ports(spec: Object, before: Object) -> None:
    ports = spec.get("ports") or ()
    if _numbers(ports) <= _numbers(before.get("ports") or ()):
        for port in ports:
            port.pop("nodePort", None)


def _same(spec: Object, before: Object, key: str) -> bool:
    return (spec.get(key) or None) == (before.get(key) or None)


def _drop_same(spec: Object, before: Object, *keys: str) -> None:
    for key in keys:
        if _same(spec, before, key):
            spec.pop(key, None)

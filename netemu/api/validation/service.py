"""Rules of Services.

Addresses and ports are handed out after these rules have been met, so what is yet to be
allocated is not missed here.
"""

from netemu.api.servicetype import (
    is_externally_accessible,
    is_headless,
    needs_health_check,
    needs_node_port,
    type_of,
)
from netemu.api.validation import field
from netemu.api.validation.cluster_ips import cluster_ips
from netemu.api.validation.containers import PROTOCOLS, one_of
from netemu.api.validation.field import METADATA, SPEC, Causes, Path, each_invalid
from netemu.api.validation.goformat import Literal, quoted
from netemu.api.validation.ips import address, cidr, not_special, parse_address
from netemu.api.validation.meta import labels, object_meta
from netemu.api.validation.probes import port_or_name
from netemu.model import names
from netemu.model.errors import Cause
from netemu.model.meta import Object, annotations_of
from netemu.model.service import WEIGHTS

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_DISTRIBUTIONS = ("PreferClose", "PreferSameNode", "PreferSameZone")
_POLICIES = ("Cluster", "Local")
_AFFINITIES = ("ClientIP", "None")
_LONGEST_AFFINITY = 86400
_KUBELET_PORT = 10250
_SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
_TOPOLOGY = "service.kubernetes.io/topology-mode"
_OLD_TOPOLOGY = "service.kubernetes.io/topology-aware-hints"
_ONLY_LOAD_BALANCERS = "may only be used when `type` is 'LoadBalancer'"


def service(obj: Object) -> Causes:
    """A Service, new or changed."""
    spec = obj.get("spec") or {}
    yield from object_meta(obj, True, names.dns_1035_label)
    yield from _topology(obj)
    if not spec.get("ports") and not is_headless(spec) and type_of(spec) != "ExternalName":
        yield field.required(SPEC.child("ports"))
    yield from _of_type(spec)
    yield from _ports(spec)
    yield from labels(spec.get("selector"), SPEC.child("selector"))
    yield from _session_affinity(spec)
    yield from cluster_ips(spec)
    for number, ip in enumerate(spec.get("externalIPs") or ()):
        path = SPEC.child("externalIPs").index(number)
        yield from address(path, ip) if parse_address(ip) is None else not_special(path, ip)
    yield from one_of(spec.get("type", ""), _TYPES, SPEC.child("type"))
    yield from _taken_twice(spec)
    yield from _source_ranges(obj, spec)
    yield from _weights(obj)
    yield from _load_balancer(spec)
    yield from _traffic_policies(spec)


def _topology(obj: Object) -> Causes:
    """The newer annotation and the older one may not say different things."""
    annotations = annotations_of(obj)
    mode, older = annotations.get(_TOPOLOGY), annotations.get(_OLD_TOPOLOGY)
    if mode is not None and older is not None and mode != older:
        rule = f"must match annotations[{_OLD_TOPOLOGY}] when both are specified"
        yield field.invalid(METADATA.child("annotations").key(_TOPOLOGY), mode, rule)


def _weights(obj: Object) -> Causes:
    """An annotation of our own; wrong, it would silently be none."""
    text = annotations_of(obj).get(WEIGHTS)
    if text is None:
        return
    from netemu.model.weights import BadWeights, parse  # late: few Services have it

    try:
        parse(text)
    except BadWeights as error:
        yield field.invalid(METADATA.child("annotations").key(WEIGHTS), text, str(error))


def _of_type(spec: Object) -> Causes:
    kind = type_of(spec)
    if kind == "LoadBalancer":
        for number, port in enumerate(spec.get("ports") or ()):
            if port.get("port") == _KUBELET_PORT:
                rule = f"may not expose port {_KUBELET_PORT} externally since it is used by kubelet"
                yield field.invalid(SPEC.child("ports").index(number), _KUBELET_PORT, rule)
    if needs_node_port(spec) and is_headless(spec):
        rule = f"may not be set to 'None' for {kind} services"
        yield field.invalid(SPEC.child("clusterIPs").index(0), "None", rule)
    if kind == "ExternalName":
        yield from _external_name(spec)


def _external_name(spec: Object) -> Causes:
    for key in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if spec.get(key):
            yield field.forbidden(SPEC.child(key), "may not be set for ExternalName services")
    path = SPEC.child("externalName")
    if name := spec.get("externalName", "").removesuffix("."):
        yield from each_invalid(path, name, names.dns_subdomain(name))
    else:
        yield field.required(path)


def _ports(spec: Object) -> Causes:
    ports = spec.get("ports") or ()
    taken: set[str] = set()
    for number, port in enumerate(ports):
        path, name = SPEC.child("ports").index(number), port.get("name", "")
        if name:
            yield from each_invalid(path.child("name"), name, names.dns_label(name))
            if name in taken:
                yield field.duplicate(path.child("name"), name)
            taken.add(name)
        elif len(ports) > 1:
            yield field.required(path.child("name"))
        value = port.get("port", 0)
        yield from each_invalid(path.child("port"), value, names.port_number(value))
        yield from one_of(port.get("protocol", ""), PROTOCOLS, path.child("protocol"))
        yield from port_or_name(port.get("targetPort", 0), path.child("targetPort"))
        protocol = port.get("appProtocol")
        if protocol is not None:
            problems = names.qualified_name(protocol)
            yield from each_invalid(path.child("appProtocol"), protocol, problems)


def _session_affinity(spec: Object) -> Causes:
    affinity = spec.get("sessionAffinity", "")
    yield from one_of(affinity, _AFFINITIES, SPEC.child("sessionAffinity"))
    config, path = spec.get("sessionAffinityConfig"), SPEC.child("sessionAffinityConfig")
    if affinity == "None" and config is not None:
        yield field.forbidden(path, "must not be set when session affinity is None")
    if affinity != "ClientIP":
        return
    below = path.child("clientIP", "timeoutSeconds")
    seconds = ((config or {}).get("clientIP") or {}).get("timeoutSeconds")
    if seconds is None:
        yield field.required(below, "when session affinity type is ClientIP")
    elif not 0 < seconds <= _LONGEST_AFFINITY:
        # Upstream's words; the bound itself passes.
        rule = f"must be greater than 0 and less than {_LONGEST_AFFINITY}"
        yield field.invalid(below, seconds, rule)


def _taken_twice(spec: Object) -> Causes:
    ports = spec.get("ports") or ()
    paths = [SPEC.child("ports").index(number) for number in range(len(ports))]
    if type_of(spec) == "ClusterIP":
        for path, port in zip(paths, ports, strict=True):
            if port.get("nodePort"):
                rule = "may not be used when `type` is 'ClusterIP'"
                yield field.forbidden(path.child("nodePort"), rule)
    for key in ("nodePort", "port"):
        seen: set[tuple[str, int]] = set()
        for path, port in zip(paths, ports, strict=True):
            value, protocol = port.get(key, 0), port.get("protocol", "")
            if (protocol, value) in seen:
                yield _twice(key, protocol, value, path)
            elif value or key == "port":
                seen.add((protocol, value))


def _twice(key: str, protocol: str, value: int, path: Path) -> Cause:
    if key == "nodePort":
        return field.duplicate(path.child("nodePort"), value)
    shown = (
        f'core.ServicePort{{Name:"", Protocol:{quoted(protocol)}, AppProtocol:(*string)(nil), '
        f'Port:{value}, TargetPort:intstr.IntOrString{{Type:0, IntVal:0, StrVal:""}}, NodePort:0}}'
    )
    return field.duplicate(path, Literal(shown))


def _source_ranges(obj: Object, spec: Object) -> Causes:
    ranges, path = (
        spec.get("loadBalancerSourceRanges") or [],
        SPEC.child("LoadBalancerSourceRanges"),
    )
    noted = annotations_of(obj).get(_SOURCE_RANGES)
    if not ranges and noted is None:
        return
    if not ranges:
        path = METADATA.child("annotations").key(_SOURCE_RANGES)
    if type_of(spec) != "LoadBalancer":
        yield field.forbidden(path, _ONLY_LOAD_BALANCERS)
    for number, text in enumerate(ranges):
        yield from cidr(path.index(number), text.strip())
    if not ranges and noted and noted.strip():
        for text in noted.split(","):
            yield from cidr(path, text.strip())


def _load_balancer(spec: Object) -> Causes:
    is_load_balancer = type_of(spec) == "LoadBalancer"
    if spec.get("allocateLoadBalancerNodePorts") is not None and not is_load_balancer:
        yield field.forbidden(SPEC.child("allocateLoadBalancerNodePorts"), _ONLY_LOAD_BALANCERS)
    own, path = spec.get("loadBalancerClass"), SPEC.child("loadBalancerClass")
    if own is not None and is_load_balancer:
        yield from each_invalid(path, own, names.qualified_name(own))
    elif own is not None:
        yield field.forbidden(path, _ONLY_LOAD_BALANCERS)


def _traffic_policies(spec: Object) -> Causes:
    external, path = spec.get("externalTrafficPolicy", ""), SPEC.child("externalTrafficPolicy")
    if is_externally_accessible(spec):
        yield from one_of(external, _POLICIES, path)
    elif external:
        rule = "may only be set for externally-accessible services"
        yield field.invalid(path, external, rule)
    yield from _health_check(spec)
    internal, path = spec.get("internalTrafficPolicy"), SPEC.child("internalTrafficPolicy")
    if internal is not None and internal not in _POLICIES:
        yield field.not_supported(path, internal, _POLICIES)
    elif internal is None and type_of(spec) in ("ClusterIP", "NodePort", "LoadBalancer"):
        yield field.required(path)
    distribution = spec.get("trafficDistribution")
    if distribution not in (None, *_DISTRIBUTIONS):
        yield field.not_supported(SPEC.child("trafficDistribution"), distribution, _DISTRIBUTIONS)


def _health_check(spec: Object) -> Causes:
    port, path = spec.get("healthCheckNodePort", 0), SPEC.child("healthCheckNodePort")
    if not port:
        return
    if needs_health_check(spec):
        yield from each_invalid(path, port, names.port_number(port))
    else:
        rule = (
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        )
        yield field.invalid(path, port, rule)

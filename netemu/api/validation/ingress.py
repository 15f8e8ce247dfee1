"""Rules of Ingress, IngressClass and NetworkPolicy (pkg/apis/networking/validation)."""

from typing import Final

from netemu.api.validation import field
from netemu.api.validation.field import SPEC, Causes, Path, each_invalid
from netemu.api.validation.ips import cidr
from netemu.api.validation.meta import label_selector, object_meta, object_meta_update
from netemu.model import names
from netemu.model.meta import Object

_PATH_TYPES: Final = ("Exact", "ImplementationSpecific", "Prefix")
_POLICY_TYPES: Final = ("Egress", "Ingress")


def ingress(obj: Object) -> Causes:
    """A new Ingress."""
    yield from object_meta(obj, True, names.dns_subdomain)
    spec = obj.get("spec") or {}
    rules, backend = spec.get("rules") or [], spec.get("defaultBackend")
    if not rules and backend is None:
        why = "either `defaultBackend` or `rules` must be specified"
        yield field.invalid(SPEC, [], why)
    if backend is not None:
        yield from _backend(backend, SPEC.child("defaultBackend"))
    for number, rule in enumerate(rules):
        yield from _rule(rule, SPEC.child("rules").index(number))
    if name := spec.get("ingressClassName"):
        yield from each_invalid(SPEC.child("ingressClassName"), name, names.dns_subdomain(name))


def ingress_update(new: Object, old: Object) -> Causes:
    """An update of an Ingress."""
    yield from object_meta_update(new, old)
    yield from ingress(new)


def _rule(rule: Object, path: Path) -> Causes:
    host = rule.get("host", "")
    if host:
        plain = host.removeprefix("*.")
        yield from each_invalid(path.child("host"), host, names.dns_subdomain(plain))
    http = rule.get("http")
    if http is None:
        return
    paths = path.child("http", "paths")
    if not http.get("paths"):
        yield field.required(paths)
    for number, item in enumerate(http.get("paths") or ()):
        yield from _path(item, paths.index(number))


def _path(item: Object, path: Path) -> Causes:
    kind, where = item.get("pathType"), item.get("path", "")
    if not kind:
        yield field.required(path.child("pathType"), "pathType must be specified")
    elif kind not in _PATH_TYPES:
        yield field.not_supported(path.child("pathType"), kind, _PATH_TYPES)
    elif (kind != "ImplementationSpecific" or where) and not where.startswith("/"):
        yield field.invalid(path.child("path"), where, "must be an absolute path")
    yield from _backend(item.get("backend") or {}, path.child("backend"))


def _backend(backend: Object, path: Path) -> Causes:
    service, resource = backend.get("service"), backend.get("resource")
    if service is None and resource is None:
        yield field.required(path.child("service", "name"))
        return
    if service is None:
        return
    if resource is not None:
        why = "cannot set both resource and service backends"
        yield field.invalid(path, "", why)
    name, port = service.get("name", ""), service.get("port") or {}
    at = path.child("service")
    if not name:
        yield field.required(at.child("name"))
    else:
        yield from each_invalid(at.child("name"), name, names.dns_1035_label(name))
    number, named = port.get("number", 0), port.get("name", "")
    if number and named:
        why = "cannot set both port name & port number"
        yield field.invalid(path, "", why)
    elif named:
        yield from each_invalid(at.child("port", "name"), named, names.port_name(named))
    elif number:
        yield from each_invalid(at.child("port", "number"), number, names.port_number(number))
    else:
        yield field.required(path, "port name or number is required")


def ingress_class(obj: Object) -> Causes:
    """A new IngressClass."""
    yield from object_meta(obj, False, names.dns_subdomain)
    controller = (obj.get("spec") or {}).get("controller", "")
    if len(controller) > _LONGEST_CONTROLLER:
        yield field.too_long(SPEC.child("controller"), _LONGEST_CONTROLLER)


_LONGEST_CONTROLLER: Final = 250


def ingress_class_update(new: Object, old: Object) -> Causes:
    """An update of an IngressClass; its controller stays."""
    yield from object_meta_update(new, old)
    have, had = ((obj.get("spec") or {}).get("controller") for obj in (new, old))
    yield from field.immutable(SPEC.child("controller"), have, had)
    yield from ingress_class(new)


def network_policy(obj: Object) -> Causes:
    """A new NetworkPolicy."""
    yield from object_meta(obj, True, names.dns_subdomain)
    spec = obj.get("spec") or {}
    yield from label_selector(spec.get("podSelector"), SPEC.child("podSelector"))
    for key, peers in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(spec.get(key) or ()):
            yield from _policy_rule(rule, peers, SPEC.child(key).index(number))
    kinds = spec.get("policyTypes") or ()
    if len(kinds) > len(_POLICY_TYPES):
        why = "may not specify more than two policyTypes"
        yield field.invalid(SPEC.child("policyTypes"), [*kinds], why)
        return
    for number, kind in enumerate(kinds):
        if kind not in _POLICY_TYPES:
            yield field.not_supported(SPEC.child("policyTypes").index(number), kind, _POLICY_TYPES)


def network_policy_update(new: Object, old: Object) -> Causes:
    """An update of a NetworkPolicy."""
    yield from object_meta_update(new, old)
    yield from network_policy(new)


def _policy_rule(rule: Object, peers: str, path: Path) -> Causes:
    for number, port in enumerate(rule.get("ports") or ()):
        yield from _policy_port(port, path.child("ports").index(number))
    for number, peer in enumerate(rule.get(peers) or ()):
        yield from _peer(peer, path.child(peers).index(number))


def _policy_port(item: Object, path: Path) -> Causes:
    protocol = item.get("protocol", "TCP")
    if protocol not in ("TCP", "UDP", "SCTP"):
        yield field.not_supported(path.child("protocol"), protocol, ("SCTP", "TCP", "UDP"))
    port, end = item.get("port"), item.get("endPort")
    if isinstance(port, int):
        yield from each_invalid(path.child("port"), port, names.port_number(port))
        if end is not None and end < port:
            why = "must be greater than or equal to `port`"
            yield field.invalid(path.child("endPort"), end, why)
    elif isinstance(port, str):
        yield from each_invalid(path.child("port"), port, names.port_name(port))
    if end is not None and port is None:
        why = "may not be specified when `port` is not specified"
        yield field.invalid(path.child("endPort"), end, why)


def _peer(peer: Object, path: Path) -> Causes:
    block = peer.get("ipBlock")
    selectors = [key for key in ("podSelector", "namespaceSelector") if peer.get(key) is not None]
    if block is None and not selectors:
        yield field.required(path, "must specify a peer")
    if block is not None and selectors:
        why = "may not specify both ipBlock and another peer"
        yield field.forbidden(path, why)
    for key in selectors:
        yield from label_selector(peer[key], path.child(key))
    if block is not None:
        yield from _block(block, path.child("ipBlock"))


def _block(block: Object, path: Path) -> Causes:
    if not block.get("cidr"):
        yield field.required(path.child("cidr"))
        return
    yield from cidr(path.child("cidr"), block["cidr"])
    for number, text in enumerate(block.get("except") or ()):
        yield from cidr(path.child("except").index(number), text)

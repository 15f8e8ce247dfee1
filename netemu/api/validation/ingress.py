"""Rules of Ingresses and IngressClasses (pkg/apis/networking/validation)."""

from typing import Final

from netemu.api.validation import field
from netemu.api.validation.field import SPEC, Causes, Path, each_invalid
from netemu.api.validation.goformat import Literal
from netemu.api.validation.ips import address, parse_address
from netemu.api.validation.meta import object_meta, object_meta_update, prefixed_path
from netemu.model import names
from netemu.model.meta import Object, annotations_of

_PATH_TYPES: Final = ("Exact", "ImplementationSpecific", "Prefix")
_CLASS: Final = "kubernetes.io/ingress.class"
_SEQUENCES: Final = ("//", "/./", "/../", "%2f", "%2F")
_ENDS: Final = ("/..", "/.")
_LONGEST_CONTROLLER: Final = 250


def ingress(obj: Object) -> Causes:
    """A new Ingress."""
    yield from _any_ingress(obj)
    noted, name = annotations_of(obj).get(_CLASS), (obj.get("spec") or {}).get("ingressClassName")
    if noted is not None and name is not None and noted != name:
        rule = "must match `ingressClassName` when both are specified"
        yield field.invalid(Path("annotations").child(_CLASS), noted, rule)


def ingress_update(new: Object, old: Object) -> Causes:
    """An update of an Ingress."""
    yield from object_meta_update(new, old)
    yield from _any_ingress(new)


def _any_ingress(obj: Object) -> Causes:
    yield from object_meta(obj, True, names.dns_subdomain)
    spec = obj.get("spec") or {}
    rules, backend = spec.get("rules") or [], spec.get("defaultBackend")
    if not rules and backend is None:
        why = "either `defaultBackend` or `rules` must be specified"
        yield field.invalid(SPEC, Literal("[]networking.IngressRule(nil)"), why)
    if backend is not None:
        yield from _backend(backend, SPEC.child("defaultBackend"))
    for number, rule in enumerate(rules):
        yield from _rule(rule, SPEC.child("rules").index(number))
    for number, item in enumerate(spec.get("tls") or ()):
        yield from _tls(item, SPEC.child("tls").index(number))
    name = spec.get("ingressClassName")
    if name is not None:
        yield from each_invalid(SPEC.child("ingressClassName"), name, names.dns_subdomain(name))


def ingress_status(new: Object, old: Object) -> Causes:
    """A write to an Ingress' status."""
    yield from object_meta_update(new, old)
    balancer = (new.get("status") or {}).get("loadBalancer") or {}
    for number, item in enumerate(balancer.get("ingress") or ()):
        path = Path("status.loadBalancer.ingress").index(number)
        if ip := item.get("ip"):
            yield from address(path.child("ip"), ip)
        if name := item.get("hostname"):
            yield from each_invalid(path.child("hostname"), name, names.dns_subdomain(name))
            yield from _no_address(name, path.child("hostname"))


def _no_address(name: str, path: Path) -> Causes:
    if parse_address(name) is not None:
        yield field.invalid(path, name, "must be a DNS name, not an IP address")


def _host(name: str, path: Path) -> Causes:
    check = names.wildcard_subdomain if "*" in name else names.dns_subdomain
    yield from each_invalid(path, name, check(name))


def _tls(item: Object, path: Path) -> Causes:
    for number, host in enumerate(item.get("hosts") or ()):
        yield from _host(host, path.child("hosts").index(number))
    if secret := item.get("secretName"):
        yield from each_invalid(path.child("secretName"), secret, names.dns_subdomain(secret))


def _rule(rule: Object, path: Path) -> Causes:
    if host := rule.get("host"):
        yield from _no_address(host, path.child("host"))
        yield from _host(host, path.child("host"))
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
    below = path.child("path")
    if kind is None:
        yield field.required(path.child("pathType"), "pathType must be specified")
        return
    if kind not in _PATH_TYPES:
        yield field.not_supported(path.child("pathType"), kind, _PATH_TYPES)
    elif (kind != "ImplementationSpecific" or where) and not where.startswith("/"):
        yield field.invalid(below, where, "must be an absolute path")
    if kind in ("Exact", "Prefix"):
        for part in _SEQUENCES:
            if part in where:
                yield field.invalid(below, where, f"must not contain '{part}'")
        for part in _ENDS:
            if where.endswith(part):
                yield field.invalid(below, where, f"cannot end with '{part}'")
    yield from _backend(item.get("backend") or {}, path.child("backend"))


def _backend(backend: Object, path: Path) -> Causes:
    service, resource = backend.get("service"), backend.get("resource")
    if service is not None and resource is not None:
        yield field.invalid(path, "", "cannot set both resource and service backends")
    elif resource is not None:
        yield from _reference(resource, path.child("resource"))
    elif service is not None:
        yield from _service(service, path)
    else:
        yield field.invalid(path, "", "resource or service backend is required")


def _service(service: Object, path: Path) -> Causes:
    name, port, at = service.get("name", ""), service.get("port") or {}, path.child("service")
    if not name:
        yield field.required(at.child("name"))
    else:
        yield from each_invalid(at.child("name"), name, names.dns_1035_label(name))
    number, named = port.get("number", 0), port.get("name", "")
    if number and named:
        yield field.invalid(path, "", "cannot set both port name & port number")
    elif named:
        yield from each_invalid(at.child("port", "name"), named, names.port_name(named))
    elif number:
        yield from each_invalid(at.child("port", "number"), number, names.port_number(number))
    else:
        yield field.required(path, "port name or number is required")


def _reference(said: Object, path: Path) -> Causes:
    if said.get("apiGroup") is not None:
        problems = names.dns_subdomain(said["apiGroup"])
        yield from each_invalid(path.child("apiGroup"), said["apiGroup"], problems)
    for key in ("kind", "name"):
        value = said.get(key, "")
        if not value:
            yield field.required(path.child(key))
        else:
            yield from each_invalid(path.child(key), value, names.path_segment(value))


def ingress_class(obj: Object) -> Causes:
    """A new IngressClass."""
    yield from object_meta(obj, False, names.dns_subdomain)
    spec = obj.get("spec") or {}
    controller, path = spec.get("controller", ""), SPEC.child("controller")
    if len(controller) > _LONGEST_CONTROLLER:
        yield field.too_long(path, _LONGEST_CONTROLLER)
    yield from prefixed_path(controller, path)
    if spec.get("parameters") is not None:
        yield from _parameters(spec["parameters"], SPEC.child("parameters"))


def _parameters(said: Object, path: Path) -> Causes:
    yield from _reference(said, path)
    scope, namespace = said.get("scope"), said.get("namespace")
    below = path.child("namespace")
    match scope:
        case None:
            yield field.required(path.child("scope"))
        case "Namespace" if namespace is None:
            yield field.required(below, "`parameters.scope` is set to 'Namespace'")
        case "Namespace":
            assert namespace is not None
            yield from each_invalid(below, namespace, names.dns_label(namespace))
        case "Cluster" if namespace is not None:
            yield field.forbidden(below, "`parameters.scope` is set to 'Cluster'")
        case "Cluster":
            pass
        case _:
            yield field.not_supported(path.child("scope"), scope, ("Cluster", "Namespace"))


def ingress_class_update(new: Object, old: Object) -> Causes:
    """An update of an IngressClass; its controller stays."""
    yield from object_meta_update(new, old)
    have, had = ((obj.get("spec") or {}).get("controller") for obj in (new, old))
    yield from field.immutable(SPEC.child("controller"), have, had)
    yield from ingress_class(new)

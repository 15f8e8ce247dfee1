"""What may change in a Service, and rules of its status."""

from netemu.api.servicetype import needs_health_check, type_of
from netemu.api.validation import field
from netemu.api.validation.cluster_ips import cluster_ips_update
from netemu.api.validation.field import SPEC, Causes, Path, each_invalid
from netemu.api.validation.ips import address, parse_address
from netemu.api.validation.meta import object_meta_update
from netemu.api.validation.service import service
from netemu.model import names
from netemu.model.meta import Object

_INGRESS = Path("status.loadBalancer.ingress")


def service_update(new: Object, old: Object) -> Causes:
    """An update of a Service."""
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    yield from object_meta_update(new, old)
    yield from cluster_ips_update(spec, before)
    yield from _load_balancer_class(spec, before)
    if needs_health_check(before) and needs_health_check(spec):
        key = "healthCheckNodePort"
        if spec.get(key) != before.get(key):
            yield field.forbidden(SPEC.child(key), field.IMMUTABLE)
    yield from service(new)


def _load_balancer_class(spec: Object, before: Object) -> Causes:
    if type_of(spec) != "LoadBalancer" or type_of(before) != "LoadBalancer":
        return
    own = spec.get("loadBalancerClass")
    if own != before.get("loadBalancerClass"):
        yield field.invalid(SPEC.child("loadBalancerClass"), own, "may not change once set")


def service_status(new: Object, old: Object) -> Causes:
    """An update of a Service's status."""
    yield from object_meta_update(new, old)
    ingress = ((new.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    if ingress and type_of(new.get("spec") or {}) != "LoadBalancer":
        yield field.forbidden(_INGRESS, "may only be used when `spec.type` is 'LoadBalancer'")
        return
    for number, item in enumerate(ingress):
        path, ip = _INGRESS.index(number), item.get("ip", "")
        if ip:
            yield from address(path.child("ip"), ip)
        yield from _ip_mode(item.get("ipMode"), ip, path.child("ipMode"))
        if name := item.get("hostname"):
            yield from each_invalid(path.child("hostname"), name, names.dns_subdomain(name))
            if parse_address(name) is not None:
                rule = "must be a DNS name, not an IP address"
                yield field.invalid(path.child("hostname"), name, rule)


def _ip_mode(mode: str | None, ip: str, path: Path) -> Causes:
    if mode is None:
        return  # VIP by default, where there is an address
    if not ip:
        yield field.forbidden(path, "may not be specified when `ip` is not set")
    elif mode not in ("Proxy", "VIP"):
        yield field.not_supported(path, mode, ("Proxy", "VIP"))

"""Rules of ServiceCIDRs and IPAddresses (pkg/apis/networking/validation)."""

from ipaddress import ip_address as ip
from typing import Final

from netemu.api.validation import field
from netemu.api.validation.field import SPEC, Causes, each_invalid
from netemu.api.validation.goformat import quoted
from netemu.api.validation.ips import BAD_RANGE, parse_range
from netemu.api.validation.meta import object_meta, object_meta_update
from netemu.model import names
from netemu.model.meta import Object

_MOST: Final = 2
"""One range of each address family."""


def service_cidr(obj: Object) -> Causes:
    """A new ServiceCIDR."""
    yield from object_meta(obj, False, names.dns_subdomain)
    spec = obj.get("spec") or {}
    ranges, path = spec.get("cidrs") or [], SPEC.child("cidrs")
    if not ranges:
        yield field.required(path, "at least one CIDR required")
        return
    if len(ranges) > _MOST:
        yield field.invalid(path, spec, "may only hold up to 2 values")
        return
    found = [parse_range(text) for text in ranges]
    versions = {None if each is None else each.version for each in found}
    if len(ranges) == _MOST and versions != {4, 6}:
        rule = "may specify no more than one IP for each IP family, "
        yield field.invalid(path, spec, f"{rule}i.e 192.168.0.0/24 and 2001:db8::/64")
        return
    for number, (text, network) in enumerate(zip(ranges, found, strict=True)):
        if network is None:
            yield field.invalid(path.index(number), text, BAD_RANGE)


def service_cidr_update(new: Object, old: Object) -> Causes:
    """An update of a ServiceCIDR; its ranges stay."""
    yield from object_meta_update(new, old)
    have, had = ((obj.get("spec") or {}).get("cidrs") for obj in (new, old))
    yield from field.immutable(SPEC.child("cidrs"), have, had)


def ip_address(obj: Object) -> Causes:
    """A new IPAddress."""
    yield from object_meta(obj, False, _ip_name)
    parent = (obj.get("spec") or {}).get("parentRef")
    path = SPEC.child("parentRef")
    if parent is None:
        yield field.required(path)
        return
    if group := parent.get("group"):
        yield from each_invalid(path.child("group"), group, names.dns_subdomain(group))
    for key, needed in (("resource", True), ("name", True), ("namespace", False)):
        if text := parent.get(key):
            yield from each_invalid(path.child(key), text, names.path_segment(text))
        elif needed:
            yield field.required(path.child(key))


def ip_address_update(new: Object, old: Object) -> Causes:
    """An update of an IPAddress; whose it is stays."""
    yield from ip_address(new)
    yield from object_meta_update(new, old)
    have, had = ((obj.get("spec") or {}).get("parentRef") for obj in (new, old))
    yield from field.immutable(SPEC.child("parentRef"), have, had)


def _ip_name(name: str) -> list[str]:
    try:
        canonical = str(ip(name))
    except ValueError:
        return [f"ParseAddr({quoted(name)}): unable to parse IP"]
    return [] if canonical == name else ["must be a canonical format IP address"]

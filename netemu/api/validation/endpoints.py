"""Rules of Endpoints and EndpointSlices."""

from collections.abc import Iterable
from typing import Final

from netemu.api.validation import field
from netemu.api.validation.containers import PROTOCOLS, one_of
from netemu.api.validation.field import Causes, Path, each_invalid
from netemu.api.validation.ips import address, is_ipv6, not_special, parse_address
from netemu.api.validation.meta import labels, object_meta, object_meta_update
from netemu.model import names
from netemu.model.meta import Object

_ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
_MOST_ENDPOINTS: Final = 1000
_MOST_ADDRESSES: Final = 100
_MOST_PORTS: Final = 20000
_MOST_TOPOLOGY: Final = 16
_MOST_HINTS: Final = 8


def endpoints(obj: Object) -> Causes:
    """New Endpoints."""
    yield from object_meta(obj, True, names.dns_subdomain)
    for number, subset in enumerate(obj.get("subsets") or ()):
        path = Path("subsets").index(number)
        ready, others = subset.get("addresses") or (), subset.get("notReadyAddresses") or ()
        if not ready and not others:
            yield field.required(path, "must specify `addresses` or `notReadyAddresses`")
        for key, items in (("addresses", ready), ("notReadyAddresses", others)):
            for index, item in enumerate(items):
                yield from _address(item, path.child(key).index(index))
        ports = subset.get("ports") or ()
        for index, port in enumerate(ports):
            yield from _port(port, len(ports) > 1, path.child("ports").index(index))


def endpoints_update(new: Object, old: Object) -> Causes:
    """An update of Endpoints."""
    yield from object_meta_update(new, old)
    yield from endpoints(new)


def _address(item: Object, path: Path) -> Causes:
    ip = item.get("ip", "")
    yield from address(path.child("ip"), ip)
    if name := item.get("hostname"):
        yield from each_invalid(path.child("hostname"), name, names.dns_label(name))
    yield from _node_name(item, path)
    yield from not_special(path.child("ip"), ip)


def _node_name(item: Object, path: Path) -> Causes:
    name = item.get("nodeName")
    if name is not None:
        yield from each_invalid(path.child("nodeName"), name, names.dns_subdomain(name))


def _port(port: Object, needs_name: bool, path: Path) -> Causes:
    name, number = port.get("name", ""), port.get("port", 0)
    if name:
        yield from each_invalid(path.child("name"), name, names.dns_label(name))
    elif needs_name:
        yield field.required(path.child("name"))
    yield from each_invalid(path.child("port"), number, names.port_number(number))
    yield from one_of(port.get("protocol", ""), PROTOCOLS, path.child("protocol"))
    yield from _app_protocol(port, path)


def _app_protocol(port: Object, path: Path) -> Causes:
    protocol = port.get("appProtocol")
    if protocol is not None:
        problems = names.qualified_name(protocol)
        yield from each_invalid(path.child("appProtocol"), protocol, problems)


def endpoint_slice(obj: Object) -> Causes:
    """A new EndpointSlice."""
    yield from object_meta(obj, True, names.dns_subdomain)
    family = obj.get("addressType", "")
    yield from one_of(family, _ADDRESS_TYPES, Path("addressType"))
    yield from _endpoints(obj.get("endpoints") or [], family, Path("endpoints"))
    yield from _slice_ports(obj.get("ports") or [], Path("ports"))


def endpoint_slice_update(new: Object, old: Object) -> Causes:
    """An update of an EndpointSlice; its address type stays."""
    yield from object_meta_update(new, old)
    yield from endpoint_slice(new)
    key = "addressType"
    yield from field.immutable(Path(key), new.get(key, ""), old.get(key, ""))


def _endpoints(items: list[Object], family: str, path: Path) -> Causes:
    if len(items) > _MOST_ENDPOINTS:
        yield field.too_many(path, len(items), _MOST_ENDPOINTS)
        return
    for number, item in enumerate(items):
        below = path.index(number)
        yield from _addresses(item.get("addresses") or [], family, below.child("addresses"))
        yield from _node_name(item, below)
        topology, key = item.get("deprecatedTopology") or {}, "deprecatedTopology"
        if len(topology) > _MOST_TOPOLOGY:
            yield field.too_many(below.child(key), len(topology), _MOST_TOPOLOGY)
        yield from labels(topology, below.child(key))
        name = item.get("hostname")
        if name is not None:
            yield from each_invalid(below.child("hostname"), name, names.dns_label(name))
        zones = (item.get("hints") or {}).get("forZones") or []
        yield from _hints(zones, below.child("hints", "forZones"))


def _addresses(items: list[str], family: str, path: Path) -> Causes:
    if not items:
        yield field.required(path, "must contain at least 1 address")
    elif len(items) > _MOST_ADDRESSES:
        yield field.too_many(path, len(items), _MOST_ADDRESSES)
    for number, item in enumerate(items):
        below = path.index(number)
        if family in ("IPv4", "IPv6"):
            if parse_address(item) is None or is_ipv6(item) != (family == "IPv6"):
                yield field.invalid(below, item, f"must be a valid {family} address")
            yield from not_special(below, item)
        elif family == "FQDN":
            yield from _domain_name(item, below)


def _domain_name(text: str, path: Path) -> Causes:
    name = text.removesuffix(".")
    if not text:
        yield field.required(path)
    elif problems := names.dns_subdomain(name):
        yield field.invalid(path, name, ",".join(problems))
    elif "." not in name:
        rule = "should be a domain with at least two segments separated by dots"
        yield field.invalid(path, name, rule)


def _hints(zones: list[Object], path: Path) -> Causes:
    if len(zones) > _MOST_HINTS:
        yield field.too_many(path, len(zones), _MOST_HINTS)
        return
    seen: set[str] = set()
    for number, zone in enumerate(zones):
        below, name = path.index(number).child("name"), zone.get("name", "")
        if name in seen:
            yield field.duplicate(below, name)
        seen.add(name)
        yield from each_invalid(below, name, names.label_value(name))


def _slice_ports(ports: Iterable[Object], path: Path) -> Causes:
    items = list(ports)
    if len(items) > _MOST_PORTS:
        yield field.too_many(path, len(items), _MOST_PORTS)
        return
    taken: set[str] = set()
    for number, port in enumerate(items):
        below, name = path.index(number), port.get("name") or ""
        if name:
            yield from each_invalid(below.child("name"), name, names.dns_label(name))
        if name in taken:
            yield field.duplicate(below.child("name"), name)
        taken.add(name)
        yield from one_of(port.get("protocol", ""), PROTOCOLS, below.child("protocol"))
        yield from _app_protocol(port, below)

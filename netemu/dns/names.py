r"""What a name means in the cluster's schema: a question's name, read from the right.

Reading from the right makes names that look like others work: a Service named ``svc`` in a
namespace ``svc``, or a namespace ``com`` that captures ``google.com`` through the search list.
Labels are octets: ``svc1\.ns`` is one label, and no Service has it. Nothing is looked up here.
"""

import re
from enum import Enum, auto
from ipaddress import AddressValueError, IPv6Address, ip_address
from socket import AF_INET, inet_pton
from typing import TypeAlias

from msgspec import Struct

from netemu.dns.records import Name, lowered, within
from netemu.model.meta import Key

IN_ADDR: Name = (b"in-addr", b"arpa")
IP6: Name = (b"ip6", b"arpa")


class Fixed(Enum):
    """Names that every cluster has, and those that none has."""

    APEX = auto()
    EMPTY = auto()
    """Nothing is here, but names are below it: NODATA (RFC 8020)."""
    VERSION = auto()
    """``dns-version``: the version of the schema (Kubernetes DNS specification 2.1)."""
    NAME_SERVER = auto()
    """``ns.dns``: the name of this server in the SOA."""
    MISSING = auto()
    """No cluster has such a name."""


class NamespaceName(Struct, frozen=True):
    """``NS.svc`` or ``NS.pod``."""

    namespace: str


class ServiceName(Struct, frozen=True):
    """``SVC.NS.svc``."""

    key: Key


class EndpointName(Struct, frozen=True):
    """``HOST.SVC.NS.svc``: a pod's hostname, or its address with dashes."""

    key: Key
    host: str


class PortName(Struct, frozen=True):
    """``_PORT._PROTOCOL.SVC.NS.svc``; without port the name between it and the Service."""

    key: Key
    port: str
    protocol: str


class ZonalName(Struct, frozen=True):
    """``ZONE.pin._zone.SVC.NS.svc`` and ``ZONE.prefer._zone.SVC.NS.svc`` (CoreDNS' ``zonal``)."""

    key: Key
    zone: str
    """Lowered; it may have dots."""
    anywhere: bool
    """Other zones will do if there is no endpoint in this one (``prefer``)."""


class PodName(Struct, frozen=True):
    """``A-B-C-D.NS.pod``."""

    namespace: str
    address: str


class ReverseName(Struct, frozen=True):
    """An address in one of the reverse trees."""

    address: str


Target: TypeAlias = (
    Fixed
    | NamespaceName
    | ServiceName
    | EndpointName
    | PortName
    | ZonalName
    | PodName
    | ReverseName
)

_SERVED_EVERYWHERE: dict[Name, Fixed] = {
    (): Fixed.APEX,
    (b"dns",): Fixed.EMPTY,
    (b"ns", b"dns"): Fixed.NAME_SERVER,
}
_SERVED: dict[Name, Fixed] = _SERVED_EVERYWHERE | {
    (b"svc",): Fixed.EMPTY,
    (b"pod",): Fixed.EMPTY,
    (b"dns-version",): Fixed.VERSION,
}


def locate(
    name: Name, zone: Name, reverse: tuple[Name, ...] = (IN_ADDR, IP6)
) -> tuple[Name, Target] | None:
    """The zone that `name` lies in, spelled as in `name`, and what it means there; None for names
    of somebody else. `reverse` are the reverse trees, or parts of them, that are served.
    """
    low = lowered(name)
    cut = len(low) - len(zone)
    if cut >= 0 and low[cut:] == zone:
        return name[cut:], _forward(low[:cut])
    for origin in reverse:
        if within(low, origin):
            cut = len(low) - len(origin)
            return name[cut:], _SERVED_EVERYWHERE.get(low[:cut]) or _reverse(low)
    return None


def _reverse(low: Name) -> Target:
    return (_reverse4 if low[-2:] == IN_ADDR else _reverse6)(low[:-2])


def address_in(low: Name) -> str:
    """The address that a lowered reverse name stands for, "" if none."""
    if not (within(low, IN_ADDR) or within(low, IP6)):
        return ""
    target = _reverse(low)
    return target.address if isinstance(target, ReverseName) else ""


def _forward(rest: Name) -> Target:
    fixed = _SERVED.get(rest)
    if fixed is not None:
        return fixed
    # Octets become letters one to one, so a label that isn't ASCII equals no name of an object.
    *labels, tree = (label.decode("latin-1") for label in rest)
    if tree == "svc":
        return _in_services(labels)
    return _in_pods(labels) if tree == "pod" else Fixed.MISSING


def _in_services(labels: list[str]) -> Target:
    match labels:
        case [namespace]:
            return NamespaceName(namespace)
        case [service, namespace]:
            return ServiceName((namespace, service))
        case [host, service, namespace] if host.startswith("_"):
            return PortName((namespace, service), "", host[1:])
        case [host, service, namespace]:
            return EndpointName((namespace, service), host)
        case [port, protocol, service, namespace] if _is_port(port) and _is_port(protocol):
            return PortName((namespace, service), port[1:], protocol[1:])
        case [*zone, "pin" | "prefer" as where, "_zone", service, namespace] if zone:
            return ZonalName((namespace, service), ".".join(zone), where == "prefer")
        case _:
            return Fixed.MISSING


def _is_port(label: str) -> bool:
    return len(label) > 1 and label.startswith("_")


def _in_pods(labels: list[str]) -> Target:
    match labels:
        case [namespace]:
            return NamespaceName(namespace)
        case [dashed, namespace]:
            address = undashed(dashed)
            return PodName(namespace, address) if address else Fixed.MISSING
        case _:
            return Fixed.MISSING


def _reverse4(rest: Name) -> Target:
    if len(rest) != 4:
        return Fixed.MISSING
    text = b".".join(reversed(rest)).decode("latin-1")
    return ReverseName(text) if _is_ipv4(text) else Fixed.MISSING


def _is_ipv4(text: str) -> bool:
    """Whether it is an address in the only way to write one, four numbers without leading zeros."""
    try:
        inet_pton(AF_INET, text)
    except (OSError, ValueError):
        return False
    return True


_NIBBLES = re.compile(rb"[0-9a-f]{32}")


def _reverse6(rest: Name) -> Target:
    digits = b"".join(reversed(rest))
    if len(rest) != 32 or not _NIBBLES.fullmatch(digits):
        return Fixed.MISSING
    return ReverseName(str(IPv6Address(int(digits, 16))))


def reverse_name(address: str) -> Name:
    """The reverse name of an address."""
    return tuple(ip_address(address).reverse_pointer.encode().split(b"."))


def dashed(address: str) -> str:
    """An address as a label: ``10-244-0-7``, ``fd00--7``; a label doesn't end with a dash, so
    ``fd00::`` becomes ``fd00--0`` (as CoreDNS does).
    """
    label = address.replace(".", "-").replace(":", "-")
    return f"{label}0" if label.endswith("-") else label


_DASHED = re.compile(r"[0-9a-f-]+")


def undashed(label: str) -> str:
    """The address that a pod's label stands for, "" if none."""
    if not _DASHED.fullmatch(label):
        return ""
    try:
        if label.count("-") == 3 and "--" not in label:
            address = label.replace("-", ".")
            return address if _is_ipv4(address) else ""
        return str(IPv6Address(label.replace("-", ":")))
    except AddressValueError:
        return ""

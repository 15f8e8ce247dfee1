"""Addresses and ranges in objects, read as leniently as upstream reads them.

Leading zeros pass ("010.0.0.1"): Go's ParseIPSloppy takes them for old objects' sake.
"""

import ipaddress
from ipaddress import IPv4Address, IPv6Address
from typing import Final, TypeAlias

from netemu.api.validation.field import Causes, Path, invalid

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

BAD_ADDRESS: Final = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
BAD_RANGE: Final = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"

LOOPBACK = "may not be in the loopback range (127.0.0.0/8, ::1/128)"


def parse_address(text: str) -> Address | None:
    """The address, or None."""
    if ":" not in text:
        parts = text.split(".")
        if all(part.isascii() and part.isdigit() for part in parts):
            text = ".".join(part.lstrip("0") or "0" for part in parts)
    elif "%" in text:  # Go's net.ParseIP knows no zones
        return None
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def is_ipv6(text: str) -> bool:
    """Whether the text is an IPv6 address."""
    return isinstance(parse_address(text), IPv6Address)


def address(path: Path, text: str) -> Causes:
    """Must be an address of either family."""
    if parse_address(text) is None:
        yield invalid(path, text, BAD_ADDRESS)


def parse_range(text: str) -> Network | None:
    """The range, host bits or not; None when it is none."""
    base, slash, length = text.partition("/")
    found = parse_address(base)
    bits = 0 if found is None else found.max_prefixlen
    if not (found and slash and length.isascii() and length.isdigit() and int(length) <= bits):
        return None
    return ipaddress.ip_network(f"{found}/{int(length)}", strict=False)


def cidr(path: Path, text: str) -> Causes:
    """Must be a range; host bits are fine."""
    if parse_range(text) is None:
        yield invalid(path, text, BAD_RANGE)


def not_special(path: Path, text: str) -> Causes:
    """Neither unspecified, loopback nor link-local: such an address would mean another host to
    each that uses it.
    """
    found = parse_address(text)
    if found is None:
        yield invalid(path, text, "must be a valid IP address")
        return
    if found.is_unspecified:
        yield invalid(path, text, f"may not be unspecified ({text})")
    if found.is_loopback:
        yield invalid(path, text, LOOPBACK)
    if found.is_link_local:
        rule = "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
        yield invalid(path, text, rule)
    if any(
        found in network for network in _LINK_LOCAL_MULTICAST if network.version == found.version
    ):
        rule = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
        yield invalid(path, text, rule)


_LINK_LOCAL_MULTICAST = (
    ipaddress.ip_network("224.0.0.0/24"),
    ipaddress.ip_network("ff02::/16"),
)

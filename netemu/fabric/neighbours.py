"""Frames by which a network learns who has an address: ARP (RFC 826) and NDP (RFC 4861). Pure.

Built and read by scapy, which takes half a second to import: only the process that announces
addresses does.
"""

from collections.abc import Callable, Iterator
from ipaddress import ip_address

from scapy.layers.inet6 import (
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6NDOptDstLLAddr,
    IPv6,
)
from scapy.layers.l2 import ARP, Ether

BROADCAST = "ff:ff:ff:ff:ff:ff"
ALL_NODES, ALL_NODES_MAC = "ff02::1", "33:33:00:00:00:01"
REQUEST, REPLY = 1, 2
HOP_LIMIT = 255
"""What neighbours' messages must have, so that they come from the link itself (RFC 4861 §7.1)."""

Owner = Callable[[str], str | None]
"""From an address to the hardware address that has it, None for those that aren't ours."""


def hardware_address(address: str) -> str:
    """The one of the node with an address: of the kind that nobody assigns, and always the same."""
    tail = ip_address(address).packed[-4:]
    return ":".join(f"{part:02x}" for part in (0x02, 0x42, *tail))


def reply(frame: bytes, owner: Owner) -> bytes | None:
    """The answer to somebody's question; None if it is none, or not about ours."""
    asked = Ether(frame)
    if ARP in asked and asked[ARP].op == REQUEST:
        return _arp_reply(asked[ARP], owner)
    if ICMPv6ND_NS in asked and asked[IPv6].hlim == HOP_LIMIT:
        return _advertisement(asked, owner)
    return None


def _arp_reply(asked: ARP, owner: Owner) -> bytes | None:
    mac = owner(asked.pdst)
    if mac is None or asked.psrc == asked.pdst:  # that one tells of itself
        return None
    body = ARP(op=REPLY, hwsrc=mac, psrc=asked.pdst, hwdst=asked.hwsrc, pdst=asked.psrc)
    return bytes(Ether(src=mac, dst=asked.hwsrc) / body)


def _advertisement(asked: Ether, owner: Owner) -> bytes | None:
    target = asked[ICMPv6ND_NS].tgt
    mac = owner(target)
    if mac is None:
        return None
    source = asked[IPv6].src
    anonymous = source == "::"  # who looks whether an address is taken has none yet
    ip = IPv6(src=target, dst=ALL_NODES if anonymous else source, hlim=HOP_LIMIT)
    told = ICMPv6ND_NA(R=0, S=0 if anonymous else 1, O=1, tgt=target)
    ethernet = Ether(src=mac, dst=ALL_NODES_MAC if anonymous else asked.src)
    return bytes(ethernet / ip / told / ICMPv6NDOptDstLLAddr(lladdr=mac))


def announcements(address: str, mac: str) -> Iterator[bytes]:
    """What tells everybody, unasked, who has an address now."""
    if ":" in address:
        told = ICMPv6ND_NA(R=0, S=0, O=1, tgt=address) / ICMPv6NDOptDstLLAddr(lladdr=mac)
        ip = IPv6(src=address, dst=ALL_NODES, hlim=HOP_LIMIT)
        yield bytes(Ether(src=mac, dst=ALL_NODES_MAC) / ip / told)
        return
    for op in (REQUEST, REPLY):  # some systems heed the one, some the other
        body = ARP(op=op, hwsrc=mac, psrc=address, hwdst=BROADCAST, pdst=address)
        yield bytes(Ether(src=mac, dst=BROADCAST) / body)

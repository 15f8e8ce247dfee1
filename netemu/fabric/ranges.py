"""Fills in an instance's addressing: the ranges it was given, or parts of its loopback block."""

from ipaddress import IPv4Address, IPv4Network

from msgspec.structs import replace

from netemu.config.settings import IpFamily, NetMode, NetworkSettings
from netemu.model.addressing import Addressing

SMALLEST_NODE_PREFIX = 29
"""A node's share of the pod range must have room for a few pods; of IPv6 as many."""


def addressing(mode: NetMode, network: NetworkSettings, nodes: int, block: int) -> Addressing:
    """The ranges of an instance with that many nodes; without an uplink so far.

    Raises ValueError when the pod range is too small for the nodes.
    """
    if mode is NetMode.LOOPBACK:
        return _shared_out("pods", _of_block(block), nodes)
    makers = {IpFamily.IPV4: _of_settings, IpFamily.IPV6: _of_settings6}
    names = {IpFamily.IPV4: "pods", IpFamily.IPV6: "pods6"}
    primary, *others = (
        _shared_out(names[family], makers[family](network, block), nodes)
        for family in network.ip_families
    )
    return replace(primary, secondary=others[0]) if others else primary


def _shared_out(name: str, ranges: Addressing, nodes: int) -> Addressing:
    wide = 24 if ranges.pods.version == 4 else 64
    smallest = SMALLEST_NODE_PREFIX + ranges.pods.max_prefixlen - 32
    prefix = max(wide, ranges.pods.prefixlen + max(4, (nodes - 1).bit_length()))
    if prefix > smallest:
        raise ValueError(f"network.{name}: {ranges.pods} is too small for {nodes} nodes")
    return replace(ranges, node_prefix=prefix)


def _of_settings6(network: NetworkSettings, block: int) -> Addressing:
    return Addressing(
        services=network.services6,
        pods=network.pods6,
        nodes=network.nodes6,
        load_balancers=network.load_balancers6,
        block=block,
        mirrored=True,
    )


def _of_settings(network: NetworkSettings, block: int) -> Addressing:
    return Addressing(
        services=network.services,
        pods=network.pods,
        nodes=network.nodes,
        load_balancers=network.load_balancers,
        block=block,
        mirrored=True,
    )


def _of_block(block: int) -> Addressing:
    # Services come first: the mirror of such an address is the address itself.
    return Addressing(
        services=IPv4Network(f"127.{block}.0.0/18"),
        nodes=IPv4Network(f"127.{block}.64.0/24"),
        load_balancers=(IPv4Address(f"127.{block}.64.240"), IPv4Address(f"127.{block}.64.250")),
        pods=IPv4Network(f"127.{block}.128.0/17"),
        block=block,
        mirrored=False,
    )

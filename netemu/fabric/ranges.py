"""Fills in an instance's addressing: the ranges it was given, or parts of its loopback block."""

from ipaddress import IPv4Address, IPv4Network

from msgspec.structs import replace

from netemu.config.settings import NetMode, NetworkSettings
from netemu.model.addressing import Addressing

SMALLEST_NODE_PREFIX = 29
"""A node's share of the pod range must have room for a few pods."""


def addressing(mode: NetMode, network: NetworkSettings, nodes: int, block: int) -> Addressing:
    """The ranges of an instance with that many nodes; without an uplink so far.

    Raises ValueError when the pod range is too small for the nodes.
    """
    ranges = _of_block(block) if mode is NetMode.LOOPBACK else _of_settings(network, block)
    prefix = max(24, ranges.pods.prefixlen + max(4, (nodes - 1).bit_length()))
    if prefix > SMALLEST_NODE_PREFIX:
        raise ValueError(f"network.pods: {ranges.pods} is too small for {nodes} nodes")
    return replace(ranges, node_prefix=prefix)


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

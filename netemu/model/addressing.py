"""Which address means what: the cluster's ranges, and where the host finds a cluster address."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

from msgspec import Struct

IpAddress: TypeAlias = IPv4Address | IPv6Address
IpNetwork: TypeAlias = IPv4Network | IPv6Network


def family_of(address: str) -> str:
    """The family of an address, as Services and EndpointSlices call it."""
    return "IPv6" if ":" in address else "IPv4"


def canonical(address: str) -> str:
    """The one way to write an address by which sockets tell it (RFC 5952); what is none stays."""
    if ":" not in address:
        return _without_zeros(address)
    try:
        return str(IPv6Address(address))
    except ValueError:
        return address


def _without_zeros(address: str) -> str:
    """Leading zeros mean nothing (upstream takes them so since CVE-2021-29923)."""
    parts = address.split(".")
    if not any(part[:1] == "0" and len(part) > 1 for part in parts):
        return address
    return ".".join(part.lstrip("0") or "0" for part in parts)


class Addressing(Struct, frozen=True, kw_only=True):
    """The ranges of one instance, fixed while it runs: those of its primary address family, and
    with dual stack those of the other one below `secondary`.
    """

    services: IpNetwork
    pods: IpNetwork
    nodes: IpNetwork
    """Node n (from 1) has address nodes + 10 + n; the control plane has nodes + 10."""
    load_balancers: tuple[IpAddress, IpAddress]
    """First and last address of the default pool."""
    block: int
    """B: 127.B.0.0/16 belongs to this instance, on the host's loopback."""
    mirrored: bool
    """The host doesn't reach these addresses; clients there reach Services at 127.B.x.y instead."""
    node_prefix: int = 24
    """Prefix length of one node's share of the pod range; longer when the range is small."""
    secondary: "Addressing | None" = None
    """The ranges of the other family; None with a single stack."""

    @property
    def family(self) -> str:
        """The family of these ranges: IPv4 or IPv6."""
        return f"IPv{self.services.version}"

    @property
    def families(self) -> "tuple[Addressing, ...]":
        """The ranges of every family the cluster has, the primary one first."""
        return (self,) if self.secondary is None else (self, self.secondary)

    def of(self, family: str) -> "Addressing | None":
        """The ranges of a family; None if the cluster hasn't got it."""
        if self.family == family:
            return self
        other = self.secondary
        return other if other is not None and other.family == family else None

    @property
    def api(self) -> str:
        """The virtual IP of default/kubernetes: the first of the range."""
        return str(self.services[1])

    @property
    def dns(self) -> str:
        """The virtual IP of the cluster DNS: the tenth, as everywhere."""
        return str(self.services[10])

    @property
    def control_plane(self) -> str:
        """Where the API listens inside the cluster's network."""
        return str(self.nodes[10])

    def node(self, number: int) -> str:
        """The address of the node with that number, counted from 1."""
        return str(self.nodes[10 + number])

    def node_here(self, address: str, family: str) -> str:
        """The address of a family that the node has which has `address`, of any; "" if none."""
        here = self.of(family)
        for ranges in self.families if here is not None else ():
            found = ip_address(address)
            if found.version == ranges.nodes.version and found in ranges.nodes:
                number = int(found) - int(ranges.nodes.network_address)
                return str(here.nodes[number]) if here is not None else ""
        return ""

    def pod_range(self, number: int) -> IpNetwork:
        """The /24 (or what fits a smaller range) from which that node's pods get addresses; of IPv6
        a /64, as a cluster's nodes get.
        """
        new_prefix = max(self.node_prefix, self.pods.prefixlen + 4)
        size = 2 ** (self.pods.max_prefixlen - new_prefix)
        return type(self.pods)((int(self.pods.network_address) + (number - 1) * size, new_prefix))

    def has(self, address: str) -> bool:
        """Whether it is a Service's, a node's or a pod's: of the cluster itself."""
        ranges = self.of(family_of(address))
        try:
            ip = ip_address(address)
        except ValueError:
            return False
        if ranges is None:
            return False
        return ip in ranges.services or ip in ranges.nodes or ip in ranges.pods

    def mirror(self, address: str) -> str | None:
        """Where a host client reaches a Service's address; None when it has no mirror.

        The mirror is 127.B plus the low 16 bits, so addresses past the range's first /16 have none
        (netemu picks none there; a manifest may); nor has one of IPv6, of whose loopback there is
        but one address.
        """
        ranges = self.of("IPv4")
        if ranges is None:
            return None
        services = ranges.services
        try:
            offset = int(IPv4Address(address)) - int(services.network_address)
        except ValueError:
            return None
        if not 0 < offset < min(2**16 - 2, services.num_addresses):
            return None
        return f"127.{self.block}.{offset >> 8}.{offset & 255}"

    def host_view(self, address: str) -> str:
        """What DNS tells a host client for a cluster address; "" for one of IPv6 that the host
        doesn't reach, so that nobody waits for it who could use IPv4.
        """
        ranges = self.of(family_of(address))
        if ranges is None or not ranges.mirrored:
            return address
        return "" if ranges.services.version == 6 else self.mirror(address) or address

    def cluster_view(self, address: str) -> str:
        """The cluster address a host client means by `address`; the inverse of `host_view`."""
        ranges = self.of("IPv4")
        ours = address.startswith(f"127.{self.block}.")
        if ranges is None or not ranges.mirrored or not ours:
            return address
        services = ranges.services
        meant = services.network_address + (int(IPv4Address(address)) & 0xFFFF)
        return str(meant) if self.mirror(str(meant)) == address else address

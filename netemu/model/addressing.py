"""Which address means what: the cluster's ranges, and where the host finds a cluster address."""

from ipaddress import IPv4Address, IPv4Network

from msgspec import Struct


class Addressing(Struct, frozen=True, kw_only=True):
    """The ranges of one instance, fixed while it runs."""

    services: IPv4Network
    pods: IPv4Network
    nodes: IPv4Network
    """Node n (from 1) has address nodes + 10 + n; the control plane has nodes + 10."""
    load_balancers: tuple[IPv4Address, IPv4Address]
    """First and last address of the default pool."""
    block: int
    """B: 127.B.0.0/16 belongs to this instance, on the host's loopback."""
    mirrored: bool
    """Host clients reach Services at 127.B.x.y instead of their own address."""
    node_prefix: int = 24
    """Prefix length of one node's share of the pod range; longer when the range is small."""

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

    def pod_range(self, number: int) -> IPv4Network:
        """The /24 (or what fits a smaller range) from which that node's pods get addresses."""
        new_prefix = max(self.node_prefix, self.pods.prefixlen + 4)
        size = 2 ** (32 - new_prefix)
        return IPv4Network((int(self.pods.network_address) + (number - 1) * size, new_prefix))

    def has(self, address: str) -> bool:
        """Whether it is a Service's, a node's or a pod's: of the cluster itself."""
        try:
            ip = IPv4Address(address)
        except ValueError:
            return False
        return ip in self.services or ip in self.nodes or ip in self.pods

    def mirror(self, address: str) -> str | None:
        """Where a host client reaches a Service's address; None when it has no mirror.

        The mirror is 127.B plus the low 16 bits, so addresses past the range's first /16 have none
        (netemu picks none there; a manifest may).
        """
        try:
            offset = int(IPv4Address(address)) - int(self.services.network_address)
        except ValueError:
            return None
        if not 0 < offset < min(2**16 - 2, self.services.num_addresses):
            return None
        return f"127.{self.block}.{offset >> 8}.{offset & 255}"

    def host_view(self, address: str) -> str:
        """What DNS tells a host client for a cluster address."""
        return (self.mirror(address) or address) if self.mirrored else address

    def cluster_view(self, address: str) -> str:
        """The cluster address a host client means by `address`; the inverse of `host_view`."""
        if not self.mirrored or not address.startswith(f"127.{self.block}."):
            return address
        meant = self.services.network_address + (int(IPv4Address(address)) & 0xFFFF)
        return str(meant) if self.mirror(str(meant)) == address else address

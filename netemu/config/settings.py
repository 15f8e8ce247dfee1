"""Every setting, once: frozen, checked when made, handed to components slice by slice."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path

EVICTION_SECONDS = 300
"""Upstream's --default-unreachable-toleration-seconds, and the same for nodes that aren't ready."""


class NetMode(StrEnum):
    """How much of the machine netemu may use; `auto` takes the first that works."""

    AUTO = "auto"
    ROOT = "root"
    ROOTLESS = "rootless"
    LOOPBACK = "loopback"


class IpFamily(StrEnum):
    """A family of addresses, as Services call it."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"


class ProxyMode(StrEnum):
    """Who carries Services' traffic."""

    USERSPACE = "userspace"
    """The daemon relays it: what happens can be seen, weighed and disturbed."""
    NFTABLES = "nftables"
    """The kernel translates addresses."""
    AUTO = "auto"
    """The kernel, for every Service that needs nothing only the daemon can do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """The object store."""

    history: int = 10_000
    """Events kept for watches that resume; older versions get 410 Expired."""
    watch_queue: int = 10_000
    """Events that may wait for one watcher before it is cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSettings:
    """The cluster's address ranges."""

    ip_families: tuple[IpFamily, ...] = (IpFamily.IPV4,)
    """One of IPv4 and IPv6, or both, the primary one first; a single stack unless told otherwise,
    as kubeadm and kind have it. IPv6 needs namespaces: there is none in loopback mode."""
    services: IPv4Network = IPv4Network("10.96.0.0/12")
    """Virtual IPs."""
    pods: IPv4Network = IPv4Network("10.244.0.0/16")
    """Pod addresses; each node gets a /24 of it."""
    nodes: IPv4Network = IPv4Network("172.30.0.0/24")
    """Node addresses, from .11."""
    load_balancers: tuple[IPv4Address, IPv4Address] = (
        IPv4Address("172.30.0.240"),
        IPv4Address("172.30.0.250"),
    )
    """First and last address of the default pool."""
    services6: IPv6Network = IPv6Network("fd00:10:96::/112")
    """Virtual IPs of IPv6; kind's range, and so are the pods'."""
    pods6: IPv6Network = IPv6Network("fd00:10:244::/56")
    """Pod addresses of IPv6; each node gets a /64 of it."""
    nodes6: IPv6Network = IPv6Network("fd00:172:30::/64")
    """Node addresses of IPv6, from ::b."""
    load_balancers6: tuple[IPv6Address, IPv6Address] = (
        IPv6Address("fd00:172:30::f0"),
        IPv6Address("fd00:172:30::fa"),
    )
    """First and last address of the default pool of IPv6."""
    node_ports: tuple[int, int] = (30000, 32767)
    """First and last port of the NodePort range."""
    vpc_native: bool = False
    """Pods have addresses of the network the nodes stand in: who stands there reaches them."""

    def __post_init__(self) -> None:
        if not 0 < self.node_ports[0] <= self.node_ports[1] < 65536:
            raise ValueError("network.nodePorts must be two ports, the lower first")
        if not self.ip_families or len({*self.ip_families}) < len(self.ip_families):
            raise ValueError("network.ipFamilies must be IPv4, IPv6, or each of them once")
        _disjoint({"services": self.services, "pods": self.pods, "nodes": self.nodes})
        if IpFamily.IPV6 in self.ip_families:
            _disjoint({"services6": self.services6, "pods6": self.pods6, "nodes6": self.nodes6})


def _disjoint(ranges: Mapping[str, IPv4Network] | Mapping[str, IPv6Network]) -> None:
    names = list(ranges)
    for number, name in enumerate(names):
        for other in names[number + 1 :]:
            if ranges[name].overlaps(ranges[other]):
                raise ValueError(f"network.{name} and network.{other} overlap")


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsSettings:
    """The cluster DNS."""

    zone: str = "cluster.local"
    """The cluster domain."""
    ttl: int = 5
    """Seconds an answer may be cached (CoreDNS' own default; kubeadm sets 30)."""
    port: int | None = None
    """Port on the host's 127.0.0.1; None: 53 as root, 1053 otherwise, another if those are taken.
    """
    forward: str = "/etc/resolv.conf"
    """Servers to ask for names of others: ADDRESS or ADDRESS:PORT of either family (IPv6 in
    brackets before a port), tls://ADDRESS%NAME or https://ADDRESS%NAME for DNS over TLS or HTTPS,
    or a file like /etc/resolv.conf with some, separated by blanks; empty: such names are refused.
    """
    policy: str = "random"
    """Which of those is asked first: random, round_robin or sequential."""
    max_concurrent: int = 1000
    """Questions waiting for other servers at once; more are refused (kubeadm's bound)."""
    cache: int = 30
    """Seconds that answers of others are kept at most (kubeadm's choice); 0: not at all."""
    stub_domains: Mapping[str, str] = field(default_factory=dict)
    """Domains with servers of their own, written as in `forward`."""
    hosts: Mapping[str, str] = field(default_factory=dict)
    """Static names with their addresses, separated by blanks; they come before the cluster's."""
    ttls: Mapping[str, int] = field(default_factory=dict)
    """Seconds for single names and all below them, instead of `ttl`."""
    pods: str = "insecure"
    """Names of pods by address: disabled, insecure (any address; kubeadm's choice) or verified."""
    autopath: bool = False
    """Whether the server walks a pod's search list itself, to spare it queries."""
    order: str = "random"
    """Of several addresses: random, rotate (each answer begins with the next) or keep."""
    seed: int | None = None
    """For the same random order in each run."""
    transfer: str = ""
    """Who may have the whole zone (AXFR): addresses separated by blanks, or *; empty: nobody."""
    corefile: Path | None = None
    """A Corefile to use instead of all of the above but `zone` and `port`."""
    workers: int = 1
    """Processes that answer over UDP, each on a core of its own; more than one costs some 40 MB
    each, and pays only past what one core answers."""

    def __post_init__(self) -> None:
        if not 0 <= self.ttl <= 3600:
            raise ValueError(f"dns.ttl must be within 0..3600, not {self.ttl}")
        if self.port is not None and not 0 <= self.port < 65536:
            raise ValueError(f"dns.port must be a port, not {self.port}")
        if not 1 <= self.workers <= 64:
            raise ValueError(f"dns.workers must be within 1..64, not {self.workers}")
        _one_of("dns.policy", self.policy, "random", "round_robin", "sequential")
        _one_of("dns.pods", self.pods, "disabled", "insecure", "verified")
        _one_of("dns.order", self.order, "random", "rotate", "keep")
        for text in (self.zone, *self.stub_domains, *self.hosts, *self.ttls):
            if re.fullmatch(r"[\w-]+(\.[\w-]+)*\.?", text, re.ASCII) is None:
                raise ValueError(f"dns: {text!r} is no domain name")
        for word in (word for words in self.hosts.values() for word in words.split()):
            ip_address(word)
        for name, servers in {"forward": self.forward, **self.stub_domains}.items():
            for word in servers.split():
                _check_server(f"dns.{name}", word)


def _one_of(name: str, value: str, *known: str) -> None:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, not {value!r}")


def _check_server(name: str, word: str) -> None:
    if word.startswith("/"):
        return
    plain = re.sub(r"%[^:\]]+", "", re.sub("^(tls|https)://", "", word))
    found = re.fullmatch(r"\[(.+)\](?::(\d+))?|([^:]+)(?::(\d+))?|(.+)", plain)
    address, port = (found[1] or found[3] or found[5], found[2] or found[4]) if found else ("", "")
    try:
        ip_address(address)
        if not 0 < int(port or 53) < 65536:
            raise ValueError(port)
    except ValueError as error:
        raise ValueError(f"{name}: {word!r} is no ADDRESS, ADDRESS:PORT or file") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """The Kubernetes API."""

    port: int = 0
    """Port on the host's 127.0.0.1; 0: the one used last time, else any."""
    body_limit: int = 3 * 1024 * 1024
    """Bytes of a request body (what a cluster takes)."""
    eviction_seconds: int = EVICTION_SECONDS
    """Seconds a pod stays on a node that is lost, where it doesn't say itself."""

    def __post_init__(self) -> None:
        if self.eviction_seconds < 0:
            raise ValueError(f"api.evictionSeconds may not be negative: {self.eviction_seconds}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """Emulated nodes and the pods on them."""

    count: int = 2
    """How many nodes there are."""
    stop_seconds: float = 3.0
    """Longest grace period a pod gets when the whole cluster goes down."""
    log_limit: int = 10 * 1024 * 1024
    """Bytes of one container's log before it is rotated (the kubelet's default)."""
    lease_seconds: float = 10.0
    """Between renewals of a node's Lease (the kubelet's own pace)."""
    lease_duration: int = 40
    """Seconds after which a Lease that wasn't renewed means a lost node (the kubelet's default)."""
    status_seconds: float = 300.0
    """Between heartbeats in a node's conditions while nothing changes (the kubelet's default)."""

    def __post_init__(self) -> None:
        if not 1 <= self.count <= 200:
            raise ValueError(f"nodes must be within 1..200, not {self.count}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """The service proxy."""

    mode: ProxyMode = ProxyMode.USERSPACE
    """At the start; `netemu proxy mode` changes it while the cluster runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerSettings:
    """The control loops."""

    endpoints_per_slice: int = 100
    """Endpoints in one EndpointSlice at most (upstream's default; it allows up to 1000)."""
    lost_node_seconds: float = 1.0
    """Seconds a pod stays on a node that no longer exists before it is deleted. Upstream waits 40,
    for nodes that come and go; netemu's nodes don't.
    """
    node_grace_seconds: float = 50.0
    """Seconds without a word from a node after which it is Unknown (upstream's since 1.32)."""
    autoscaling_seconds: float = 15.0
    """Seconds between looks at what an autoscaler's pods use (upstream's)."""
    job_backoff_seconds: float = 10.0
    """Seconds before a Job's failed pod is replaced; they double with each failure (upstream's)."""
    job_backoff_limit_seconds: float = 600.0
    """Seconds that this wait may grow to (upstream's)."""

    def __post_init__(self) -> None:
        if not 1 <= self.endpoints_per_slice <= 1000:
            raise ValueError(
                "controllers.endpointsPerSlice must be within 1..1000, "
                f"not {self.endpoints_per_slice}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One instance."""

    name: str = "default"
    """Which instance; its own state folder, addresses and ports."""
    state_dir: Path
    """Where instances keep their state, one folder each."""
    net: NetMode = NetMode.AUTO
    network: NetworkSettings = field(default_factory=NetworkSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    dns: DnsSettings = field(default_factory=DnsSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    node: NodeSettings = field(default_factory=NodeSettings)
    controllers: ControllerSettings = field(default_factory=ControllerSettings)
    proxy: ProxySettings = field(default_factory=ProxySettings)
    images: Path | None = None
    """A file of the user's own image map."""

    @property
    def home(self) -> Path:
        """This instance's folder."""
        return self.state_dir / self.name

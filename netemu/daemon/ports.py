"""The ports of an instance: where its API and its DNS listen, on the host and inside the cluster.

All are bound before anything is served, so what asks early waits in a queue instead of being
refused.
"""

import re
import socket
from contextlib import suppress

from msgspec import Struct

from netemu.config.settings import Settings
from netemu.daemon.home import Home
from netemu.dns.pages import HEALTH_PORT, METRICS_PORT, READY_PORT
from netemu.dns.server import DnsListener
from netemu.node.spawner.launch import Launched

LOOPBACK = "127.0.0.1"
API_PORT = 6443
"""Where the API listens inside the cluster's network."""
DNS_PORT = 53
"""Where DNS listens inside; and on the host, for root, when it is free."""
HOST_DNS_PORTS = (1053, *[0] * 16)
"""Other ports for DNS on the host, in order of preference; 0 is any, and as UDP and TCP must both
get it, it takes more than one try now and then."""


class PortTaken(Exception):
    """A port that was asked for can't be had; the message says which and why."""


class Ports(Struct, frozen=True):
    """Bound sockets."""

    api: list[socket.socket]
    """The host's first."""
    dns: list[DnsListener]
    """The host's first."""
    web_proxy: socket.socket | None
    """In loopback mode, for commands that share the host's resolver."""
    dns_pages: dict[str, socket.socket]
    """What CoreDNS serves beside DNS, at the address of the DNS Service."""

    @property
    def api_url(self) -> str:
        """Where clients on the host find the API."""
        return f"https://{LOOPBACK}:{self.api[0].getsockname()[1]}"

    @property
    def resolver_address(self) -> str:
        """Where clients on the host ask at port 53; "" if nowhere."""
        for listener in self.dns:
            address, port = listener.udp.getsockname()[:2]
            if port == DNS_PORT and address.startswith("127."):
                return str(address)
        return ""

    @property
    def dns_address(self) -> str:
        """Where clients on the host ask, as host:port."""
        return f"{LOOPBACK}:{self.dns[0].udp.getsockname()[1]}"


def open_ports(settings: Settings, home: Home, launched: Launched) -> Ports:
    """Bind them all. Raises PortTaken."""
    inside = launched.cluster.listen(launched.addressing.control_plane, API_PORT)
    web_proxy = None
    if not launched.runtime.isolated:
        web_proxy = launched.cluster.listen(launched.addressing.control_plane, 0)
    api = [_api(settings, home, launched), inside]
    return Ports(api, _dns(settings, launched), web_proxy, _dns_pages(launched))


def _api(settings: Settings, home: Home, launched: Launched) -> socket.socket:
    """The API's port on the host: the one asked for, else the one used last time, else any."""
    if settings.api.port:
        return _listen(launched, settings.api.port)
    try:
        used = re.search(rf"server: https://{LOOPBACK}:(\d+)", home.kubeconfig.read_text())
        if used is not None:
            return launched.host.listen(LOOPBACK, int(used[1]))
    except OSError:
        pass  # there was no last time, or somebody else has the port now
    return launched.host.listen(LOOPBACK, 0)


def _listen(launched: Launched, port: int) -> socket.socket:
    try:
        return launched.host.listen(LOOPBACK, port)
    except OSError as error:
        raise PortTaken(f"cannot listen on {LOOPBACK}:{port}: {error.strerror}") from error


def _dns(settings: Settings, launched: Launched) -> list[DnsListener]:
    """Where DNS is asked: on the host, and at the cluster's own address if that can be bound."""
    addressing = launched.addressing
    host = _host_dns(settings, launched)
    try:
        inside = [
            DnsListener(
                launched.cluster.bind_udp(ranges.dns, DNS_PORT),
                launched.cluster.listen(ranges.dns, DNS_PORT),
                connector=launched.cluster.connector,
            )
            for ranges in addressing.families
        ]
    except PermissionError:
        return [host]  # loopback mode as an ordinary user: there is no other network to bind it in
    return [host, *inside, *_mirrored_dns(launched)]


def _mirrored_dns(launched: Launched) -> list[DnsListener]:
    """Where the host reaches the DNS Service, as any other Service: port 53, the only one that a
    resolv.conf can name. Nowhere for ordinary users, or where somebody else has that port.
    """
    addressing = launched.addressing
    address = addressing.host_view(addressing.dns)
    if not address or address == addressing.dns:
        return []
    try:
        udp = launched.host.bind_udp(address, DNS_PORT)
    except OSError:
        return []
    try:
        tcp = launched.host.listen(address, DNS_PORT)
    except OSError:
        udp.close()
        return []
    return [_host_listener(launched, udp, tcp)]


def _dns_pages(launched: Launched) -> dict[str, socket.socket]:
    """Metrics, health and readiness; each only where its port is free."""
    wanted = {"metrics": METRICS_PORT, "health": HEALTH_PORT, "ready": READY_PORT}
    found: dict[str, socket.socket] = {}
    for name, port in wanted.items():
        with suppress(OSError):
            found[name] = launched.cluster.listen(launched.addressing.dns, port)
    return found


def _host_dns(settings: Settings, launched: Launched) -> DnsListener:
    wanted = settings.dns.port
    ports: tuple[int, ...] = HOST_DNS_PORTS if wanted is None else (wanted,)
    if wanted is None and launched.uplink:
        ports = (DNS_PORT, *ports)
    last: OSError | None = None
    for port in ports:
        try:
            udp = launched.host.bind_udp(LOOPBACK, port)
            try:
                tcp = launched.host.listen(LOOPBACK, udp.getsockname()[1])
            except OSError:
                udp.close()
                raise
        except OSError as error:
            last = error
            continue
        return _host_listener(launched, udp, tcp)
    assert last is not None
    raise PortTaken(f"cannot listen on {LOOPBACK}:{ports[0]} for DNS: {last.strerror}")


def _host_listener(launched: Launched, udp: socket.socket, tcp: socket.socket) -> DnsListener:
    addressing, connector = launched.addressing, launched.host.connector
    if not any(ranges.mirrored for ranges in addressing.families):
        return DnsListener(udp, tcp, connector=connector)
    return DnsListener(udp, tcp, addressing.host_view, addressing.cluster_view, connector)

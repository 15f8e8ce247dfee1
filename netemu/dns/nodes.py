"""What exists at a name: found in the snapshot for a target, whatever type was asked.

The rules are those of the Kubernetes DNS specification 1.1.0 and of CoreDNS' ``kubernetes``
plugin. A name that exists without records of the asked type is still a `Node` (NODATA); None
means there is no such name (NXDOMAIN).
"""

from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import assert_never

from msgspec import Struct

from netemu.dns.domain import Domain, PodNames
from netemu.dns.names import (
    EndpointName,
    Fixed,
    NamespaceName,
    PodName,
    PortName,
    ReverseName,
    ServiceName,
    Target,
    ZonalName,
)
from netemu.dns.reading import Reading
from netemu.dns.records import Name, name_from
from netemu.model.meta import Key
from netemu.model.service import Endpoint, EndpointPort, EndpointSlice, ServicePort, ServiceType
from netemu.model.snapshot import ServiceEntry

DNS_SERVICE: Key = ("kube-system", "kube-dns")
"""The Service of the cluster DNS, by the name it has in every cluster."""

SCHEMA_VERSION = "1.1.0"


def same(address: str) -> str:
    """The view of clients inside the cluster."""
    return address


class View(Struct, frozen=True, kw_only=True):
    """How the clients of one listener see the cluster's addresses."""

    shown: Callable[[str], str] = same
    """What such a client is told for a cluster address."""
    meant: Callable[[str], str] = same
    """The cluster address that such a client means; the inverse of `shown`."""
    own: tuple[str, ...] = ()
    """Where the server itself listens: the name server's address without a DNS Service."""


class Place(Struct, frozen=True):
    """A port at an address, and the name by which an SRV record points there."""

    target: Name
    address: str
    port: int


class Node(Struct, frozen=True, kw_only=True):
    """What exists at one name."""

    addresses: tuple[str, ...] = ()
    """Of both families, each once."""
    places: tuple[Place, ...] = ()
    alias: Name = ()
    """Where an ExternalName Service points."""
    names: tuple[Name, ...] = ()
    """What a reverse name points at."""
    text: str = ""
    apex: bool = False


NO_DATA = Node()


class Finder(Struct, frozen=True):
    """Finds nodes for one question."""

    reading: Reading
    domain: Domain
    view: View

    def find(self, target: Target) -> Node | None:
        """What is at `target`."""
        match target:
            case Fixed():
                return self._fixed(target)
            case NamespaceName(namespace):
                return NO_DATA if self._has_namespace(namespace) else None
            case ServiceName(key):
                return self._service(key)
            case EndpointName(key, host):
                return self._endpoint(key, host)
            case PortName(key, port, protocol):
                return self._port(key, port, protocol)
            case ZonalName(key, zone, anywhere):
                return self._zonal(key, zone, anywhere=anywhere)
            case PodName(namespace, address):
                known = self._has_pod(namespace, address)
                return Node(addresses=(address,)) if known else None
            case ReverseName(address):
                return self._reverse(self.view.meant(address))
        assert_never(target)

    def name_server(self) -> tuple[Name, tuple[str, ...]]:
        """The name and addresses of the zone's name server."""
        entry = self.reading.service(DNS_SERVICE)
        if entry is None or not entry.service.cluster_ips:
            return (b"ns", b"dns", *self.domain.zone), self.view.own
        return self._name(DNS_SERVICE), self._shown(entry.service.cluster_ips)

    def _has_namespace(self, name: str) -> bool:
        hidden = self.domain.hides(name, self.reading.labels)
        return not hidden and self.reading.has_namespace(name)

    def _has_pod(self, namespace: str, address: str) -> bool:
        match self.domain.pods:
            case PodNames.DISABLED:
                return False
            case PodNames.INSECURE:
                return self._has_namespace(namespace)
            case PodNames.VERIFIED:
                pod = self.reading.pod(address)
                return pod is not None and pod.namespace == namespace

    def _entry(self, key: Key) -> ServiceEntry | None:
        hidden = self.domain.hides_service(key, self.reading.labels)
        return None if hidden else self.reading.service(key)

    def _fixed(self, target: Fixed) -> Node | None:
        match target:
            case Fixed.APEX:
                return Node(apex=True)
            case Fixed.EMPTY:
                return NO_DATA
            case Fixed.VERSION:
                return Node(text=SCHEMA_VERSION)
            case Fixed.NAME_SERVER:
                return Node(addresses=self.name_server()[1])
            case Fixed.MISSING:
                return None
        assert_never(target)

    def _service(self, key: Key) -> Node | None:
        entry = self._entry(key)
        if entry is None:
            return None
        service = entry.service
        if service.type is ServiceType.EXTERNAL_NAME:
            alias = _alias(service.external_name)
            return Node(alias=alias) if alias else None
        if not service.headless:
            hidden = self.domain.ignore_empty and not any(self.domain.ready(entry))
            return None if hidden else self._virtual(entry, service.ports)
        # Nobody ready: NXDOMAIN, as CoreDNS; an empty NOERROR would be cached as "no such family".
        ready = list(self.domain.ready(entry))
        return self._headless(key, ready, _any_port) if ready else None

    def _port(self, key: Key, port: str, protocol: str) -> Node | None:
        entry = self._entry(key)
        if entry is None or entry.service.type is ServiceType.EXTERNAL_NAME:
            return None

        def asked(candidate: ServicePort | EndpointPort) -> bool:
            named = candidate.name.lower() == port if port else bool(candidate.name)
            return named and candidate.protocol.lower() == protocol

        if entry.service.headless:
            node = self._headless(key, list(self.domain.ready(entry)), asked)
        else:
            node = self._virtual(entry, [item for item in entry.service.ports if asked(item)])
        if not node.places:
            return None
        # An SRV name has no addresses, and `_tcp.SVC` nothing at all (CoreDNS answers both).
        return Node(places=node.places) if port else NO_DATA

    def _endpoint(self, key: Key, host: str) -> Node | None:
        """Also below Services with a virtual IP: an extension of CoreDNS that people rely on."""
        entry = self._entry(key)
        if entry is None or entry.service.type is ServiceType.EXTERNAL_NAME:
            return None
        asked = [item for item in self.domain.ready(entry) if self.domain.host(item[1]) == host]
        return self._headless(key, asked, _any_port) if asked else None

    def _zonal(self, key: Key, zone: str, *, anywhere: bool) -> Node | None:
        """The endpoints of a headless Service in one topology zone; if there is none, `anywhere`
        has all of them, else there is no data.
        """
        entry = self._entry(key) if self.domain.zonal else None
        if entry is None or not entry.service.headless:
            return None
        ready = list(self.domain.ready(entry))
        near = [item for item in ready if item[1].zone.lower() == zone]
        return self._headless(key, near or (ready if anywhere else []), _any_port)

    def _virtual(self, entry: ServiceEntry, ports: Iterable[ServicePort]) -> Node:
        addresses = self._shown(entry.service.cluster_ips)
        target = self._name(entry.service.key)
        places = tuple(Place(target, ip, item.port) for item in ports for ip in addresses)
        return Node(addresses=addresses, places=places)

    def _headless(
        self,
        key: Key,
        ready: list[tuple[EndpointSlice, Endpoint]],
        asked: Callable[[EndpointPort], bool],
    ) -> Node:
        service = self._name(key)
        places = tuple(
            Place(
                (self.domain.host(endpoint).encode(), *service),
                address,
                port.port,
            )
            for part, endpoint in ready
            for port in part.ports
            if asked(port) and (address := self.view.shown(endpoint.address))
        )
        return Node(addresses=self._shown(endpoint.address for _, endpoint in ready), places=places)

    def _reverse(self, address: str) -> Node | None:
        keys = self.reading.owners(address)
        entries = [entry for entry in map(self._entry, keys) if entry is not None]
        for entry in entries:
            if address in entry.service.cluster_ips:
                return Node(names=(self._name(entry.service.key),))
        names = dict.fromkeys(
            (self.domain.host(endpoint).encode(), *self._name(entry.service.key))
            for entry in entries
            for _, endpoint in self.domain.ready(entry)
            if endpoint.address == address
        )
        return Node(names=tuple(names)) if names else None

    def _name(self, key: Key) -> Name:
        namespace, service = key
        return (service.encode(), namespace.encode(), b"svc", *self.domain.zone)

    def _shown(self, addresses: Iterable[str]) -> tuple[str, ...]:
        """Each once, in order; those that the client can't reach are left out."""
        return tuple(filter(None, dict.fromkeys(map(self.view.shown, addresses))))


def _any_port(port: EndpointPort) -> bool:
    return bool(port.port)


def _alias(text: str) -> Name:
    """An address isn't a name: CoreDNS denies such a Service rather than make a record of it."""
    try:
        ip_address(text)
    except ValueError:
        try:
            return name_from(text)
        except ValueError:  # the API refuses such names
            return ()
    return ()

"""What the server is told about its zone: which names of the cluster exist, and for how long."""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

from msgspec import Struct

from netemu.dns.names import IN_ADDR, IP6, dashed
from netemu.dns.records import LONGEST_LABEL, Name
from netemu.model import selector
from netemu.model.meta import Key
from netemu.model.service import Endpoint, EndpointSlice
from netemu.model.snapshot import ServiceEntry


class PodNames(StrEnum):
    """Which names of pods exist."""

    DISABLED = "disabled"
    INSECURE = "insecure"
    """Whatever looks like an address, in a namespace that exists (kubeadm's choice)."""
    VERIFIED = "verified"
    """Addresses of pods in that namespace that haven't ended."""


class Domain(Struct, frozen=True):
    """What the server is told about its zone; the names are CoreDNS' options."""

    zone: Name
    ttl: int
    pods: PodNames = PodNames.INSECURE
    reverse: tuple[Name, ...] = (IN_ADDR, IP6)
    namespaces: frozenset[str] = frozenset()
    """Only these exist; empty: all."""
    endpoints: bool = True
    """False: ``noendpoints``."""
    ignore_empty: bool = False
    """``ignore empty_service``: without ready endpoints a Service doesn't exist."""
    pod_names: bool = False
    """``endpoint_pod_names``: endpoints without hostname go by the names of their pods."""
    labels: selector.Selector = selector.EVERYTHING
    """Only Services with such labels exist."""
    namespace_labels: selector.Selector = selector.EVERYTHING
    """Only namespaces with such labels exist."""
    zonal: bool = False
    """Whether headless Services have names by topology zone, too."""

    def hides(self, namespace: str, labels: Callable[[Key], Mapping[str, str]]) -> bool:
        """Whether nothing in `namespace` is told; `labels` gives those of an object."""
        if self.namespaces and namespace not in self.namespaces:
            return True
        wanted = self.namespace_labels
        return bool(wanted) and not selector.matches(wanted, labels(("", namespace)))

    def hides_service(self, key: Key, labels: Callable[[Key], Mapping[str, str]]) -> bool:
        """Whether a Service isn't told of."""
        if self.hides(key[0], labels):
            return True
        return bool(self.labels) and not selector.matches(self.labels, labels(key))

    def host(self, endpoint: Endpoint) -> str:
        """The label of an endpoint below its Service."""
        if endpoint.hostname:
            return endpoint.hostname.lower()
        if self.pod_names and endpoint.target and len(endpoint.target[1]) <= LONGEST_LABEL:
            return endpoint.target[1]
        return dashed(endpoint.address)

    def ready(self, entry: ServiceEntry) -> Iterator[tuple[EndpointSlice, Endpoint]]:
        """Serving and terminating do not matter to DNS; a Service that publishes not-ready
        addresses has them as ready in its slices already.
        """
        for part in entry.slices if self.endpoints else ():
            if part.family != "FQDN":  # deprecated, and no address anyway
                for endpoint in part.endpoints:
                    if endpoint.ready:
                        yield part, endpoint

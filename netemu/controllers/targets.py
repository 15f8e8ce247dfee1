"""Which pods stand behind a Service and what they offer: the rules that Endpoints and
EndpointSlices share.

Rules 21-28 of the Service semantics; upstream: k8s.io/endpointslice/util and utils.go.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import ip_address

from msgspec import Struct

from netemu.controllers.index import Index
from netemu.controllers.pods import has_ended, is_ready, ready_since
from netemu.model import resources
from netemu.model.client import Change, Client
from netemu.model.meta import Key, Object, is_deleting, key_of, labels_of, name_of, namespace_of
from netemu.model.meta import uid_of as uid

ZONE = "topology.kubernetes.io/zone"
SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror"
TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"


class Port(Struct, frozen=True):
    """One port of a Service as one pod offers it."""

    name: str
    protocol: str
    number: int
    app_protocol: str | None = None


class Target(Struct, frozen=True, kw_only=True):
    """A pod behind a Service."""

    addresses: tuple[str, ...]
    ports: tuple[Port, ...]
    """Without those that the pod doesn't have."""
    serving: bool
    terminating: bool
    since: float
    """When its readiness last changed, in seconds since the epoch."""
    node: str
    hostname: str
    namespace: str
    name: str
    uid: str


def selector_of(service: Object) -> Mapping[str, str] | None:
    """What the Service selects; None: its endpoints are not ours to make."""
    spec = service["spec"]
    if spec.get("type") == "ExternalName":
        return None
    return spec.get("selector") or None


def is_headless(service: Object) -> bool:
    """Whether it has no virtual IP."""
    return service["spec"].get("clusterIP") in (None, "", "None")


def publishes_not_ready(service: Object) -> bool:
    """Whether pods are published regardless of their readiness."""
    return bool(service["spec"].get("publishNotReadyAddresses"))


def target_from(service: Object, pod: Object) -> Target | None:
    """Shrink a pod behind a Service; None if it cannot stand in endpoints: without an address, or
    ended (rule 22).
    """
    addresses = _addresses(pod)
    return _target(service, pod, addresses) if addresses and not has_ended(pod) else None


def _addresses(pod: Object) -> tuple[str, ...]:
    status = pod.get("status") or {}
    every = tuple(item["ip"] for item in status.get("podIPs") or () if item.get("ip"))
    return every or ((status["podIP"],) if status.get("podIP") else ())


def _target(service: Object, pod: Object, addresses: tuple[str, ...]) -> Target:
    ports = (port_of(pod, port) for port in service["spec"].get("ports") or ())
    return Target(
        addresses=addresses,
        ports=tuple(port for port in ports if port is not None),
        serving=is_ready(pod),
        terminating=is_deleting(pod),
        since=ready_since(pod),
        node=pod["spec"].get("nodeName") or "",
        hostname=_hostname(service, pod),
        namespace=namespace_of(pod),
        name=name_of(pod),
        uid=uid(pod),
    )


def _hostname(service: Object, pod: Object) -> str:
    """Only a pod that names this Service as its subdomain has a name in it (rule 27)."""
    spec = pod["spec"]
    return spec.get("hostname") or "" if spec.get("subdomain") == name_of(service) else ""


def port_of(pod: Object, port: Object) -> Port | None:
    """A Service's port on this pod; None if its targetPort is a name the pod doesn't have."""
    wanted: int | str = port.get("targetPort") or port["port"]
    protocol = port.get("protocol", "TCP")
    number = _named(pod, wanted, protocol) if isinstance(wanted, str) else wanted
    if not number:
        return None
    return Port(port.get("name", ""), protocol, number, port.get("appProtocol"))


def _named(pod: Object, name: str, protocol: str) -> int | None:
    """Look a port up by name and protocol, in containers and then in restartable init containers
    (KEP-753).
    """
    spec = pod["spec"]
    sidecars = (c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always")
    for container in (*spec["containers"], *sidecars):
        for port in container.get("ports") or ():
            if port.get("name") == name and port.get("protocol", "TCP") == protocol:
                return int(port["containerPort"])
    return None


@lru_cache(maxsize=4096)
def family_of(address: str) -> str:
    """IPv4 or IPv6; "" for what is no address, so that it ends up nowhere."""
    try:
        return f"IPv{ip_address(address).version}"
    except ValueError:
        return ""


def families_of(service: Object) -> tuple[str, ...]:
    """The families for which a Service has endpoints (rule 20)."""
    families = service["spec"].get("ipFamilies")
    if families:
        return tuple(families)
    return ("IPv4",) if is_headless(service) else (family_of(service["spec"]["clusterIP"]),)


def target_reference(target: Target) -> Object:
    """The reference to the pod behind an address."""
    return {
        "kind": "Pod",
        "namespace": target.namespace,
        "name": target.name,
        "uid": target.uid,
    }


class PodsBehind:
    """Pods by label, so that a Service's pods are found without a look at all the others."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._pods = Index(client, _labelled)
        self._shrunk: dict[Key, tuple[Object, dict[str, tuple[Object, Target | None]]]] = {}

    def observe(self, change: Change) -> Iterable[Key]:
        """Follow a pod's change; the Services that select the pod, before or after it."""
        self._pods.observe(change)
        if change.old is not None and change.new is not None and _alike(change.old, change.new):
            return
        namespace = namespace_of(change.object)
        labels = [labels_of(pod).items() for pod in (change.old, change.new) if pod is not None]
        for service in self._client.list(resources.SERVICES, namespace):
            wanted = selector_of(service)
            if wanted and any(wanted.items() <= some for some in labels):
                yield key_of(service)

    def of(self, service: Object) -> list[Target]:
        """The pods behind a Service, in order of their names; what didn't change is not shrunk
        again.
        """
        key = key_of(service)
        known, before = self._shrunk.get(key, (None, {}))
        if known is not service:
            before = {}
        shrunk = {}
        for pod in self._selected(service):
            earlier = before.get(uid(pod))
            if earlier is None or earlier[0] is not pod:
                earlier = pod, target_from(service, pod)
            shrunk[uid(pod)] = earlier
        self._shrunk[key] = service, shrunk
        return [target for _, target in shrunk.values() if target is not None]

    def forget(self, key: Key) -> None:
        """A Service is gone."""
        self._shrunk.pop(key, None)

    def _selected(self, service: Object) -> list[Object]:
        wanted = selector_of(service)
        if not wanted:
            return []
        namespace = namespace_of(service)
        groups = ((namespace, key, value) for key, value in wanted.items())
        rarest = min(groups, key=self._pods.size)
        return [
            pod for pod in self._pods.objects(rarest) if wanted.items() <= labels_of(pod).items()
        ]


def _labelled(pod: Object) -> Iterable[tuple[str, str, str]]:
    namespace = namespace_of(pod)
    return ((namespace, key, value) for key, value in labels_of(pod).items())


def _alike(old: Object, new: Object) -> bool:
    """Whether a pod's change cannot be seen in any endpoints."""
    return _seen(old) == _seen(new)


def _seen(pod: Object) -> tuple[object, ...]:
    spec = pod["spec"]
    return (
        uid(pod),
        _addresses(pod),
        has_ended(pod),
        is_ready(pod),
        is_deleting(pod),
        spec.get("nodeName"),
        labels_of(pod),
    )

"""The proxy subresource: where a request for a pod, a Service or a node goes on to; pure.

Names may say more than a name: ``[scheme:]name[:port]`` (apimachinery's SplitSchemeNamePort; with
a scheme the port may be empty, ``https:web:``).
"""

import random
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from netemu.api.paths import Target
from netemu.model.errors import BadRequest, NotFound, ServiceUnavailable
from netemu.model.meta import Object
from netemu.model.resources import ENDPOINTS, NODES, PODS, SERVICES

KUBELET_PORT: Final = "10250"
"""What a node is asked at when nobody says otherwise."""

Lookup = Callable[[str, str, str], Object | None]
"""An object by resource, namespace and name."""


class Location(Struct, frozen=True):
    """Where to go on to."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """``host:port``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Kubelet(Struct, frozen=True):
    """A node's own API."""

    node: str


def split(kind: str, text: str) -> tuple[str, str, str]:
    """Scheme, name and port. Raises BadRequest."""
    parts = text.split(":")
    scheme, name, port = "", parts[0], ""
    if len(parts) == 2:
        name, port = parts
    elif len(parts) == 3:
        scheme, name, port = parts
    if len(parts) > 3 or not name or scheme not in ("", "http", "https"):
        raise BadRequest(f'invalid {kind} request "{text}"')
    return scheme, name, port


def location(target: Target, lookup: Lookup, rng: random.Random) -> Location | Kubelet:
    """Where the request goes on to. Raises BadRequest, NotFound, ServiceUnavailable."""
    kind = target.resource.singular
    scheme, name, port = split(kind, target.name or "")
    namespace = target.namespace or ""
    match target.resource.key:
        case "services":
            host, number = _endpoint(target.name or "", namespace, name, port, lookup, rng)
            return Location(scheme or "http", host, number)
        case "pods":
            host, number = _pod(_found(lookup, PODS, namespace, name), port)
            return Location(scheme or "http", host, number)
        case _:
            node = _found(lookup, NODES, "", name)
            if port in ("", KUBELET_PORT):
                return Kubelet(name)
            return Location(scheme or "http", _address(node), _number(port))


def endpoint(
    service: str, namespace: str, port: int, lookup: Lookup, rng: random.Random
) -> tuple[str, int]:
    """A ready endpoint of a Service's port. Raises NotFound, ServiceUnavailable."""
    return _endpoint(service, namespace, service, str(port), lookup, rng)


def _found(lookup: Lookup, resource: str, namespace: str, name: str) -> Object:
    obj = lookup(resource, namespace, name)
    if obj is None:
        raise NotFound(resource, name)
    return obj


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**16):
        raise ServiceUnavailable(f"error trying to reach service: unknown port {text}")
    return int(text)


def _pod(pod: Object, port: str) -> tuple[str, int]:
    if not port:
        ports = [p for c in pod["spec"]["containers"] for p in c.get("ports") or ()]
        port = str(ports[0]["containerPort"]) if ports else "80"
    address = (pod.get("status") or {}).get("podIP")
    if not address:
        raise BadRequest("address not allowed")
    return str(address), _number(port)


def _address(node: Object) -> str:
    for item in (node.get("status") or {}).get("addresses") or ():
        if item["type"] == "InternalIP":
            return str(item["address"])
    raise BadRequest("address not allowed")


def _endpoint(
    asked: str, namespace: str, name: str, port: str, lookup: Lookup, rng: random.Random
) -> tuple[str, int]:
    """A ready endpoint of a Service (registry/core/service/storage, ResourceLocation)."""
    if port.isascii() and port.isdigit():
        service = _found(lookup, SERVICES, namespace, name)
        ports = service["spec"].get("ports") or ()
        named = next((p.get("name", "") for p in ports if p["port"] == int(port)), None)
        if named is None:
            raise ServiceUnavailable(f'no service port {port} found for service "{name}"')
        port = named
    subsets = _found(lookup, ENDPOINTS, namespace, name).get("subsets") or []
    if not subsets:
        raise ServiceUnavailable(f'no endpoints available for service "{name}"')
    choices = [
        (address["ip"], item["port"])
        for subset in subsets
        for item in subset.get("ports") or ()
        if item.get("name", "") == port
        for address in subset.get("addresses") or ()
    ]
    if not choices:
        raise ServiceUnavailable(f'no endpoints available for service "{asked}"')
    return rng.choice(choices)

"""IPAddress objects: one for each clusterIP of a Service, as upstream's allocator makes them; pure.

Source: KEP-1880, pkg/registry/core/service/ipallocator.
"""

from typing import Final

from netemu.model.addressing import canonical, family_of
from netemu.model.meta import Object, labels_of, name_of, namespace_of

FAMILY_LABEL: Final = "ipaddress.kubernetes.io/ip-family"
MANAGER_LABEL: Final = "ipaddress.kubernetes.io/managed-by"
ALLOCATOR: Final = "ipallocator.k8s.io"
"""Who made the object; others' are left alone."""


def addresses_of(service: Object | None) -> set[str]:
    """The cluster IPs of a Service, in the one way to write each."""
    found = ((service or {}).get("spec") or {}).get("clusterIPs") or ()
    return {canonical(ip) for ip in found if ip != "None"}


def for_service(ip: str, service: Object) -> Object:
    """The object of one address."""
    labels = {FAMILY_LABEL: family_of(ip), MANAGER_LABEL: ALLOCATOR}
    return {"metadata": {"name": ip, "labels": labels}, "spec": {"parentRef": _parent(service)}}


def is_managed(obj: Object) -> bool:
    """Whether it was made for a Service's sake."""
    return labels_of(obj).get(MANAGER_LABEL) == ALLOCATOR


def is_for(obj: Object, service: Object) -> bool:
    """Whether it says that the address is that Service's."""
    said = {key: value for key, value in obj["spec"]["parentRef"].items() if value}
    return said == _parent(service)


def _parent(service: Object) -> Object:
    return {"resource": "services", "namespace": namespace_of(service), "name": name_of(service)}

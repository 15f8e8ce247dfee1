"""The ranges that clusterIPs come from beside the cluster's own: ServiceCIDR objects (KEP-1880)."""

from collections.abc import Iterable
from ipaddress import ip_network

from netemu.model.addressing import IpNetwork
from netemu.model.conditions import holds
from netemu.model.meta import Object, is_deleting


def networks_of(obj: Object) -> tuple[IpNetwork, ...]:
    """The ranges of a ServiceCIDR, host bits or not."""
    texts = (obj.get("spec") or {}).get("cidrs") or ()
    return tuple(ip_network(text, strict=False) for text in texts)


def ready_networks(objects: Iterable[Object]) -> tuple[IpNetwork, ...]:
    """The ranges that new addresses may be taken from, each once."""
    ready = (obj for obj in objects if holds(obj, "Ready") and not is_deleting(obj))
    return tuple(dict.fromkeys(network for obj in ready for network in networks_of(obj)))

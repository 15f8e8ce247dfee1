"""Rows of Services and their endpoints."""

from typing import Any

import msgspec

from netemu.api.tables.wording import age, cut, joined, labels_text, or_none
from netemu.model.meta import Object, name_of


def service(obj: Object, now: float) -> list[Any]:
    """Name, Type, Cluster-IP, External-IP, Port(s), Age, Selector."""
    spec = obj.get("spec") or {}
    return [
        name_of(obj),
        spec.get("type", "ClusterIP"),
        or_none(next(iter(spec.get("clusterIPs") or ()), spec.get("clusterIP"))),
        _external_ip(obj),
        or_none(joined(_service_port(port) for port in spec.get("ports") or ())),
        age(obj, now),
        labels_text(spec.get("selector")),
    ]


def _external_ip(obj: Object) -> str:
    spec = obj.get("spec") or {}
    external: list[str] = spec.get("externalIPs") or []
    match spec.get("type", "ClusterIP"):
        case "ClusterIP" | "NodePort":
            return or_none(joined(external))
        case "LoadBalancer":
            balancer = (obj.get("status") or {}).get("loadBalancer") or {}
            given = sorted(
                {
                    item.get("ip") or item.get("hostname") or ""
                    for item in balancer.get("ingress") or ()
                }
                - {""}
            )
            return joined([*given, *external]) or "<pending>"
        case "ExternalName":
            return str(spec.get("externalName", ""))
        case _:
            return "<unknown>"


def _service_port(port: Object) -> str:
    number = f"{port['port']}:{port['nodePort']}" if port.get("nodePort") else str(port["port"])
    return f"{number}/{port.get('protocol', 'TCP')}"


def endpoints(obj: Object, now: float) -> list[Any]:
    """Name, Endpoints, Age."""
    subsets = obj.get("subsets") or ()
    listed = [
        place
        for subset in subsets
        for port in subset.get("ports") or (None,)  # a headless Service may have no ports
        for place in _addresses(subset, port)
    ]
    return [name_of(obj), cut(listed) if subsets else "<none>", age(obj, now)]


def _addresses(subset: Object, port: Object | None) -> list[str]:
    ips = [item["ip"] for item in subset.get("addresses") or ()]
    if port is None:
        return ips
    return [f"[{ip}]:{port['port']}" if ":" in ip else f"{ip}:{port['port']}" for ip in ips]


def endpoint_slice(obj: Object, now: float) -> list[Any]:
    """Name, AddressType, Ports, Endpoints, Age."""
    ports = [
        str(port["port"]) if port.get("port") is not None else (port.get("name") or "*")
        for port in obj.get("ports") or ()
    ]
    ips = [
        address
        for endpoint in obj.get("endpoints") or ()
        for address in endpoint.get("addresses") or ()
    ]
    return [
        name_of(obj),
        obj.get("addressType", ""),
        cut(ports) or "<unset>",
        cut(ips) or "<unset>",
        age(obj, now),
    ]


def ip_address_pool(obj: Object, now: float) -> list[Any]:
    """Name, Auto Assign, Avoid Buggy IPs, Addresses."""
    spec = obj.get("spec") or {}
    return [
        name_of(obj),
        _written(spec.get("autoAssign", True)),
        _written(spec.get("avoidBuggyIPs", False)),
        _written(spec.get("addresses") or []),
    ]


def l2_advertisement(obj: Object, now: float) -> list[Any]:
    """Name, IPAddressPools, IPAddressPool Selectors, Interfaces."""
    spec = obj.get("spec") or {}
    fields = ("ipAddressPools", "ipAddressPoolSelectors", "interfaces")
    return [name_of(obj), *(_written(spec[name]) if spec.get(name) else "" for name in fields)]


def _written(value: Any) -> str:
    """As the columns of custom resources show what is no string."""
    return msgspec.json.encode(value).decode()

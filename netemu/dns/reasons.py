"""Why the cluster answers a name as it does, in a sentence, from the same snapshot as the answer
(`explain` puts the sentences in order).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import assert_never

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
from netemu.model.meta import Key
from netemu.model.service import Endpoint, Service, ServiceType
from netemu.model.snapshot import ServiceEntry, Snapshot

MOST_NAMED = 5
"""Pods or namespaces that a sentence lists; of more it says how many."""

_FIXED = {
    Fixed.APEX: "the zone itself",
    Fixed.EMPTY: "nothing is at this name, only below it",
    Fixed.VERSION: "the version of the DNS schema",
    Fixed.NAME_SERVER: "the name of this server",
    Fixed.MISSING: "no name in the cluster has this form",
}


def reason(snapshot: Snapshot, domain: Domain, target: Target) -> str:
    """What is, or isn't, at `target`."""
    if not snapshot.synced:
        return "the cluster's objects aren't all known yet"
    match target:
        case Fixed():
            return _FIXED[target]
        case NamespaceName(namespace):
            missing = _missing_namespace(snapshot, domain, namespace)
            return missing or f'namespace "{namespace}" exists; nothing is at its name'
        case ServiceName(key):
            return _service(snapshot, domain, key)
        case EndpointName(key, host):
            return _endpoint(snapshot, domain, key, host)
        case PortName(key, port, protocol):
            return _port(snapshot, domain, key, port, protocol)
        case ZonalName(key, zone, anywhere):
            return _zonal(snapshot, domain, key, zone, anywhere=anywhere)
        case PodName(namespace, address):
            return _pod(snapshot, domain, namespace, address)
        case ReverseName(address):
            return _reverse(snapshot, address)
    assert_never(target)


def _missing_namespace(snapshot: Snapshot, domain: Domain, namespace: str) -> str:
    if namespace not in snapshot.namespaces:
        return f'there is no namespace "{namespace}"'
    if domain.hides(namespace, _labels_in(snapshot)):
        return f'the configuration hides namespace "{namespace}"'
    return ""


def _labels_in(snapshot: Snapshot) -> Callable[[Key], Mapping[str, str]]:
    return lambda key: snapshot.labels.get(key, {})


def _missing_service(snapshot: Snapshot, domain: Domain, key: Key) -> str:
    namespace, name = key
    missing = _missing_namespace(snapshot, domain, namespace)
    if missing:
        return missing
    if key in snapshot.services:
        hidden = domain.hides_service(key, _labels_in(snapshot))
        return f'the configuration hides Service "{namespace}/{name}"' if hidden else ""
    others = sorted(where for where, what in snapshot.services if what == name)
    hint = f" (there is one in {_listed(others)})" if others else ""
    return f'namespace "{namespace}" has no Service "{name}"{hint}'


def _service(snapshot: Snapshot, domain: Domain, key: Key) -> str:
    missing = _missing_service(snapshot, domain, key)
    if missing:
        return missing
    entry = snapshot.services[key]
    service, ready = entry.service, _ready(domain, entry)
    title = _title(service)
    if service.type is ServiceType.EXTERNAL_NAME:
        return f"{title} stands for {service.external_name}"
    if service.headless:
        if ready:
            return f"{title} has {_counted(len(ready), 'ready endpoint')}"
        return f"{title} has no ready endpoint{_why_none(entry)}"
    if domain.ignore_empty and not ready:
        return f"{title} has no ready endpoint, and the configuration hides such Services"
    if ready:
        return f"{title} has a virtual IP; {_counted(len(ready), 'ready endpoint')} behind it"
    return f"{title} has a virtual IP, but no ready endpoint behind it{_why_none(entry)}"


def _title(service: Service) -> str:
    kind = "headless " if service.headless else ""
    if service.type is ServiceType.EXTERNAL_NAME:
        kind = "ExternalName "
    return f'{kind}Service "{service.namespace}/{service.name}"'


def _endpoint(snapshot: Snapshot, domain: Domain, key: Key, host: str) -> str:
    missing = _missing_service(snapshot, domain, key)
    if missing:
        return missing
    entry = snapshot.services[key]
    title = _title(entry.service)
    if entry.service.type is ServiceType.EXTERNAL_NAME:
        return f"{title} has no names below it"
    found = [endpoint for _, endpoint in domain.ready(entry) if domain.host(endpoint) == host]
    if found:
        pods = [name for endpoint in found if (name := _pod_name(endpoint))]
        return f'endpoint "{host}" of {title}' + (f": pod {_listed(pods)}" if pods else "")
    waiting = [each for each in _endpoints(entry) if domain.host(each) == host]
    if waiting:
        return f'endpoint "{host}" of {title} is not ready'
    return f'{title} has no endpoint "{host}"'


def _port(snapshot: Snapshot, domain: Domain, key: Key, port: str, protocol: str) -> str:
    missing = _missing_service(snapshot, domain, key)
    if missing:
        return missing
    entry = snapshot.services[key]
    title = _title(entry.service)
    if entry.service.headless:
        if not _ready(domain, entry):
            return f"{title} has no ready endpoint{_why_none(entry)}"
        ports = {
            (item.name, item.protocol) for part, _ in domain.ready(entry) for item in part.ports
        }
    else:
        ports = {(item.name, item.protocol) for item in entry.service.ports}
    have = sorted(f"_{name}._{which.lower()}" for name, which in ports if name)
    asked = f"_{port}._{protocol}" if port else f"_{protocol}"
    if any(name == asked or (not port and name.endswith(f".{asked}")) for name in have):
        return f"port {asked} of {title}"
    return f"{title} has no port {asked}; it has {_listed(have) or 'no named port'}"


def _zonal(snapshot: Snapshot, domain: Domain, key: Key, zone: str, *, anywhere: bool) -> str:
    if not domain.zonal:
        return "names by zone are switched off (kubernetes: zonal)"
    missing = _missing_service(snapshot, domain, key)
    if missing:
        return missing
    entry = snapshot.services[key]
    title = _title(entry.service)
    if not entry.service.headless:
        return f"{title} has no names by zone: only headless Services do"
    ready = _ready(domain, entry)
    near = [endpoint for endpoint in ready if endpoint.zone.lower() == zone]
    found = f'{title} has {_counted(len(near), "ready endpoint")} in zone "{zone}"'
    return f"{found}; all zones are told" if anywhere and not near else found


def _pod(snapshot: Snapshot, domain: Domain, namespace: str, address: str) -> str:
    if domain.pods is PodNames.DISABLED:
        return "names of pods are switched off"
    missing = _missing_namespace(snapshot, domain, namespace)
    if missing:
        return missing
    if domain.pods is PodNames.INSECURE:
        return "any address has a name below a namespace's pods (pods insecure)"
    pod = snapshot.pods.get(address)
    if pod is None or pod.namespace != namespace:
        return f'no pod in namespace "{namespace}" has the address {address}'
    return f"the address of pod {pod.namespace}/{pod.name}"


def _reverse(snapshot: Snapshot, address: str) -> str:
    owners = sorted(snapshot.owners.get(address, ()))
    if not owners:
        pod = snapshot.pods.get(address)
        of = f" (pod {pod.namespace}/{pod.name} has it, but no Service selects that)" if pod else ""
        return f"no Service holds {address}{of}"
    return f"{address} is held by Service {_listed('/'.join(key) for key in owners)}"


def _ready(domain: Domain, entry: ServiceEntry) -> list[Endpoint]:
    """Those that are told, each address once."""
    return list({endpoint.address: endpoint for _, endpoint in domain.ready(entry)}.values())


def _endpoints(entry: ServiceEntry) -> list[Endpoint]:
    return [endpoint for part in entry.slices for endpoint in part.endpoints]


def _why_none(entry: ServiceEntry) -> str:
    waiting = [endpoint for endpoint in _endpoints(entry) if not endpoint.ready]
    if not waiting:
        return ": it has no endpoint at all"
    return f"; not ready: {_listed(_pod_name(each) or each.address for each in waiting)}"


def _pod_name(endpoint: Endpoint) -> str:
    return endpoint.target[1] if endpoint.target else ""


def _listed(names: Iterable[str]) -> str:
    each = list(dict.fromkeys(names))
    if len(each) > MOST_NAMED:
        return f"{', '.join(each[:MOST_NAMED])} and {len(each) - MOST_NAMED} more"
    return ", ".join(each)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"

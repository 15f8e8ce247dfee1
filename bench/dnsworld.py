"""The names that DNS servers are measured with: 10,000 Services, every tenth headless."""

from collections.abc import Iterator
from dataclasses import replace

from netemu.model.latest import Latest
from netemu.model.service import Endpoint, EndpointPort, EndpointSlice, Protocol, Service
from netemu.model.service import ServicePort as Port
from netemu.model.snapshot import EMPTY, Change, ServiceEntry, Snapshot

SERVICES = 10_000
ZONE = "default.svc.cluster.local"
PORTS = (80, 81)
"""What a Service's port may be while Services change."""


def address(number: int) -> str:
    """The virtual IP of a Service."""
    return f"10.{100 + number // 62500}.{number // 250 % 250}.{number % 250}"


def endpoints(number: int) -> tuple[str, ...]:
    return tuple(f"10.{200 + n}.{number // 250}.{number % 250}" for n in range(3))


def is_headless(number: int) -> bool:
    return number % 10 == 0


def entry(number: int, port: int = 80) -> ServiceEntry:
    key = "default", f"web-{number}"
    slices = EndpointSlice(
        namespace=key[0],
        name=key[1],
        service=key[1],
        endpoints=tuple(Endpoint(address=ip) for ip in endpoints(number)),
        ports=(EndpointPort("http", Protocol.TCP, port),),
    )
    service = Service(
        namespace=key[0],
        name=key[1],
        headless=is_headless(number),
        cluster_ips=() if is_headless(number) else (address(number),),
        ports=(Port("http", Protocol.TCP, port),),
    )
    return ServiceEntry(service, (slices,))


def cluster() -> Snapshot:
    services, owners = EMPTY.services.mutate(), EMPTY.owners.mutate()
    for number in range(SERVICES):
        made = entry(number)
        services[made.service.key] = made
        for ip in (*made.service.cluster_ips, *endpoints(number)):
            owners[ip] = frozenset({made.service.key})
    return Snapshot(
        synced=True,
        revision=1,
        services=services.finish(),
        owners=owners.finish(),
        namespaces=EMPTY.namespaces.set("default", True),
    )


def changed(latest: Latest[Snapshot], number: int, port: int) -> None:
    """Give a Service another port."""
    made, seen = entry(number, port), latest.value
    key = made.service.key
    latest.replace(
        replace(
            seen,
            services=seen.services.set(key, made),
            revision=seen.revision + 1,
            recent=(*seen.recent, Change(key))[-64:],
        )
    )


def records() -> Iterator[str]:
    """All names, as lines of a zone file."""
    for number in range(SERVICES):
        name = f"web-{number}.{ZONE}."
        targets: tuple[str, ...] = (name,)
        if is_headless(number):
            targets = tuple(f"{ip.replace('.', '-')}.{name}" for ip in endpoints(number))
            for target, ip in zip(targets, endpoints(number), strict=True):
                yield f"{name} 5 IN A {ip}"
                yield f"{target} 5 IN A {ip}"
        else:
            yield f"{name} 5 IN A {address(number)}"
        for target in targets:
            yield f"_http._tcp.{name} 5 IN SRV 0 100 80 {target}"
        ip = endpoints(number)[0] if is_headless(number) else address(number)
        yield f"{'.'.join(reversed(ip.split('.')))}.in-addr.arpa. 5 IN PTR {targets[0]}"

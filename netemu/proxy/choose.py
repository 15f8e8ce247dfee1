"""Which endpoints of a Service may take a connection: pure rules, no state."""

from collections.abc import Collection, Iterable
from random import Random
from typing import TypeAlias

from netemu.model.service import Endpoint, EndpointSlice, Protocol

Address: TypeAlias = tuple[str, int]
"""An address and a port."""


def written(address: Address) -> str:
    """``host:port``, with brackets around IPv6."""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def usable(slices: Iterable[EndpointSlice], port: str, protocol: Protocol) -> tuple[Address, ...]:
    """The addresses behind the Service port of that name, in order and each once.

    The ready ones; when none is ready anywhere, those that still serve while they terminate
    (KEP-1669), so that the last pods of a Service finish what comes in.
    """
    ready: set[Address] = set()
    draining: set[Address] = set()
    for endpoint, address in behind(slices, port, protocol):
        if endpoint.ready:
            ready.add(address)
        elif endpoint.serving and endpoint.terminating:
            draining.add(address)
    return tuple(sorted(ready or draining))


def behind(
    slices: Iterable[EndpointSlice], port: str, protocol: Protocol, family: str = "IPv4"
) -> Iterable[tuple[Endpoint, Address]]:
    """Endpoints of slices that have the port: names and protocols must match, numbers differ."""
    for part in slices:
        if part.family != family:
            continue
        for candidate in part.ports:
            if candidate.name == port and candidate.protocol is protocol:
                for endpoint in part.endpoints:
                    yield endpoint, (endpoint.address, candidate.port)


def choose(
    endpoints: tuple[Address, ...],
    rng: Random,
    *,
    tried: Collection[Address] = (),
    sticky: Address | None = None,
) -> Address | None:
    """The endpoint for the next dial: the client's own if it has one, else any, by chance.

    None when nothing is left that wasn't tried.
    """
    if sticky is not None and sticky in endpoints and sticky not in tried:
        return sticky
    left = [each for each in endpoints if each not in tried] if tried else endpoints
    return left[int(rng.random() * len(left))] if left else None

"""Hands out what Services need of their own: cluster IPs and node ports.

In memory, built from the stored Services. A write reserves first (`allocate`), then either counts
(`commit`) or never was (`rollback`): so a failing write and a dry run use up nothing, and what a
write gives back is taken by nobody before the write is stored.
Source: pkg/registry/core/service/storage/alloc.go.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field as part
from ipaddress import ip_address
from socket import AF_INET, inet_pton
from typing import Final

from msgspec import Struct

from netemu.api.families import with_families
from netemu.api.pools import Pool, lower_part
from netemu.api.servicetype import (
    allocates_node_ports,
    needs_cluster_ip,
    needs_health_check,
    needs_node_port,
)
from netemu.api.validation import field
from netemu.api.validation.field import SPEC
from netemu.api.validation.ips import parse_address
from netemu.model.addressing import Addressing, IpNetwork
from netemu.model.errors import Cause, InternalError, Invalid
from netemu.model.meta import Object, copied

MIRRORED: Final = 2**16 - 2
"""Offsets below this one have a mirror on the host's loopback (`Addressing.mirror`)."""

_EMPTY: Final[frozenset[int]] = frozenset()


class Reservation(Struct, frozen=True):
    """What a write takes (at once) and what it gives back (once it is stored).

    Addresses are kept as the numbers they are.
    """

    taken_ips: frozenset[int] = _EMPTY
    freed_ips: frozenset[int] = _EMPTY
    taken_ports: frozenset[int] = _EMPTY
    freed_ports: frozenset[int] = _EMPTY


@dataclass(slots=True)
class _Draft:
    """What one write has taken so far, none of it reserved yet."""

    obj: Object
    had_ports: frozenset[int]
    ips: set[int] = part(default_factory=set)
    ports: set[int] = part(default_factory=set)

    @property
    def spec(self) -> Object:
        spec: Object = self.obj["spec"]
        return spec

    def refuse(self, *causes: Cause) -> Invalid:
        """The refusal, to be raised."""
        return Invalid("", "Service", self.obj["metadata"].get("name", ""), causes)


class ServiceAddresses:
    """Which cluster IPs and node ports are in use.

    `node_ports` is the first and the last port; `services` are those stored already.
    """

    def __init__(
        self,
        addressing: Addressing,
        node_ports: tuple[int, int],
        rng: random.Random,
        services: Iterable[Object] = (),
    ) -> None:
        self._own = {each.family: each for each in addressing.families}
        """By family, the default one first."""
        self._taken: set[int] = set()
        """As numbers, the families' addresses don't overlap."""
        self._ips = {family: [self._own_pool(each)] for family, each in self._own.items()}
        """By family, the cluster's own range first."""
        self._ports = _port_pool(*node_ports)
        self._rng = rng
        for service in services:
            spec = service.get("spec") or {}
            self._take(_ips(spec), _ports(spec))

    def offer(self, networks: Iterable[IpNetwork]) -> None:
        """Hand out addresses of these ranges, too, once the cluster's own is full or when asked."""
        self._ips = {family: [self._own_pool(each)] for family, each in self._own.items()}
        for network in networks:
            own = self._own.get(f"IPv{network.version}")
            if own is not None and network != own.services:
                self._ips[own.family].append(_further_pool(network, own, self._taken))

    def _own_pool(self, ranges: Addressing) -> Pool:
        return _address_pool(ranges, self._taken)

    def allocate(self, new: Object, old: Object | None) -> tuple[Object, Reservation]:
        """Fill in what `new` needs, in a copy, and reserve it.

        Raises Invalid for what is asked for and can't be had, InternalError when a range is full.
        """
        before = (old or {}).get("spec") or {}
        had_ips, had_ports = _ips(before), _ports(before)
        draft = _Draft(copied(new), had_ports)
        causes = with_families(draft.spec, None if old is None else before, tuple(self._ips))
        if causes:
            raise draft.refuse(*causes)
        if needs_cluster_ip(draft.spec) and draft.spec.get("clusterIP") != "None":
            self._cluster_ips(draft, had_ips)
        if needs_node_port(draft.spec):
            self._node_ports(draft, shared=old is None)
        if needs_health_check(draft.spec):
            self._health_check_port(draft)
        reservation = Reservation(
            frozenset(draft.ips),
            had_ips - _ips(draft.spec),
            frozenset(draft.ports),
            had_ports - _ports(draft.spec),
        )
        self._take(reservation.taken_ips, reservation.taken_ports)
        return draft.obj, reservation

    def commit(self, reservation: Reservation) -> None:
        """The write is stored: what it gave back is free."""
        self._free(reservation.freed_ips, reservation.freed_ports)

    def rollback(self, reservation: Reservation) -> None:
        """The write failed, or was a dry run: what it took is free."""
        self._free(reservation.taken_ips, reservation.taken_ports)

    def release(self, old: Object) -> None:
        """The Service is gone: all it had is free."""
        spec = old.get("spec") or {}
        self._free(_ips(spec), _ports(spec))

    def occupy(self, ip: int) -> bool:
        """Somebody else takes an address: whether it was free."""
        free = ip not in self._taken
        self._taken.add(ip)
        return free

    def vacate(self, ip: int) -> None:
        """That address is free."""
        self._taken.discard(ip)

    def _take(self, ips: frozenset[int], ports: frozenset[int]) -> None:
        self._taken |= ips
        self._ports.taken |= ports

    def _free(self, ips: frozenset[int], ports: frozenset[int]) -> None:
        self._taken -= ips
        self._ports.taken -= ports

    def _cluster_ips(self, draft: _Draft, had: frozenset[int]) -> None:
        spec = draft.spec
        ips = list(spec.get("clusterIPs") or ())
        for number, family in enumerate(spec["ipFamilies"]):
            if number < len(ips):
                if int(ip_address(_plain(ips[number]))) not in had:
                    draft.ips.add(self._asked_ip(draft, ips[number], family))
                continue
            pools = self._ips[family]
            numbers = (pool.draw(self._rng, draft.ips) for pool in pools)
            drawn = next((number for number in numbers if number is not None), None)
            if drawn is None:
                raise InternalError("failed to allocate a serviceIP: range is full")
            draft.ips.add(drawn)
            ips.append(str(ip_address(drawn)))
        spec["clusterIP"], spec["clusterIPs"] = ips[0], ips

    def _asked_ip(self, draft: _Draft, ip: str, family: str) -> int:
        number = int(ip_address(_plain(ip)))
        why = self._pool_of(number, family).problem(number, ip, draft.ips)
        if why is not None:
            wanted = draft.spec.get("clusterIPs")
            rule = f"failed to allocate IP {ip}: {why}"
            raise draft.refuse(field.invalid(SPEC.child("clusterIPs"), wanted, rule))
        return number

    def _pool_of(self, number: int, family: str) -> Pool:
        """The range that has the address; if none has, one that says so."""
        pools = self._ips[family]
        return next((pool for pool in pools if number in pool.valid), pools[-1])

    def _node_ports(self, draft: _Draft, *, shared: bool) -> None:
        """Each port gets a number; of a new Service, those with the same `port` share one."""
        ports = draft.spec.get("ports") or ()
        wanted = {p["port"]: p["nodePort"] for p in reversed(ports) if p.get("nodePort")}
        given: dict[int, int] = {}
        for number, port in enumerate(ports):
            if not port.get("nodePort") and shared:
                share = given.get(port["port"]) or wanted.get(port["port"])
                if share and allocates_node_ports(draft.spec):
                    port["nodePort"] = share
            if port.get("nodePort"):
                self._asked_port(draft, port["nodePort"], number)
            elif allocates_node_ports(draft.spec):
                port["nodePort"] = self._drawn_port(draft, "failed to allocate a nodePort")
            given.setdefault(port["port"], port.get("nodePort", 0))

    def _asked_port(self, draft: _Draft, port: int, number: int) -> None:
        if port in draft.had_ports or port in draft.ports:
            return  # its own already: TCP and UDP may have the same number
        why = self._ports.problem(port, str(port))
        if why is not None:
            path = SPEC.child("ports").index(number).child("nodePort")
            raise draft.refuse(field.invalid(path, port, why))
        draft.ports.add(port)

    def _drawn_port(self, draft: _Draft, if_full: str) -> int:
        drawn = self._ports.draw(self._rng, draft.ports)
        if drawn is None:
            raise InternalError(f"{if_full}: range is full")
        draft.ports.add(drawn)
        return drawn

    def _health_check_port(self, draft: _Draft) -> None:
        port = draft.spec.get("healthCheckNodePort")
        if not port:
            words = "failed to allocate a HealthCheck NodePort 0"
            draft.spec["healthCheckNodePort"] = self._drawn_port(draft, words)
            return
        if port in draft.had_ports:
            return
        why = self._ports.problem(port, str(port), draft.ports)
        if why is not None:
            words = "failed to allocate requested HealthCheck NodePort"
            raise InternalError(f"{words} {port}: {why}")
        draft.ports.add(port)


def _address_pool(ranges: Addressing, taken: set[int]) -> Pool:
    network = ranges.services
    # The last address is for everybody (broadcast) with IPv4 only.
    first, size = int(network.network_address), network.num_addresses + (network.version == 6)
    return Pool(
        valid=range(first + 1, first + size - 1),
        drawn=range(first + 1, first + min(size - 1, MIRRORED)),
        lower=lower_part(size - 2, 16, 256),
        words="the provided IP ({}) is not in the valid range. "
        f"The range of valid IPs is {network}",
        taken_words="provided IP is already allocated",
        kept=_kept(ranges),
        taken=taken,
    )


def _further_pool(network: IpNetwork, own: Addressing, taken: set[int]) -> Pool:
    first, size = int(network.network_address), network.num_addresses + (network.version == 6)
    whole = range(first + 1, first + size - 1)
    return Pool(
        valid=whole,
        drawn=whole,
        lower=lower_part(size - 2, 16, 256),
        words="the provided network does not match the current range",
        taken_words="provided IP is already allocated",
        kept=_kept(own),
        taken=taken,
    )


def _kept(ranges: Addressing) -> frozenset[int]:
    return frozenset(int(ip_address(ip)) for ip in (ranges.api, ranges.dns))


def _port_pool(first: int, last: int) -> Pool:
    return Pool(
        valid=range(first, last + 1),
        drawn=range(first, last + 1),
        lower=lower_part(last - first + 1, 32, 128),
        words="provided port is not in the valid range. "
        f"The range of valid ports is {first}-{last}",
        taken_words="provided port is already allocated",
    )


def _plain(ip: str) -> str:
    """The address without the leading zeros that upstream lets pass."""
    return str(parse_address(ip))


def _ips(spec: Object) -> frozenset[int]:
    """The addresses a stored or defaulted spec holds."""
    if not needs_cluster_ip(spec):
        return _EMPTY
    numbers = (_number(ip) for ip in spec.get("clusterIPs") or ())
    return frozenset(number for number in numbers if number is not None)


def _number(ip: str) -> int | None:
    try:  # as nearly all are written; a start looks at every Service there is
        return int.from_bytes(inet_pton(AF_INET, ip), "big")
    except OSError:
        address = parse_address(ip)
        return None if address is None else int(address)


def _ports(spec: Object) -> frozenset[int]:
    """The node ports a spec holds, that for health checks among them."""
    ports = {port.get("nodePort", 0) for port in spec.get("ports") or ()}
    if needs_health_check(spec):
        ports.add(spec.get("healthCheckNodePort", 0))
    return frozenset(ports - {0})

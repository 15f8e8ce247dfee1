"""Addresses of Services outside the instance's own ranges: has them end in the cluster.

External IPs, balancers' addresses from pools of others and clusterIPs of further ServiceCIDRs may
be any. While a Service has one, the
spawner makes it local to the cluster's network (and routes it from the host); the proxy, which
couldn't listen there before, then tries again.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import ip_address
from typing import Protocol

from netemu.model.addressing import IpAddress
from netemu.model.latest import Latest
from netemu.model.meta import Key
from netemu.model.service import Service, ServiceType
from netemu.model.snapshot import EMPTY, Snapshot, changed_services

log = logging.getLogger(__name__)


class Reach(Protocol):
    """What is asked of the spawner."""

    def __call__(self, address: str, *, wanted: bool) -> Awaitable[str]:
        """Have an address end in the cluster, or no longer; why the host doesn't reach it."""


class ForeignAddresses:
    """The addresses at present; `run` keeps them in line."""

    def __init__(
        self, reach: Reach, owns: Callable[[IpAddress], bool], opened: Callable[[], None]
    ) -> None:
        """`owns`: whether an address lies in the instance's ranges; `opened`: called after one was
        made to end here.
        """
        self._reach = reach
        self._owns = owns
        self._opened = opened
        self._wanted: dict[Key, frozenset[str]] = {}
        self._notes: dict[str, str] = {}
        """Those that end here, and why the host doesn't reach them."""
        self._seen = EMPTY

    @property
    def notes(self) -> Mapping[str, str]:
        """Why the host doesn't reach an address."""
        return {address: note for address, note in self._notes.items() if note}

    async def run(self, latest: Latest[Snapshot]) -> None:
        """Follow the snapshot for ever."""
        while True:
            snapshot = latest.value
            await self.follow(snapshot)
            await latest.newer_than(snapshot)

    async def follow(self, snapshot: Snapshot) -> None:
        """Do what a snapshot asks for."""
        for key in changed_services(self._seen, snapshot):
            entry = snapshot.services.get(key)
            foreign = frozenset() if entry is None else self._foreign(entry.service)
            if foreign:
                self._wanted[key] = foreign
            else:
                self._wanted.pop(key, None)
        self._seen = snapshot
        wanted = frozenset[str]().union(*self._wanted.values())
        for address in sorted(self._notes.keys() - wanted):
            await self._drop(address)
        added = [await self._add(address) for address in sorted(wanted - self._notes.keys())]
        if any(added):
            self._opened()

    def _foreign(self, service: Service) -> frozenset[str]:
        if not service.proxied or service.headless or service.type is ServiceType.EXTERNAL_NAME:
            return frozenset()
        balanced = service.type is ServiceType.LOAD_BALANCER
        balancers = service.load_balancer_ips if balanced else ()
        addresses = (*service.cluster_ips, *service.external_ips, *balancers)
        return frozenset(each for each in addresses if self._is_foreign(each))

    def _is_foreign(self, address: str) -> bool:
        try:
            return not self._owns(ip_address(address))
        except ValueError:
            return False

    async def _add(self, address: str) -> bool:
        try:
            self._notes[address] = await self._reach(address, wanted=True)
        except OSError as error:
            log.warning("%s cannot be made to end in the cluster: %s", address, error.strerror)
            self._notes[address] = error.strerror or str(error)
            return False
        return True

    async def _drop(self, address: str) -> None:
        del self._notes[address]
        try:
            await self._reach(address, wanted=False)
        except OSError as error:
            log.warning("%s still ends in the cluster: %s", address, error.strerror)

"""Writes of Services take the addresses they need, and give back what they no longer have.

Each address has an IPAddress object for as long; whoever makes one by hand keeps Services from it.
"""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

from netemu.api import metadata
from netemu.api.allocation import ServiceAddresses
from netemu.clock import Clock, rfc3339
from netemu.model.addressing import Addressing
from netemu.model.ipaddresses import (
    FAMILY_LABEL,
    MANAGER_LABEL,
    addresses_of,
    for_service,
    is_for,
    is_managed,
)
from netemu.model.meta import Object, name_of
from netemu.model.resources import BY_KEY, IP_ADDRESSES, SERVICE_CIDRS, SERVICES, Resource
from netemu.store.base import Store

MANAGER = "kube-apiserver"

_IP_ADDRESS = BY_KEY[IP_ADDRESSES]
_OWNED: Object = {
    "f:metadata": {"f:labels": {".": {}, f"f:{FAMILY_LABEL}": {}, f"f:{MANAGER_LABEL}": {}}},
    "f:spec": {"f:parentRef": {".": {}, "f:name": {}, "f:namespace": {}, "f:resource": {}}},
}


class AddressKeeper:
    """The addresses of a store's Services, from the cluster's ranges and further ones."""

    def __init__(
        self,
        store: Store,
        addressing: Addressing,
        node_ports: tuple[int, int],
        rng: random.Random,
        clock: Clock,
    ) -> None:
        self._store = store
        self._rng = rng
        self._clock = clock
        services = [record.obj for record in store.list(SERVICES)]
        self._addresses = ServiceAddresses(addressing, node_ports, rng, services)
        self._offered = -1 if store.list(SERVICE_CIDRS) else 0  # those of an earlier run, too
        self._by_hand: set[int] = set()
        """Addresses that no Service has."""
        for record in store.list(IP_ADDRESSES):
            if not is_managed(record.obj):
                self._occupy(record.obj)

    @asynccontextmanager
    async def held(
        self, resource: Resource, new: Object, old: Object | None, *, dry_run: bool
    ) -> AsyncIterator[Object]:
        """The object, if a Service with the addresses it needs: its own if the block succeeds in
        earnest. Raises InternalError, Invalid.
        """
        if resource.key != SERVICES:
            yield new
            if resource.key == IP_ADDRESSES and old is None and not dry_run:
                self._occupy(new)
            return
        self._offer()
        new, reservation = self._addresses.allocate(new, old)
        try:
            yield new
        except BaseException:
            self._addresses.rollback(reservation)
            raise
        if dry_run:
            self._addresses.rollback(reservation)
            return
        self._addresses.commit(reservation)
        await self._record(old, new)

    async def release(self, resource: Resource, obj: Object) -> None:
        """An object is gone: what it had is free."""
        if resource.key == SERVICES:
            self._addresses.release(obj)
            await self._record(obj, None)
        elif resource.key == IP_ADDRESSES:
            number = int(ip_address(name_of(obj)))
            if number in self._by_hand:
                self._by_hand.remove(number)
                self._addresses.vacate(number)

    def _occupy(self, obj: Object) -> None:
        number = int(ip_address(name_of(obj)))
        if self._addresses.occupy(number):
            self._by_hand.add(number)

    async def _record(self, old: Object | None, new: Object | None) -> None:
        """Make and remove the objects of a Service's addresses."""
        before, after = addresses_of(old), addresses_of(new)
        for ip in sorted(before - after):
            record = self._store.get(IP_ADDRESSES, ("", ip))
            if old is not None and record is not None and is_for(record.obj, old):
                await self._store.delete(IP_ADDRESSES, record.key, record.revision)
        for ip in sorted(after - before):
            if new is not None and self._store.get(IP_ADDRESSES, ("", ip)) is None:
                await self._store.create(IP_ADDRESSES, ("", ip), self._made(ip, new))

    def _made(self, ip: str, service: Object) -> Object:
        now = self._clock.now()
        obj = for_service(ip, service)
        typed = {"apiVersion": _IP_ADDRESS.api_version, "kind": _IP_ADDRESS.kind, **obj}
        made = metadata.for_create(_IP_ADDRESS, typed, uid=metadata.new_uid(self._rng), now=now)
        made["metadata"]["managedFields"] = [
            {
                "manager": MANAGER,
                "operation": "Update",
                "apiVersion": _IP_ADDRESS.api_version,
                "time": rfc3339(now),
                "fieldsType": "FieldsV1",
                "fieldsV1": _OWNED,
            }
        ]
        return metadata.ordered(made)

    def _offer(self) -> None:
        """Follow the further ranges."""
        latest = self._store.latest(SERVICE_CIDRS)
        if latest == self._offered:
            return
        from netemu.model.serviceranges import ready_networks  # late: few have such ranges

        self._offered = latest
        ranges = (record.obj for record in self._store.list(SERVICE_CIDRS))
        self._addresses.offer(ready_networks(ranges))

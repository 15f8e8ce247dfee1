"""Writes of Services take the addresses they need, and give back what they no longer have."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from netemu.api.allocation import ServiceAddresses
from netemu.model.addressing import Addressing
from netemu.model.meta import Object
from netemu.model.resources import SERVICE_CIDRS, SERVICES, Resource
from netemu.store.base import Store


class AddressKeeper:
    """The addresses of a store's Services, from the cluster's ranges and further ones."""

    def __init__(
        self,
        store: Store,
        addressing: Addressing,
        node_ports: tuple[int, int],
        rng: random.Random,
    ) -> None:
        self._store = store
        services = [record.obj for record in store.list(SERVICES)]
        self._addresses = ServiceAddresses(addressing, node_ports, rng, services)
        self._offered = -1 if store.list(SERVICE_CIDRS) else 0  # those of an earlier run, too

    @contextmanager
    def held(
        self, resource: Resource, new: Object, old: Object | None, *, dry_run: bool
    ) -> Iterator[Object]:
        """The object, if a Service with the addresses it needs: its own if the block succeeds in
        earnest. Raises InternalError, Invalid.
        """
        if resource.key != SERVICES:
            yield new
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
        else:
            self._addresses.commit(reservation)

    def release(self, resource: Resource, obj: Object) -> None:
        """An object is gone: what it had is free."""
        if resource.key == SERVICES:
            self._addresses.release(obj)

    def _offer(self) -> None:
        """Follow the further ranges."""
        latest = self._store.latest(SERVICE_CIDRS)
        if latest == self._offered:
            return
        from netemu.model.serviceranges import ready_networks  # late: few have such ranges

        self._offered = latest
        ranges = (record.obj for record in self._store.list(SERVICE_CIDRS))
        self._addresses.offer(ready_networks(ranges))

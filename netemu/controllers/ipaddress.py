"""The repair of IPAddress objects: each clusterIP has one, and none is left without its Service.

The API makes and removes them with Services; this mends what was deleted by hand or is left of an
earlier run (upstream: pkg/registry/core/service/ipallocator/controller/repairip.go).
"""

from collections.abc import Iterable

from netemu.controllers.actions import Action, Create, Delete, Tell, execute
from netemu.controllers.runner import Context
from netemu.model.addressing import family_of
from netemu.model.client import Change
from netemu.model.ipaddresses import addresses_of, for_service, is_for, is_managed
from netemu.model.meta import Object, is_deleting, name_of
from netemu.model.resources import IP_ADDRESSES, SERVICES


def plan(ip: str, obj: Object | None, service: Object | None) -> list[Action]:
    """The object of one address, and the Service that has the address."""
    if obj is None:
        if service is None or is_deleting(service):
            return []
        said = f"Cluster IP [{family_of(ip)}]: {ip} is not allocated; repairing"
        return [
            Create(IP_ADDRESSES, for_service(ip, service)),
            Tell(service, "Warning", "ClusterIPNotAllocated", said),
        ]
    if not is_managed(obj) or (service is not None and is_for(obj, service)):
        return []
    parent = obj["spec"]["parentRef"]
    whose = f"{parent.get('namespace', '')}/{parent['name']}"
    said = f"IPAddress: {ip} for Service {whose} appears to have leaked; cleaning up"
    return [Tell(obj, "Warning", "IPAddressNotAllocated", said), Delete(IP_ADDRESSES, obj)]


class IpAddressController:
    """Sees to addresses whose object and Service disagree."""

    resources = (SERVICES, IP_ADDRESSES)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._services: dict[str, tuple[str, str]] = {}
        """Which Service has an address."""

    def observe(self, change: Change) -> Iterable[str]:
        """Addresses that need mending; nearly none, and with thousands of Services that counts."""
        if change.resource == SERVICES:
            self._note(change)
            due = addresses_of(change.old) | addresses_of(change.new)
        else:
            due = {name_of(change.object)}
        return sorted(ip for ip in due if self._planned(ip))

    def _note(self, change: Change) -> None:
        metadata = change.object["metadata"]
        for ip in addresses_of(change.old):
            self._services.pop(ip, None)
        for ip in addresses_of(change.new):
            self._services[ip] = (metadata["namespace"], metadata["name"])

    def _planned(self, ip: str) -> list[Action]:
        key = self._services.get(ip)
        service = None if key is None else self._client.get(SERVICES, *key)
        if service is not None and ip not in addresses_of(service):
            service = None
        return plan(ip, self._client.get(IP_ADDRESSES, "", ip), service)

    async def sync(self, ip: str) -> float | None:
        """Mend one."""
        await execute(self._client, self._recorder, self._planned(ip))
        return None

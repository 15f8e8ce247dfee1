"""Gives ExternalName Services that ask for it a virtual IP, at which the proxy stands in for them.

With the annotation ``netemu.dev/proxy: "true"`` a Service gets an address out of the range of
virtual IPs, from its end, where the API hands out none by chance; the annotation
``netemu.dev/virtual-ip`` tells it. DNS still answers with the name.
"""

from collections.abc import Collection, Iterable
from ipaddress import ip_address
from typing import Final

from netemu.controllers.actions import Action, Tell, Update, execute
from netemu.controllers.runner import Context
from netemu.model import resources
from netemu.model.addressing import IpNetwork
from netemu.model.client import Change
from netemu.model.meta import Key, Object, annotations_of, is_deleting, key_of
from netemu.model.service import STANDS_IN, VIRTUAL_IP, stands_in

MIRRORED: Final = 2**16 - 2
"""Offsets below this one have a mirror on the host's loopback (`Addressing.mirror`)."""


def plan(service: Object, taken: Collection[str], network: IpNetwork) -> list[Action]:
    """The annotation that a Service should have; `taken` are the addresses of all others."""
    has = annotations_of(service).get(VIRTUAL_IP, "")
    complaints: list[Action] = [
        Tell(service, "Warning", "InvalidAnnotation", f"annotation {words}")
        for words in mistakes(service, taken, network)
    ]
    return [*complaints, *_in_line(service, has, taken, network)]


def mistakes(service: Object, taken: Collection[str], network: IpNetwork) -> Iterable[str]:
    """What is wrong about the annotations; all of it is told, and nothing of it stops anything."""
    annotations, spec = annotations_of(service), service["spec"]
    value, has = annotations.get(STANDS_IN), annotations.get(VIRTUAL_IP, "")
    if value not in (None, "true", "false"):
        yield f'{STANDS_IN} must be "true" or "false", not "{value}"'
    if value == "true" and spec.get("type") != "ExternalName":
        yield f"{STANDS_IN} is for Services of type ExternalName"
    if not stands_in(service):
        return
    if not spec.get("ports"):
        yield f"{STANDS_IN} forwards the Service's ports, and there are none"
    if has and not _fits(has, network):
        yield f'{VIRTUAL_IP} must be an address of {network}, not "{has}"'
    elif has in taken:
        yield f"{VIRTUAL_IP}: {has} is already allocated"


def _in_line(service: Object, has: str, taken: Collection[str], network: IpNetwork) -> list[Action]:
    if is_deleting(service) or not stands_in(service):
        return [Update(resources.SERVICES, _with(service, ""))] if has else []
    if _fits(has, network) and has not in taken:
        return []
    address = next((each for each in _from_the_end(network) if each not in taken), None)
    if address is None:
        words = "failed to allocate a virtual IP: range is full"
        return [Tell(service, "Warning", "AllocationFailed", words)]
    words = f"Assigned virtual IP {address}"
    return [
        Update(resources.SERVICES, _with(service, address)),
        Tell(service, "Normal", "IPAllocated", words),
    ]


def _fits(address: str, network: IpNetwork) -> bool:
    try:
        return ip_address(address) in network
    except ValueError:
        return False


def _from_the_end(network: IpNetwork) -> Iterable[str]:
    last = min(MIRRORED, network.num_addresses - 1)
    return (str(network[offset]) for offset in range(last - 1, 0, -1))


def _with(service: Object, address: str) -> Object:
    annotations = {k: v for k, v in annotations_of(service).items() if k != VIRTUAL_IP}
    if address:
        annotations[VIRTUAL_IP] = address
    return {**service, "metadata": {**service["metadata"], "annotations": annotations}}


def _addresses(service: Object) -> frozenset[str]:
    held = [*(service["spec"].get("clusterIPs") or ()), annotations_of(service).get(VIRTUAL_IP)]
    return frozenset(address for address in held if address and address != "None")


class ExternalProxyController:
    """Brings the virtual IPs of ExternalName Services in line."""

    resources = (resources.SERVICES,)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        # Names outside are looked up in IPv4, whatever family their virtual IP is of.
        ranges = context.addressing.of("IPv4") or context.addressing
        self._network = ranges.services
        self._kept = {ranges.api, ranges.dns}

    def observe(self, change: Change) -> Iterable[Key]:
        """Only Services that have something to do with it."""
        states = (state for state in (change.old, change.new) if state is not None)
        named = {name for each in states for name in annotations_of(each)}
        if named & {STANDS_IN, VIRTUAL_IP}:
            return (key_of(change.object),)
        return ()

    async def sync(self, key: Key) -> float | None:
        """See to one Service."""
        service = self._client.get(resources.SERVICES, *key)
        if service is None:
            return None
        others = (s for s in self._client.list(resources.SERVICES) if key_of(s) != key)
        taken = self._kept.union(*map(_addresses, others))
        await execute(self._client, self._recorder, plan(service, taken, self._network))
        return None

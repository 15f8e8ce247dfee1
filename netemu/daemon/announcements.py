"""Has load balancers' addresses announced on the uplink, each from a node that lives.

Neighbours on that network learn from it which node to send to, and learn anew when that one dies;
what they had open through it ends, as it does with the node's own proxy. Clients in the cluster and
on the host (which routes) don't depend on it.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping

from msgspec import Struct

from netemu.controllers.advertising import (
    Advertisement,
    Announcer,
    advertisement_from,
    announcer,
)
from netemu.controllers.balancerpools import (
    CONFIG,
    BadPool,
    Pool,
    own_pool,
    pool_from,
    pools_from_config,
)
from netemu.fabric.announcer import Announced
from netemu.fabric.speaker import Speaker
from netemu.fabric.uplink import CLUSTER_END
from netemu.model import resources
from netemu.model.addressing import Addressing
from netemu.model.client import Change, Client, Recorder
from netemu.model.latest import Latest
from netemu.model.meta import Key, key_of, labels_of, name_of
from netemu.model.service import ServiceType
from netemu.model.snapshot import EMPTY, ServiceEntry, Snapshot, changed_services
from netemu.tasks import task_group

WATCHED = (
    resources.IP_ADDRESS_POOLS,
    resources.L2_ADVERTISEMENTS,
    resources.CONFIG_MAPS,
    resources.NODES,
)


class Asked(Struct):
    """What objects say about pools, advertisements and nodes; those that can't be read are left
    out, as the load balancer controller complains about them.
    """

    pools: dict[tuple[str, Key], tuple[Pool, ...]]
    advertisements: dict[Key, Advertisement]
    labels: dict[str, Mapping[str, str]]
    """Of nodes, by name."""

    def note(self, change: Change) -> None:
        """Take note of a change."""
        key, obj = key_of(change.object), change.new
        where = change.resource, key
        self.pools.pop(where, None)
        try:
            match change.resource:
                case resources.IP_ADDRESS_POOLS:
                    self.pools[where] = (pool_from(obj),) if obj else ()
                case resources.CONFIG_MAPS if key == CONFIG:
                    self.pools[where] = tuple(pools_from_config(obj)) if obj else ()
                case resources.L2_ADVERTISEMENTS:
                    self.advertisements.pop(key, None)
                    if obj:
                        self.advertisements[key] = advertisement_from(obj)
                case resources.NODES:
                    self.labels.pop(name_of(change.object), None)
                    if obj:
                        self.labels[name_of(obj)] = labels_of(obj)
                case _:  # another ConfigMap
                    return
        except BadPool:
            return


class Announcements:
    """What is announced at present; `run` keeps it in line."""

    def __init__(
        self,
        client: Client,
        recorder: Recorder,
        latest: Latest[Snapshot],
        addressing: Addressing,
        break_off: Callable[[Collection[str]], None],
    ) -> None:
        """`break_off` ends what clients outside have open to addresses whose node is gone."""
        self._client = client
        self._recorder = recorder
        self._latest = latest
        self._own = own_pool(*(each.load_balancers for each in addressing.families))
        self._break_off = break_off
        self._speaker = Speaker()
        self._asked = Asked({}, {}, {})
        self._balanced: dict[Key, ServiceEntry] = {}
        self._alive: Mapping[str, tuple[str, ...]] = {}
        self._due = asyncio.Event()
        self._seen = EMPTY
        self._told = Announced()
        self._said: dict[Key, tuple[str, ...]] = {}
        """What Services were told last: the type, reason and words of an event."""

    @property
    def balanced(self) -> Mapping[str, str]:
        """The node that announces each load balancer's address."""
        return {a: n for a, n in self._told.addresses.items() if a not in self._alive.get(n, ())}

    @property
    def problem(self) -> str:
        """Why nothing is announced; "" if it is."""
        return self._speaker.problem

    def follow_nodes(self, alive: Mapping[str, tuple[str, ...]]) -> None:
        """These nodes live, with these addresses of their own."""
        if alive == self._alive:
            return
        self._alive = alive
        gone = {a for a, node in self._told.addresses.items() if node not in alive}
        if gone:
            self._break_off(gone)  # at once, before what its endpoints say in dying gets through
        self._due.set()

    async def run(self) -> None:
        """Follow everything until cancelled."""
        changes = self._client.watch(*WATCHED)
        unsubscribe = self._latest.subscribe(self._follow)
        self._follow(self._latest.value)
        try:
            async with task_group() as tasks:
                tasks.start(self._serve(), name="announcing")
                tasks.start(self._speaker.watch(), name="announcer")
                while True:
                    for change in await changes.batch():
                        self._asked.note(change)
                    self._due.set()
        finally:
            unsubscribe()
            changes.close()
            await self._speaker.close()

    def _follow(self, snapshot: Snapshot) -> None:
        for key in changed_services(self._seen, snapshot):
            entry = snapshot.services.get(key)
            self._balanced.pop(key, None)
            if entry is not None and entry.service.type is ServiceType.LOAD_BALANCER:
                self._balanced[key] = entry
            self._due.set()
        self._seen = snapshot

    async def _serve(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            announcers = self._announcers()
            if announcers or self._told.addresses:
                await self._tell(announcers)

    def _announcers(self) -> dict[Key, Announcer]:
        """Who announces the addresses of each Service."""
        labels = {name: self._asked.labels.get(name, {}) for name in self._alive}
        pools = [pool for _, some in sorted(self._asked.pools.items()) for pool in some]
        found: dict[Key, Announcer] = {}
        for key, entry in sorted(self._balanced.items()):
            service = self._client.get(resources.SERVICES, *key)
            if service is not None:
                asked = self._asked.advertisements.values()
                chosen = announcer(service, entry, [*pools, self._own], asked, labels)
                if chosen is not None:
                    found[key] = chosen
        return found

    async def _tell(self, announcers: Mapping[Key, Announcer]) -> None:
        addresses: dict[str, str] = {}
        said: dict[Key, tuple[str, ...]] = {}
        for key, chosen in announcers.items():
            ips = self._balanced[key].service.load_balancer_ips
            if _has_one(chosen):
                addresses |= {ip: chosen.node for ip in ips if ip not in addresses}
                words = f'announcing from node "{chosen.node}" with protocol "layer2"'
                said[key] = "Normal", "nodeAssigned", words
            else:
                words = (
                    f'the interfaces specified by LB IP "{ips[0]}" doesn\'t exist in '
                    f'assigned node "{chosen.node}" with protocol "layer2"'
                )
                said[key] = "Warning", "announceFailed", words
        await self._announce(addresses)
        for key, event in said.items():
            if self._said.get(key) != event:
                self._record(key, *event)
        self._said = said

    async def _announce(self, addresses: Mapping[str, str]) -> None:
        alive = self._alive if addresses else {}
        nodes = {name: own[0] for name, own in alive.items()}
        own = {address: name for name, some in alive.items() for address in some}
        told = Announced(nodes, {**own, **dict(sorted(addresses.items()))})
        if told != self._told:
            self._told = told
            await self._speaker.tell(told)

    def _record(self, key: Key, kind: str, reason: str, words: str) -> None:
        service = self._client.get(resources.SERVICES, *key)
        if service is not None and not self._speaker.problem:
            self._recorder.event(service, kind, reason, words)


def _has_one(chosen: Announcer) -> bool:
    """Whether the node has an interface where it is asked to announce: the wire that it shares with
    its neighbours, or its own on it.
    """
    return not chosen.interfaces or not chosen.interfaces.isdisjoint({CLUSTER_END, chosen.node})

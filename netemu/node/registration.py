"""Registering the emulated nodes and keeping them alive in the API's eyes."""

import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from netemu.model.errors import ApiError, Conflict, NotFound
from netemu.model.meta import name_of
from netemu.model.resources import LEASES, NODES
from netemu.node.context import Cluster, Node
from netemu.node.node_objects import (
    LEASE_NAMESPACE,
    NodeFacts,
    lease_object,
    node_object,
    node_status,
)

_log = logging.getLogger(__name__)


class Registration:
    """The Node and Lease objects of all nodes."""

    def __init__(
        self, facts: Sequence[NodeFacts], cluster: Cluster, nodes: Mapping[str, Node]
    ) -> None:
        self.facts = list(facts)
        """Of every node; in the order of their numbers."""
        self._nodes = nodes
        self._client = cluster.client
        self._settings = cluster.settings
        self._clock = cluster.clock

    async def register(self) -> None:
        """Make the Node objects what they should be; nodes of an earlier run are removed."""
        wanted = {facts.name for facts in self.facts}
        for node in self._client.list(NODES):
            if name_of(node) not in wanted:
                with contextlib.suppress(NotFound):
                    await self._client.delete(NODES, "", name_of(node))
        for facts in self.facts:
            await self._register(facts)

    async def add(self, facts: NodeFacts) -> None:
        """Register one node more, and keep it alive from now on."""
        await self._register(facts)
        self.facts.append(facts)
        await self._quietly(facts, self._renew)

    async def back(self, name: str) -> None:
        """A node that was not heard of for a while is there again."""
        for facts in self.facts:
            if facts.name == name:
                await self._quietly(facts, self._renew)
                await self._quietly(facts, self._report)

    async def _register(self, facts: NodeFacts) -> None:
        old = self._client.get(NODES, "", facts.name)
        node = node_object(facts, old, self._clock.now())
        if old is not None and old["spec"].get("podCIDRs") != node["spec"]["podCIDRs"]:
            # The ranges differ from the last run's, and a node's never changes: it is a new one.
            await self._client.delete(NODES, "", facts.name)
            kept = {key: node["metadata"][key] for key in ("name", "labels", "annotations")}
            old, node = None, {**node, "metadata": kept}
        if old is None:
            stored = await self._client.create(NODES, node)
        else:
            stored = await self._client.update(NODES, node)
        stored = await self._client.update_status(NODES, {**stored, "status": node["status"]})
        words = f"Node {facts.name} status is now: NodeReady"
        self._nodes[facts.name].recorder.event(stored, "Normal", "NodeReady", words)

    async def keep_alive(self) -> None:
        """Renew Leases and heartbeats, for ever."""
        last_status = self._clock.monotonic()
        while True:
            for facts in tuple(self.facts):
                await self._quietly(facts, self._renew)
            await self._clock.sleep(self._settings.lease_seconds)
            if self._clock.monotonic() - last_status >= self._settings.status_seconds:
                last_status = self._clock.monotonic()
                for facts in tuple(self.facts):
                    await self._quietly(facts, self._report)

    async def _quietly(
        self, facts: NodeFacts, work: Callable[[NodeFacts], Awaitable[None]]
    ) -> None:
        """What cannot be written now is written the next time."""
        if not self._nodes[facts.name].standing.reaches.is_set():
            return
        try:
            await work(facts)
        except ApiError as error:
            _log.debug("node %s: %s", facts.name, error)

    async def _renew(self, facts: NodeFacts) -> None:
        node = self._client.get(NODES, "", facts.name)
        if node is None:
            await self._register(facts)  # somebody deleted it; a kubelet registers again
            return
        old = self._client.get(LEASES, LEASE_NAMESPACE, facts.name)
        seconds = self._settings.lease_duration
        lease = lease_object(node, old, seconds, self._clock.now())
        if old is None:
            await self._client.create(LEASES, lease)
        else:
            await self._client.update(LEASES, lease)

    async def _report(self, facts: NodeFacts) -> None:
        while True:
            node = self._client.get(NODES, "", facts.name)
            if node is None:
                return
            status = node_status(facts, node.get("status") or {}, self._clock.now())
            with contextlib.suppress(Conflict):
                await self._client.update_status(NODES, {**node, "status": status})
                return

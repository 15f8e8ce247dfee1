"""The node agent of all emulated nodes.

Entering it registers the nodes and takes over the pods that are in the store: when that is done,
no pod of an earlier run is shown ready. Pods come up afterwards. Leaving it stops the pods and
leaves their objects alone.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from netemu.clock import Clock
from netemu.config.images import ImageMap
from netemu.config.settings import Settings
from netemu.model.addressing import Addressing
from netemu.model.client import Client, Recorder
from netemu.model.resources import NODES
from netemu.node.addresses import PodAddresses
from netemu.node.context import Cluster, Node, Underway
from netemu.node.machine import this_machine
from netemu.node.node_objects import NodeFacts, added_numbers, capacity
from netemu.node.pods import Pods
from netemu.node.power import Power, facts_of
from netemu.node.registration import Registration
from netemu.node.runtime import Runtime
from netemu.node.streams import Streams
from netemu.node.usage import Meter
from netemu.node.volume_files import Tokens, no_tokens
from netemu.tasks import Tasks, task_group

if TYPE_CHECKING:
    from netemu.node.worker import PodWorker

COMPONENT = "kubelet"
"""Who writes statuses and Events, as in any cluster."""


class ClientFor(Protocol):
    """Gives the API to a component."""

    def __call__(self, manager: str) -> Client:
        """The client of that field manager."""


class RecorderFor(Protocol):
    """Gives a component on a node its way to write Events."""

    def __call__(self, component: str, host: str = "") -> Recorder:
        """The recorder of that component."""


class NodeAgent:
    """Registers the nodes and runs their pods while entered."""

    def __init__(
        self,
        *,
        client_for: ClientFor,
        recorder_for: RecorderFor,
        runtime: Runtime,
        clock: Clock,
        settings: Settings,
        addressing: Addressing,
        home: Path,
        dns: str = "",
        tokens: Tokens = no_tokens,
        environment: Mapping[str, str] = os.environ,
        rng: random.Random | None = None,
    ) -> None:
        """`home` keeps pods' folders; `dns` (host:port) is where pods ask that have no network of
        their own; `tokens` makes those that projected volumes ask for; of `environment` containers
        get the PATH.
        """
        self._client = client_for(COMPONENT)
        self._recorder_for = recorder_for
        self._runtime = runtime
        self._clock = clock
        self._settings = settings
        self._addressing = addressing
        self._home = home
        self._dns = dns
        self._tokens = tokens
        self._environment = dict(environment)
        self._rng = rng or random.Random()
        self._workers: dict[str, PodWorker] = {}
        self._stack = AsyncExitStack()
        self._registered = asyncio.Event()
        self._power: Power | None = None
        self.streams = Streams(self._workers, home, runtime)
        """Pods' streams, for the API."""
        self.underway = Underway()
        """What is being done in real time."""
        self.usage = Meter(self._workers, clock)
        """What pods use, for the API and the autoscaler."""

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._running())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, traceback)

    @property
    def power(self) -> Power:
        """What can be done to the nodes, while entered."""
        assert self._power is not None
        return self._power

    async def registered(self) -> None:
        """Wait until nodes are registered and the pods of an earlier run are taken over."""
        await self._registered.wait()

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        self._home.mkdir(parents=True, exist_ok=True)
        machine = this_machine(self._home)
        facts = [
            facts_of(number, self._addressing, machine)
            for number in range(1, self._settings.node.count + 1)
        ]
        facts += [
            facts_of(number, self._addressing, machine, added=True)
            for number in added_numbers(self._client.list(NODES), len(facts))
        ]
        async with task_group() as tasks:
            cluster = self._cluster(tasks, capacity(machine))
            nodes = {item.name: self._node(cluster, item) for item in facts}
            registration = Registration(facts, cluster, nodes)
            await registration.register()
            pods = Pods(cluster, nodes, self._workers)
            self._power = Power(
                cluster,
                registration,
                nodes,
                pods,
                lambda item: self._node(cluster, item),
                addressing=self._addressing,
                machine=machine,
            )
            await pods.adopt()
            self._registered.set()
            tasks.start(pods.follow(), name="pods")
            tasks.start(registration.keep_alive(), name="node leases")
            try:
                yield
            finally:
                await pods.stop()

    def _cluster(self, tasks: Tasks, allocatable: Mapping[str, str]) -> Cluster:
        return Cluster(
            client=self._client,
            runtime=self._runtime,
            clock=self._clock,
            tasks=tasks,
            rng=self._rng,
            settings=self._settings.node,
            images=ImageMap(self._settings.images),
            zone=self._settings.dns.zone,
            api=self._addressing.api,
            dns=self._addressing.dns,
            loopback_dns=self._dns,
            home=self._home,
            environment=self._environment,
            allocatable=allocatable,
            tokens=self._tokens,
            underway=self.underway,
        )

    def _node(self, cluster: Cluster, facts: NodeFacts) -> Node:
        return Node(
            cluster=cluster,
            name=facts.name,
            address=facts.address,
            secondary=facts.secondary,
            addresses=PodAddresses(facts.pod_ranges),
            recorder=self._recorder_for(COMPONENT, facts.name),
        )

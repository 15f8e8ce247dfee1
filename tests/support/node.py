"""Pods to test with, and a node agent over a real registry and real processes."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from netemu.api.registry import Registry
from netemu.clock import Clock, SystemClock
from netemu.config.settings import NodeSettings, Settings
from netemu.model.addressing import Addressing
from netemu.model.client import Client, DeleteOptions
from netemu.model.meta import Object, name_of, uid_of
from netemu.model.resources import CONFIG_MAPS, EVENTS, NAMESPACES, PODS
from netemu.node.agent import NodeAgent
from netemu.node.folders import log_folder
from netemu.store.base import Store
from netemu.store.memory import MemoryStore
from tests.support.clock import FakeClock
from tests.support.runtime import PlainRuntime

LOOPBACK = Addressing(
    services=IPv4Network("127.98.0.0/20"),
    pods=IPv4Network("127.98.128.0/20"),
    nodes=IPv4Network("127.98.64.0/24"),
    load_balancers=(IPv4Address("127.98.64.240"), IPv4Address("127.98.64.250")),
    block=98,
    mirrored=False,
)
PATIENCE = 10.0
"""Seconds after which what should have happened hasn't."""
ROOT_CA = "kube-root-ca.crt"
"""What a controller puts into every namespace."""
LOOK_SECONDS = 0.02
"""How often files and processes, which tell nobody of changes, are looked at."""


def container(name: str = "main", more: Object | None = None, **fields: Any) -> Object:
    return {"name": name, "image": "busybox", **(more or {}), **fields}


def shell(script: str, name: str = "main", **fields: Any) -> Object:
    return container(name, command=["sh", "-c", script], **fields)


def pod(*containers: Object, name: str = "web", **fields: Any) -> Object:
    """A pod as it is in the store, bound to node-1."""
    spec = {
        "nodeName": "node-1",
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "containers": list(containers) or [container()],
        **fields,
    }
    metadata = {"name": name, "namespace": "default", "uid": f"uid-of-{name}"}
    return {"metadata": metadata, "spec": spec, "status": {"phase": "Pending"}}


@dataclass(kw_only=True)
class World:
    """A cluster of an API and a node agent."""

    registry: Registry
    client: Client
    runtime: PlainRuntime
    agent: NodeAgent
    home: Path

    async def run(self, *containers: Object, name: str = "web", **fields: Any) -> None:
        """Create a pod on node-1."""
        obj = pod(*containers, name=name, **fields)
        obj["metadata"].pop("uid")
        await self.client.create(PODS, {"metadata": obj["metadata"], "spec": obj["spec"]})

    def pod(self, name: str = "web") -> Object:
        found = self.client.get(PODS, "default", name)
        assert found is not None
        return found

    def main(self, name: str = "web") -> Object:
        """The status of a pod's first container."""
        statuses = (self.pod(name).get("status") or {}).get("containerStatuses") or [{}]
        return dict(statuses[0])

    def events(self, reason: str) -> list[str]:
        return [e["message"] for e in self.client.list(EVENTS) if e["reason"] == reason]

    async def told(self, reason: str) -> list[str]:
        """Wait for an event; the messages of all with that reason."""
        await self.until(lambda: self.events(reason))
        return self.events(reason)

    async def clear(self) -> None:
        """Delete every pod by force, for those that would not end under a clock that stands."""
        for obj in self.client.list(PODS):
            options = DeleteOptions(grace_seconds=0)
            await self.client.delete(PODS, "default", name_of(obj), options)
        await self.until(lambda: not self.runtime.sandboxes)

    async def until(
        self, holds: Callable[[], object], clock: FakeClock | None = None, step: float = 1.0
    ) -> None:
        """Wait until something holds; it is looked at after each change, and often besides. With a
        `clock`, each look lets `step` seconds pass on it: for processes that take their time.
        """
        changes = self.client.watch(PODS, EVENTS)
        try:
            async with asyncio.timeout(PATIENCE):
                while not holds():
                    if clock is not None:
                        await clock.advance(step)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(changes.batch(), LOOK_SECONDS)
        finally:
            changes.close()

    async def says(self, text: str, name: str = "web") -> None:
        """Wait until a pod's first container has written this."""
        obj = self.pod(name)
        folder = log_folder(self.home, uid_of(obj), obj["spec"]["containers"][0]["name"])

        def holds() -> bool:
            return any(text in path.read_text() for path in folder.glob("*.log"))

        await self.until(holds)

    async def gone(self, name: str = "web") -> None:
        await self.until(lambda: self.client.get(PODS, "default", name) is None)

    async def phase(self, phase: str, name: str = "web") -> None:
        await self.until(lambda: (self.pod(name).get("status") or {}).get("phase") == phase)

    async def state(self, state: str, reason: str = "", name: str = "web") -> None:
        """Wait until the first container is running, waiting or terminated (for that reason)."""

        def holds() -> bool:
            now = (self.main(name).get("state") or {}).get(state)
            return now is not None and (not reason or now.get("reason") == reason)

        await self.until(holds)

    async def ready(self, ready: bool = True, name: str = "web") -> None:
        await self.until(lambda: self.main(name).get("ready") is ready)


@asynccontextmanager
async def world(
    home: Path,
    *,
    clock: Clock | None = None,
    store: Store | None = None,
    images: Path | None = None,
    addressing: Addressing = LOOPBACK,
    **node: Any,
) -> AsyncIterator[World]:
    """An API and a node agent; leaving it leaves no process."""
    clock = clock or SystemClock()
    runtime = PlainRuntime()
    settings = Settings(
        state_dir=home,
        images=images,
        node=replace(NodeSettings(stop_seconds=0.2), **node),
    )
    registry = Registry(
        MemoryStore() if store is None else store,
        clock=clock,
        rng=random.Random(1),
        addressing=addressing,
    )
    async with registry:
        client = registry.client("tests")
        for namespace in ("default", "kube-node-lease"):
            if client.get(NAMESPACES, "", namespace) is None:
                await client.create(NAMESPACES, {"metadata": {"name": namespace}})
        if client.get(CONFIG_MAPS, "default", ROOT_CA) is None:  # every pod mounts it
            metadata = {"name": ROOT_CA, "namespace": "default"}
            await client.create(CONFIG_MAPS, {"metadata": metadata, "data": {"ca.crt": "a CA"}})
        agent = NodeAgent(
            client_for=registry.client,
            recorder_for=registry.recorder,
            runtime=runtime,
            clock=clock,
            settings=settings,
            addressing=addressing,
            home=home,
            dns="127.0.0.1:1053",
            rng=random.Random(2),
        )
        try:
            async with agent:
                yield World(
                    registry=registry, client=client, runtime=runtime, agent=agent, home=home
                )
        finally:
            await runtime.close()

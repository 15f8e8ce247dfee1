"""A control plane without nodes: the real API over a store in memory, controllers, the scheduler.

Time stands still unless it is moved; a test says what the node agent would say.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv4Network

from netemu.api.registry import Registry
from netemu.clock import rfc3339
from netemu.config.settings import ControllerSettings
from netemu.controllers import bootstrap, run_controllers
from netemu.model import resources
from netemu.model.addressing import Addressing
from netemu.model.client import Client, DeleteOptions
from netemu.model.conditions import with_condition
from netemu.model.meta import Object, is_deleting, key_of, name_of
from netemu.model.usage import Usage
from netemu.scheduler import run_scheduler
from netemu.store.memory import MemoryStore
from netemu.tasks import task_group
from tests.support.clock import FakeClock
from tests.support.samples import node

CA = "-----BEGIN CERTIFICATE-----\n"

QUIET_TURNS = 40
"""Turns of the loop without a write after which everybody is taken to be done."""


def addressing(services: str = "10.96.0.0/12") -> Addressing:
    return Addressing(
        services=IPv4Network(services),
        pods=IPv4Network("10.244.0.0/16"),
        nodes=IPv4Network("172.30.0.0/24"),
        load_balancers=(IPv4Address("172.30.0.240"), IPv4Address("172.30.0.250")),
        block=77,
        mirrored=False,
    )


class Control:
    """What a test does with it."""

    def __init__(self, store: MemoryStore, registry: Registry, clock: FakeClock) -> None:
        self.store = store
        self.clock = clock
        self.registry = registry
        self.client: Client = registry.client("test")

    async def settled(self) -> None:
        """Wait until nobody writes any more."""
        seen, quiet = -1, 0
        while quiet < QUIET_TURNS:
            await asyncio.sleep(0)
            quiet = quiet + 1 if self.store.revision == seen else 0
            seen = self.store.revision

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await self.settled()

    async def apply(self, resource: str, obj: Object) -> Object:
        """Create, and wait for the consequences."""
        await self.client.create(resource, obj)
        await self.settled()
        return self.get(resource, name_of(obj), obj["metadata"].get("namespace", ""))

    def get(self, resource: str, name: str, namespace: str = "default") -> Object:
        obj = self.client.get(resource, namespace, name)
        assert obj is not None, f"{resource} {name} is missing"
        return obj

    def all(self, resource: str, namespace: str = "default") -> list[Object]:
        return self.client.list(resource, namespace)

    async def change(self, resource: str, name: str, **spec: object) -> None:
        """Replace fields of a spec, and wait for the consequences."""
        obj = self.get(resource, name)
        await self.client.update(resource, {**obj, "spec": {**obj["spec"], **spec}})
        await self.settled()

    def running(self) -> Sequence[Object]:
        return [pod for pod in self.all(resources.PODS) if not is_deleting(pod)]

    async def report(self, pod: Object, *, ready: bool = True, ip: str = "") -> None:
        """Say of a pod what its node would say."""
        now = self.clock.now()
        status = {"phase": "Running", **(pod.get("status") or {})}
        status["phase"] = "Running"
        new = {"type": "Ready", "status": "True" if ready else "False"}
        status["conditions"] = with_condition(status.get("conditions"), new, now)
        if ip:
            status |= {"podIP": ip, "podIPs": [{"ip": ip}]}
        current = self.get(resources.PODS, name_of(pod))
        await self.client.update_status(resources.PODS, {**current, "status": status})

    async def all_ready(self) -> None:
        """Every pod becomes ready, every terminating one ends; until nothing moves any more."""
        before = -1
        while before != self.store.revision:
            before = self.store.revision
            for number, pod in enumerate(self.all(resources.PODS)):
                if is_deleting(pod):
                    await self.end(pod)
                elif not any(
                    item["type"] == "Ready" and item["status"] == "True"
                    for item in pod["status"].get("conditions") or ()
                ):
                    await self.report(pod, ip=f"10.244.{1 + number // 250}.{1 + number % 250}")
            await self.settled()

    async def end(self, pod: Object) -> None:
        """A terminating pod's processes have ended."""
        await self.client.delete(resources.PODS, *key_of(pod), DeleteOptions(grace_seconds=0))

    def events(self, reason: str) -> list[str]:
        found = [e for e in self.client.list(resources.EVENTS) if e["reason"] == reason]
        return [f"{e['involvedObject']['name']}: {e['message']}" for e in found]

    def stamp(self) -> str:
        return rfc3339(self.clock.now())


@asynccontextmanager
async def control(
    nodes: int = 2,
    limit: int = 100,
    grace: float = 1e9,
    usage: Usage | None = None,
    ready: asyncio.Event | None = None,
) -> AsyncIterator[Control]:
    """Run everything; leaving ends it. Nobody plays the nodes' heartbeats: after `grace` seconds
    they are Unknown.
    """
    store, clock, rng = MemoryStore(), FakeClock(), random.Random(7)
    where = addressing()
    async with Registry(store, clock=clock, rng=rng, addressing=where) as registry:
        plane = Control(store, registry, clock)
        await bootstrap(registry.client("netemu"), where)
        for number in range(nodes):
            await plane.client.create(resources.NODES, node(f"node-{number + 1}"))
        async with task_group() as tasks:
            settings = ControllerSettings(endpoints_per_slice=limit, node_grace_seconds=grace)
            tasks.start(
                run_controllers(
                    registry.client,
                    registry.recorder,
                    clock,
                    where,
                    settings,
                    CA,
                    usage=usage,
                    ready=ready,
                ),
                name="controllers",
            )
            recorder = registry.recorder("default-scheduler")
            tasks.start(
                run_scheduler(registry.client("kube-scheduler"), recorder, clock, rng),
                name="scheduler",
            )
            await plane.settled()
            yield plane

"""Rollouts are found among the changes, each with its own pods and Services."""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any, cast

import pytest

from netemu.daemon.asking import Refused
from netemu.daemon.rollouts import KEPT, Rollouts
from netemu.model.client import Change, Client
from netemu.model.meta import Object
from netemu.model.service import Protocol
from netemu.proxy.policy import Reach
from netemu.proxy.route import Route
from netemu.proxy.site import Backend
from netemu.tasks import task_group
from tests.support.clock import FakeClock

BACKEND = Backend(("default", "web"), "", Protocol.TCP)


class Objects:
    """As much of a client as is asked."""

    def __init__(self) -> None:
        self.all: dict[str, dict[str, Object]] = {}

    def put(self, resource: str, obj: Object) -> Change:
        held = self.all.setdefault(resource, {})
        old = held.get(obj["metadata"]["name"])
        held[obj["metadata"]["name"]] = obj
        return Change(resource, old, obj)

    def take(self, resource: str, name: str) -> Change:
        return Change(resource, self.all[resource].pop(name), None)

    def get(self, resource: str, namespace: str, name: str) -> Object | None:
        return self.all.get(resource, {}).get(name)

    def list(self, resource: str, namespace: str) -> Sequence[Object]:
        return list(self.all.get(resource, {}).values())


def named(name: str, owner: Any = None, **fields: Any) -> Object:
    metadata: Any = {"namespace": "default", "name": name, "uid": f"uid-{name}"}
    if owner is not None:
        kind, who = owner
        reference = {"kind": kind, "name": who, "uid": f"uid-{who}", "controller": True}
        metadata["ownerReferences"] = [reference]
    return {"metadata": metadata, **fields}


def deployment(image: str, *, done: bool = True, revision: int = 1) -> Object:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"image": image}]}}
    obj = named("web", spec={"replicas": 1, "template": template})
    obj["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": str(revision)}
    obj["metadata"]["generation"] = 1
    count = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    obj["status"] = {"observedGeneration": 1, **count} if done else {}
    return obj


def replica_set(name: str, revision: int, image: str) -> Object:
    spec = {"replicas": 1, "template": {"spec": {"containers": [{"image": image}]}}}
    obj = named(name, ("Deployment", "web"), spec=spec)
    obj["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": str(revision)}
    return obj


def pod(name: str, owner: str, address: str) -> Object:
    ready = {"type": "Ready", "status": "True"}
    status = {"phase": "Running", "podIP": address, "conditions": [ready]}
    return named(name, ("ReplicaSet", owner), spec={"nodeName": "n"}, status=status)


class World:
    def __init__(self) -> None:
        self.objects, self.clock = Objects(), FakeClock()
        self.route = Route(BACKEND, self.clock, Random(1))
        self.route.update(Reach((("10.0.0.1", 80),)), None)
        client = cast(Client, self.objects)
        self.rollouts = Rollouts(client, self.clock, lambda: {BACKEND: self.route})
        service = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
        self.objects.put("services", named("web", spec=service))
        self.objects.put("services", named("other", spec={"selector": {"app": "x"}, "ports": []}))

    def put(self, resource: str, obj: Object) -> None:
        self.rollouts.note(self.objects.put(resource, obj))

    def old_version(self) -> None:
        self.put("deployments.apps", deployment("v1"))
        self.put("replicasets.apps", replica_set("web-1", 1, "v1"))
        self.put("pods", pod("a", "web-1", "10.0.0.1"))

    async def report(self, **question: Any) -> Any:
        return await self.rollouts.answer({"namespace": "default", "name": "web", **question})


async def test_a_new_template_begins_a_rollout_and_its_completion_ends_it() -> None:
    world = World()
    world.old_version()
    with pytest.raises(Refused, match="no rollout of deployment/web since"):
        await world.report()
    world.put("deployments.apps", deployment("v2", done=False))
    world.put("replicasets.apps", replica_set("web-2", 2, "v2"))
    world.put("pods", pod("b", "web-2", "10.0.0.2"))
    for address in ("10.0.0.1", "10.0.0.2", "10.0.0.2"):
        world.route.opened((address, 80))
    said = {"kind": "Pod", "namespace": "default", "name": "b"}
    event = {"involvedObject": said, "reason": "Started", "message": "Started container"}
    world.put("events", named("e", **event))
    elsewhere = {**said, "name": "stranger"}
    world.put("events", named("f", **{**event, "involvedObject": elsewhere}))
    world.put("deployments.apps", deployment("v2", revision=2))
    told = await world.report()
    assert told["state"] == "complete"
    assert {row["replicaSet"]: row["connections"] for row in told["versions"]} == {
        "web-1": 1,
        "web-2": 2,
    }
    steps = [row["what"] for row in told["timeline"]]
    assert "Pod b: Started: Started container" in steps
    assert not any("stranger" in step for step in steps)
    world.rollouts.note(world.objects.take("pods", "a"))
    assert (await world.report())["timeline"][-1]["what"] == "Pod a: gone"


async def test_scaling_and_status_begin_nothing() -> None:
    world = World()
    world.old_version()
    scaled = deployment("v1")
    scaled["spec"]["replicas"] = 5
    world.put("deployments.apps", scaled)
    with pytest.raises(Refused, match="no rollout"):
        await world.report()


async def test_the_next_rollout_supersedes_one_and_each_can_be_asked_for() -> None:
    world = World()
    world.old_version()
    world.put("deployments.apps", deployment("v2", done=False))
    world.put("deployments.apps", deployment("v2", done=False, revision=2))
    world.put("deployments.apps", deployment("v3", done=False, revision=2))
    world.put("deployments.apps", deployment("v3", done=False, revision=3))
    assert (await world.report())["revision"] == 3
    assert (await world.report(revision=2))["state"] == "superseded"
    with pytest.raises(Refused, match="no rollout to revision 9"):
        await world.report(revision=9)


async def test_only_the_newest_rollouts_are_kept() -> None:
    world = World()
    world.old_version()
    for number in range(2, KEPT + 12):
        world.put("deployments.apps", deployment(f"v{number}", done=False, revision=number))
    with pytest.raises(Refused, match="no rollout to revision 3"):
        await world.report(revision=3)
    assert (await world.report(revision=KEPT + 10))["revision"] == KEPT + 10


async def test_a_deployment_that_is_gone_has_no_report() -> None:
    world = World()
    world.old_version()
    world.put("deployments.apps", deployment("v2", done=False))
    world.rollouts.note(world.objects.take("deployments.apps", "web"))
    with pytest.raises(Refused, match='deployments.apps "web" not found in namespace "default"'):
        await world.report()


async def test_shares_are_looked_at_while_a_rollout_is_under_way_only() -> None:
    class Feed:
        def __init__(self) -> None:
            self.queue: asyncio.Queue[Change] = asyncio.Queue()

        async def batch(self) -> list[Change]:
            return [await self.queue.get()]

        def close(self) -> None:
            pass

    world, feed, real = World(), Feed(), FakeClock()
    world.objects.watch = lambda *names: feed  # type: ignore[attr-defined]
    client = cast(Client, world.objects)
    rollouts = Rollouts(client, world.clock, lambda: {BACKEND: world.route}, real)
    async with task_group() as tasks:
        tasks.start(rollouts.run(), name="rollouts")
        await _looks(rollouts, world, feed.queue, real)


async def _looks(
    rollouts: Rollouts, world: World, queue: "asyncio.Queue[Change]", real: FakeClock
) -> None:
    queue.put_nowait(world.objects.put("deployments.apps", deployment("v1")))
    await asyncio.sleep(0)
    queue.put_nowait(world.objects.put("deployments.apps", deployment("v2", done=False)))
    for _ in range(6):
        await real.advance(0.6)
    told = await rollouts.answer({"namespace": "default", "name": "web"})
    assert len(told["share"]) >= 5
    done = deployment("v2", revision=2)
    queue.put_nowait(world.objects.put("deployments.apps", done))
    await real.advance(2)
    before = len((await rollouts.answer({"namespace": "default", "name": "web"}))["share"])
    await real.advance(60)
    told = await rollouts.answer({"namespace": "default", "name": "web"})
    assert len(told["share"]) == before

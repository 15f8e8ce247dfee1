"""The lifecycle hooks of a running container: postStart, and preStop with the signal after it."""

import asyncio
import signal
from typing import Any

from msgspec.structs import replace

from netemu.node.context import Cluster
from netemu.node.handlers import carry_out
from netemu.node.owner import Owner
from netemu.node.pod import ContainerSpec
from netemu.node.probe import Handler
from netemu.node.run import Run, hook_of

POST_START_SECONDS = 3600.0
"""Longest postStart hook; upstream has no bound."""
MARGIN = 2.0
"""Seconds a container gets after its preStop hook, even past its grace period (the kubelet's)."""


def begin(owner: Owner, cluster: Cluster, spec: ContainerSpec, run: Run) -> None:
    """The container has started: run its postStart hook, if it has one."""
    hook = hook_of(spec, "postStart")
    if hook is not None:
        owner.change(spec.name, hooking=True)
        _start(cluster, run, _post_start(owner, cluster, spec.name, run, hook), "postStart")


def prepare(owner: Owner, cluster: Cluster, spec: ContainerSpec, run: Run, grace: float) -> None:
    """Run the preStop hook of a container whose turn to be stopped comes later."""
    hook = hook_of(spec, "preStop")
    if hook is not None:
        owner.change(spec.name, prepared=True)
        told = _pre_stop(owner, cluster, spec.name, run, hook, grace)
        run.preparation = _start(cluster, run, told, "preStop")


def end(owner: Owner, cluster: Cluster, spec: ContainerSpec, run: Run, grace: float) -> None:
    """Ask the container to end: its preStop hook first, then SIGTERM."""
    hook, begun = hook_of(spec, "preStop"), run.preparation
    if begun is None and hook is not None and grace > 0:
        begun = _start(
            cluster, run, _pre_stop(owner, cluster, spec.name, run, hook, grace), "preStop"
        )
    if begun is None or begun.done():
        run.process.signal(signal.SIGTERM)
    else:
        _start(cluster, run, _terminate(owner, cluster, spec.name, run, begun), "stop")


def _start(cluster: Cluster, run: Run, work: Any, name: str) -> "asyncio.Task[Any]":
    task = cluster.tasks.start(work, name=name)
    run.hooks.append(task)
    return task


async def _pre_stop(
    owner: Owner, cluster: Cluster, name: str, run: Run, hook: Handler, grace: float
) -> None:
    outcome = await carry_out(hook, run.target, cluster.runtime, cluster.clock, grace)
    if not outcome.ok:
        owner.event("Warning", "FailedPreStopHook", "PreStopHook failed", name)


async def _terminate(
    owner: Owner, cluster: Cluster, name: str, run: Run, hook: "asyncio.Task[Any]"
) -> None:
    await asyncio.wait([hook])
    stopping = owner.container(name).stopping
    if stopping is not None:
        earliest = cluster.clock.monotonic() + MARGIN
        owner.change(name, stopping=replace(stopping, earliest_kill=earliest))
    run.process.signal(signal.SIGTERM)
    owner.wake()


async def _post_start(owner: Owner, cluster: Cluster, name: str, run: Run, hook: Handler) -> None:
    outcome = await carry_out(hook, run.target, cluster.runtime, cluster.clock, POST_START_SECONDS)
    if not outcome.ok:
        owner.event("Warning", "FailedPostStartHook", "PostStartHook failed", name)
        owner.change(name, unhealthy="FailedPostStartHook")
    owner.change(name, hooking=False)
    owner.wake()

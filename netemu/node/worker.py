"""One pod's worker: keeps asking the plan what is due, and does it.

Level-triggered: whatever happens (a new version of the object, a process that ended, a probe's
verdict, a timer) only wakes it, and it looks at everything anew. The state has one owner, this
worker; it is replaced, never changed.
"""

import asyncio
import contextlib
import logging
from typing import Any

from msgspec.structs import replace

from netemu.clock import Timer
from netemu.model.client import DeleteOptions
from netemu.model.errors import Conflict, NotFound
from netemu.model.meta import Object, uid_of
from netemu.model.resources import PODS
from netemu.node import refusals
from netemu.node.active_deadline import MESSAGE, REASON, expired, expires
from netemu.node.addresses import NoAddress
from netemu.node.containers import Containers
from netemu.node.context import Node
from netemu.node.folders import volume_folder
from netemu.node.launch import files_of
from netemu.node.plan import (
    Action,
    CreateSandbox,
    Delete,
    Hold,
    Kill,
    Prepare,
    RemoveSandbox,
    Start,
    Stop,
    ending,
    plan,
)
from netemu.node.pod import Pod, Role, pod_from
from netemu.node.runtime import SandboxSpec
from netemu.node.sandbox_files import hostname
from netemu.node.state import Container, PodState
from netemu.node.status import pod_status
from netemu.node.volume_files import VolumeError
from netemu.node.volumes import Volumes

_log = logging.getLogger(__name__)

_FIELDS = {
    Role.INIT: "initContainers",
    Role.SIDECAR: "initContainers",
    Role.MAIN: "containers",
    Role.EPHEMERAL: "ephemeralContainers",
}
"""Where the spec has containers of a role."""
TRY_AGAIN_SECONDS = 1.0
"""After something that should not have failed."""


class PodWorker:
    """Runs one pod."""

    def __init__(self, node: Node, obj: Object, state: PodState) -> None:
        self._node = node
        self._cluster = node.cluster
        self.pod: Pod = pod_from(obj)
        self.state = state
        self._wrote: Object | None = None
        self._wake = asyncio.Event()
        self._wake.set()
        self._timer: Timer | None = None
        self.volumes = Volumes(node, volume_folder(node.cluster.home, self.pod.uid))
        self._stale = False
        self._volumes_missing = False
        self.containers = Containers(self, node)

    def wake(self) -> None:
        """Look at everything again, soon."""
        self._wake.set()

    def container(self, name: str) -> Container:
        """What is so of one container."""
        return self.state.containers[name]

    def change(self, name: str, **changes: Any) -> None:
        """Replace fields of one container."""
        changed = replace(self.state.containers[name], **changes)
        self.state = replace(self.state, containers={**self.state.containers, name: changed})

    def event(self, kind: str, reason: str, message: str, container: str = "") -> None:
        """Tell of the pod, or of one of its containers."""
        about = self.pod.obj
        if container:
            field = _FIELDS[self.pod.spec(container).role]
            about = {**about, "fieldPath": f"spec.{field}{{{container}}}"}
        self._node.recorder.event(about, kind, reason, message)

    def update(self, obj: Object) -> None:
        """Take a new version of the object."""
        if obj is not self.pod.obj:
            self._stale = self._stale or _told_downward(self.pod.obj) != _told_downward(obj)
            self.pod = pod_from(obj)
            known = self.state.containers
            added = {s.name: Container() for s in self.pod.containers if s.name not in known}
            if added:
                self.state = replace(self.state, containers={**known, **added})
            if self.pod.deleting:
                self.containers.only_readiness()
            self.wake()

    def vanish(self) -> None:
        """The object is gone."""
        self.state = replace(self.state, gone=True)
        self.wake()

    def halt(self, grace: float) -> None:
        """Stop the pod, without touching its object."""
        self.state = replace(self.state, halted=True, halt_grace=grace)
        self.containers.only_readiness()
        self.wake()

    def config_changed(self) -> None:
        """A ConfigMap, Secret or claim changed: whatever waits for one is tried at once, and what
        is mounted brought up to date.
        """
        waits = self.containers.retry_config()
        if self._volumes_missing:
            self.state = replace(self.state, sandbox_retry_at=0.0)
        if self.pod.obj["spec"].get("volumes"):
            self._stale = True
        if waits or self._stale:
            self.wake()

    @property
    def _over(self) -> bool:
        """Whether nothing is left to do for this worker."""
        leaving = self.state.gone or self.state.halted or self.state.deleted
        return leaving and not self.state.sandbox and not self.state.running

    async def run(self) -> None:
        """Work until the pod is gone (or the agent stops and the pod has ended)."""
        while not self._over:
            await self._wake.wait()
            self._wake.clear()
            try:
                with self._cluster.underway:
                    await self._sync()
            except Exception:
                _log.exception("pod %s", self.pod.full_name)
                self._arm(self._cluster.clock.monotonic() + TRY_AGAIN_SECONDS)
        self._arm(None)

    async def _sync(self) -> None:
        due = self.volumes.due
        if self._stale or (due is not None and due <= self._cluster.clock.monotonic()):
            self._stale = False
            await self.volumes.refresh(self.pod)
        while True:
            await self._expire()
            now = self._cluster.clock.monotonic()
            if self.state.ending_since is None and ending(self.pod, self.state):
                self.state = replace(self.state, ending_since=now)
            found = plan(self.pod, self.state, now)
            if not found.actions or Delete() in found.actions:
                await self.write_status()
            if not found.actions:
                self._arm(self._earliest(found.wake))
                return
            for action in found.actions:
                await self._apply(action)

    def _earliest(self, wake: float | None) -> float | None:
        """When to look again: for the plan, or because a token ages."""
        times = [when for when in (wake, self.volumes.due) if when is not None]
        over = expires(self.pod, self.state.start_time)
        if over is not None:
            clock = self._cluster.clock
            times.append(clock.monotonic() + over - clock.now())
        return min(times, default=None)

    async def _expire(self) -> None:
        """Fail the pod when its time is over."""
        over = expires(self.pod, self.state.start_time)
        if over is None or over > self._cluster.clock.now():
            return
        obj = self._cluster.client.get(PODS, self.pod.namespace, self.pod.name)
        if obj is None or uid_of(obj) != self.pod.uid:
            return
        self.event("Normal", REASON, MESSAGE)
        with contextlib.suppress(Conflict, NotFound):  # the next look decides
            status = expired(obj.get("status") or {})
            self.update(await self._cluster.client.update_status(PODS, {**obj, "status": status}))

    def _arm(self, when: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if when is not None:
            delay = when - self._cluster.clock.monotonic()
            self._timer = self._cluster.clock.call_later(delay, self.wake)

    async def _apply(self, action: Action) -> None:
        match action:
            case CreateSandbox():
                await self._create_sandbox()
            case RemoveSandbox():
                await self._remove_sandbox()
            case Start():
                await self.containers.start(self.pod.spec(action.name))
            case Hold():
                refusals.hold(self, self.pod.spec(action.name), action.seconds)
            case Stop():
                self.containers.stop(self.pod.spec(action.name), action.grace, action.message)
            case Prepare():
                self.containers.prepare(self.pod.spec(action.name), action.grace)
            case Kill():
                self.containers.kill(action.name)
            case Delete():
                await self._delete()

    async def _create_sandbox(self) -> None:
        pod, node = self.pod, self._node
        begun_before = self.state.has_run
        if self.state.start_time is None:
            self.state = replace(self.state, start_time=self._cluster.clock.now())
        try:
            await self.volumes.prepare(pod)
            self._volumes_missing = False
            addresses = node.own
            if not pod.host_network:
                addresses = node.addresses.take(pod.uid, self.state.address)
            address, *others = addresses
            spec = SandboxSpec(
                id=pod.uid,
                hostname=hostname(pod.obj, node.name),
                address="" if pod.host_network else address,
                node_address=node.address,
                files=files_of(pod, node, addresses),
                memory=self.volumes.memory,
                secondary=(others[0], node.secondary) if others and not pod.host_network else None,
            )
            await self._cluster.runtime.create_sandbox(spec)
        except VolumeError as error:
            self._volumes_missing = True
            self._sandbox_failed("FailedMount", str(error))
            return
        except (OSError, NoAddress) as error:
            words = f"Failed to create pod sandbox: {error}"
            self._sandbox_failed("FailedCreatePodSandBox", words)
            return
        other = "".join(others)
        self.state = replace(self.state, sandbox=True, address=address, secondary=other)
        if begun_before:
            words = "Pod sandbox changed, it will be killed and re-created."
            self.event("Normal", "SandboxChanged", words)

    def _sandbox_failed(self, reason: str, why: str) -> None:
        now = self._cluster.clock.monotonic()
        retry = self.state.sandbox_retry.after(now, now)
        self.state = replace(self.state, sandbox_retry=retry, sandbox_retry_at=now + retry.delay)
        self.event("Warning", reason, why)

    async def _remove_sandbox(self) -> None:
        await self._cluster.runtime.remove_sandbox(self.pod.uid)
        self.state = replace(self.state, sandbox=False)
        self._node.addresses.release(self.pod.uid)

    def catch_up(self) -> None:
        """The node was cut off: others may have written what it said last."""
        self._wrote = None
        self.wake()

    async def _delete(self) -> None:
        await self._node.standing.reaches.wait()
        options = DeleteOptions(grace_seconds=0, uid=self.pod.uid)
        # Somebody was faster, or it has a successor of the same name.
        with contextlib.suppress(NotFound, Conflict):
            await self._cluster.client.delete(PODS, self.pod.namespace, self.pod.name, options)
        # With finalizers of its own the object stays; it is nobody's work here any more.
        self.state = replace(self.state, deleted=True)

    async def write_status(self) -> None:
        """Write the status if it differs from the object's."""
        if not self._node.standing.reaches.is_set():
            return  # nobody would hear it
        while not (self.state.gone or self.state.deleted or self.state.halted or self.state.over):
            obj = self._cluster.client.get(PODS, self.pod.namespace, self.pod.name)
            if obj is None or uid_of(obj) != self.pod.uid:
                self.vanish()
                return
            self.update(obj)
            status = pod_status(self.pod, self.state, self._node.own, self._cluster.clock.now())
            if status in (obj.get("status"), self._wrote):
                return
            try:
                await self._cluster.client.update_status(PODS, {**obj, "status": status})
            except Conflict:
                continue
            except NotFound:
                self.vanish()
                return
            self._wrote = status


def _told_downward(obj: Object) -> tuple[object, object]:
    """What files of the downward API can change with."""
    return obj["metadata"].get("labels"), obj["metadata"].get("annotations")

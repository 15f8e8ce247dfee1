"""The pods of all nodes: taken over at start, followed by one watch, stopped at the end.

Order at start: first the status of every pod that an earlier run left behind (nothing of it runs,
so nothing may be shown ready), only then the workers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from netemu.late import late
from netemu.model.client import Change
from netemu.model.errors import Conflict, NotFound
from netemu.model.meta import Object, is_deleting, name_of, namespace_of, uid_of
from netemu.model.resources import CONFIG_MAPS, NODES, PERSISTENT_VOLUME_CLAIMS, PODS, SECRETS
from netemu.node.addresses import NoAddress
from netemu.node.context import Cluster, Node
from netemu.node.folders import pod_folder

# What runs a pod is a third of the package, and a new cluster has none.
if TYPE_CHECKING:
    from netemu.node import admission, adoption
    from netemu.node.admission import Rejection
    from netemu.node.worker import PodWorker
else:
    admission = late("netemu.node.admission")
    adoption = late("netemu.node.adoption")
    PodWorker = late("netemu.node.worker").PodWorker

_log = logging.getLogger(__name__)

REJECT_ATTEMPTS = 5
"""How often to write that a pod was refused, when others write to it at the same time."""

STOP_MARGIN = 2.0
"""Seconds past the longest grace period in which the last sandbox must be gone at stop."""


class Pods:
    """The pods of all nodes, one worker each; `workers` (by uid) is the caller's to read."""

    def __init__(
        self, cluster: Cluster, nodes: Mapping[str, Node], workers: dict[str, PodWorker]
    ) -> None:
        self._cluster = cluster
        self._nodes = nodes
        self._workers = workers
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """What works for each pod, by uid."""
        self._changes = cluster.client.watch(PODS, CONFIG_MAPS, PERSISTENT_VOLUME_CLAIMS, SECRETS)

    async def adopt(self) -> None:
        """Take over the pods that are in the store, without starting anything yet."""
        found = [obj for obj in self._cluster.client.list(PODS) if self._is_ours(obj)]
        await asyncio.to_thread(_forget_folders, self._cluster.home, {uid_of(o) for o in found})
        await self._adopt(found)

    async def _adopt(self, found: Sequence[Object]) -> None:
        adopted = []
        for obj in found:
            worker = self._new_worker(obj)
            adopted.append(worker)
            state = worker.state
            if not state.over and not is_deleting(obj) and not worker.pod.host_network:
                with contextlib.suppress(NoAddress):  # the worker will say so
                    self._nodes[worker.pod.node].addresses.take(worker.pod.uid, state.address)
            if state.has_run:
                await worker.write_status()
        for worker in adopted:
            self._run(worker)

    async def stop_node(self, name: str) -> None:
        """End everything on a node, without a word to the API."""
        workers = self._on(name)
        for worker in workers:
            worker.halt(0.0)
        for worker in workers:
            await self._cluster.runtime.remove_sandbox(worker.pod.uid)
        tasks = [task for worker in workers if (task := self._tasks.get(worker.pod.uid))]
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_MARGIN)

    def _on(self, name: str) -> list[PodWorker]:
        return [worker for worker in self._workers.values() if worker.pod.node == name]

    async def start_node(self, name: str) -> None:
        """Take over the pods of a node that comes back, as after a start of the whole."""
        have = set(self._workers)
        found = [
            obj
            for obj in self._cluster.client.list(PODS)
            if obj["spec"].get("nodeName") == name and uid_of(obj) not in have
        ]
        await self._adopt(found)

    async def catch_up(self, name: str) -> None:
        """Tell a node that was cut off what it missed."""
        for worker in self._on(name):
            obj = self._cluster.client.get(PODS, worker.pod.namespace, worker.pod.name)
            if obj is None or uid_of(obj) != worker.pod.uid:
                worker.vanish()
            else:
                worker.update(obj)
                worker.catch_up()
        for obj in self._cluster.client.list(PODS):
            if obj["spec"].get("nodeName") == name and uid_of(obj) not in self._workers:
                self._run(self._new_worker(obj))

    def _is_ours(self, obj: Object) -> bool:
        node = self._nodes.get(obj["spec"].get("nodeName", ""))
        return node is not None and node.standing.running

    def _exists(self, obj: Object) -> bool:
        """Whether it is still there: what we delete ourselves is done before we hear of it."""
        now = self._cluster.client.get(PODS, namespace_of(obj), name_of(obj))
        return now is not None and uid_of(now) == uid_of(obj)

    def _new_worker(self, obj: Object) -> PodWorker:
        node = self._nodes[obj["spec"]["nodeName"]]
        worker = PodWorker(node, obj, adoption.state_from(obj, self._cluster.clock.now()))
        self._workers[worker.pod.uid] = worker
        return worker

    def _run(self, worker: PodWorker) -> None:
        name = f"pod {worker.pod.namespace}/{worker.pod.name}"
        task = self._cluster.tasks.start(self._work(worker), name=name)
        self._tasks[worker.pod.uid] = task
        task.add_done_callback(lambda _: self._tasks.pop(worker.pod.uid, None))

    async def _work(self, worker: PodWorker) -> None:
        await worker.run()
        uid = worker.pod.uid
        self._workers.pop(uid, None)
        if not worker.state.halted:
            folder = pod_folder(self._cluster.home, uid)
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def follow(self) -> None:
        """Pass changes on to the workers, for ever."""
        while True:
            for change in await self._changes.batch():
                self._pass_on(change)

    def _pass_on(self, change: Change) -> None:
        if change.resource != PODS:
            if change.new is not None:
                self._config_changed(namespace_of(change.new))
            return
        node = self._nodes.get(change.object["spec"].get("nodeName", ""))
        if node is not None and not node.standing.reaches.is_set():
            return  # it hears of that when it is healed
        worker = self._workers.get(uid_of(change.object))
        if change.new is None:
            if worker is not None:
                worker.vanish()
        elif worker is not None:
            worker.update(change.new)
        elif self._is_ours(change.new) and self._exists(change.new):
            why = self._rejection(change.new)
            if why is None:
                self._run(self._new_worker(change.new))
            else:
                task = self._reject(change.new, why)
                self._cluster.tasks.start(task, name=f"refusal of {name_of(change.new)}")

    def _rejection(self, obj: Object) -> Rejection | None:
        """Why its node refuses a new pod, if it does."""
        name = obj["spec"]["nodeName"]
        node = self._cluster.client.get(NODES, "", name)
        if node is None or not admission.may_be_judged(obj):
            return None
        others = (worker.pod.obj for worker in self._workers.values() if worker.pod.node == name)
        return admission.rejection(obj, node, others)

    async def _reject(self, obj: Object, why: Rejection) -> None:
        """Say that a pod has failed before it began."""
        client = self._cluster.client
        self._nodes[obj["spec"]["nodeName"]].recorder.event(obj, "Warning", why.reason, why.message)
        for _ in range(REJECT_ATTEMPTS):
            now = client.get(PODS, namespace_of(obj), name_of(obj))
            if now is None or uid_of(now) != uid_of(obj):
                return
            status = admission.rejected(now.get("status") or {}, why)
            with contextlib.suppress(Conflict, NotFound):
                await client.update_status(PODS, {**now, "status": status})
                return

    def _config_changed(self, namespace: str) -> None:
        for worker in self._workers.values():
            if worker.pod.namespace == namespace:
                worker.config_changed()

    async def stop(self) -> None:
        """SIGTERM to every pod, the shorter of its grace period and ours, and then the end. The
        objects stay as they are: the next start finds them.
        """
        self._changes.close()
        grace = self._cluster.settings.stop_seconds
        for worker in self._workers.values():
            worker.halt(grace)
        if self._tasks:
            _, late = await asyncio.wait(tuple(self._tasks.values()), timeout=grace + STOP_MARGIN)
            if late:
                _log.warning("%d pods did not stop in time", len(late))


def _forget_folders(home: Path, uids: Iterable[str]) -> None:
    """Remove what earlier runs left of pods that no longer exist."""
    folder, known = pod_folder(home, ""), set(uids)
    if folder.is_dir():
        for path in folder.iterdir():
            if path.name not in known:
                shutil.rmtree(path, ignore_errors=True)

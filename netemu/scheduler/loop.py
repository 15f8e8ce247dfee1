"""The scheduler's loop: every pod without a node gets one, or is told why there is none.

Pods that fit nowhere wait until a node changes or a pod leaves one. A pod counts on its node from
the moment of its binding, so the next decision already sees it.
"""

import asyncio
import logging
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from msgspec.structs import replace

from netemu.clock import Clock
from netemu.model import resources
from netemu.model.client import Change, Changes, Client, DeleteOptions, Recorder
from netemu.model.conditions import condition, with_condition
from netemu.model.errors import ApiError, Conflict, NotFound
from netemu.model.meta import (
    Key,
    Object,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from netemu.scheduler import claims
from netemu.scheduler.decision import (
    Chosen,
    Decision,
    Unschedulable,
    decide,
    explanation,
    nowhere,
)
from netemu.scheduler.facts import Pod, node_from, pod_from
from netemu.scheduler.filters import Reason
from netemu.scheduler.usage import Cluster
from netemu.tasks import task_group
from netemu.workqueue import WorkQueue

NAME = "default-scheduler"
"""What pods call it in ``spec.schedulerName``; others are left to their own schedulers."""

logger = logging.getLogger(__name__)


async def run_scheduler(
    client: Client, recorder: Recorder, clock: Clock, rng: random.Random
) -> None:
    """Schedule pods until cancelled."""
    queue: WorkQueue[Key] = WorkQueue(clock)
    changes = client.watch(resources.NODES, resources.PERSISTENT_VOLUME_CLAIMS, resources.PODS)
    scheduler = Scheduler(client, recorder, clock, rng, queue)
    try:
        async with task_group() as tasks:
            tasks.start(_follow(scheduler, changes), name="scheduler watch")
            await _work(scheduler, queue)
    finally:
        changes.close()
        queue.close()


async def _follow(scheduler: "Scheduler", changes: Changes) -> None:
    while True:
        for change in await changes.batch():
            try:
                scheduler.observe(change)
            except Exception:
                logger.exception("scheduler could not take note of a change")


async def _work(scheduler: "Scheduler", queue: WorkQueue[Key]) -> None:
    complaints: dict[Key, str] = {}
    while True:
        key = await queue.get()
        try:
            await scheduler.schedule(key)
        except (Conflict, NotFound):
            queue.retry(key)  # the pod changed or went; the next look decides
        except Exception as error:
            if complaints.get(key) != str(error):
                complaints[key] = str(error)
                bug = None if isinstance(error, ApiError) else error
                logger.warning("scheduler will retry %s: %s", key, error, exc_info=bug)
            queue.retry(key)
        else:
            complaints.pop(key, None)
            queue.done(key)
        await asyncio.sleep(0)


class Scheduler:
    """What is known of the cluster, and one pod's turn."""

    def __init__(
        self,
        client: Client,
        recorder: Recorder,
        clock: Clock,
        rng: random.Random,
        queue: WorkQueue[Key],
    ) -> None:
        self._client = client
        self._recorder = recorder
        self._clock = clock
        self._rng = rng
        self._queue = queue
        self._cluster = Cluster()
        self._nominated: dict[Key, Pod] = {}
        """Pods that others leave a node for."""
        self._waiting: dict[Key, str] = {}
        """Pods that fit nowhere, with the reason that was told last."""

    def observe(self, change: Change) -> None:
        """Take note of a node's or pod's change."""
        if change.resource == resources.NODES:
            self._observe_node(change)
            return
        if change.resource == resources.PERSISTENT_VOLUME_CLAIMS:
            self._try_again()
            return
        key, pod = key_of(change.object), change.new
        if pod is None or _has_ended(pod):
            self._waiting.pop(key, None)
            self._nominated.pop(key, None)
            if self._cluster.remove(key):
                self._try_again()
        elif node := pod["spec"].get("nodeName"):
            self._waiting.pop(key, None)
            self._nominated.pop(key, None)
            if not self._cluster.is_placed(key, uid_of(pod), node) or _moved(change.old, pod):
                self._cluster.place(pod_from(pod), node)
        elif _is_ours(pod) and (change.old is None or _spec_changed(change.old, pod)):
            self._queue.add(key)

    def _observe_node(self, change: Change) -> None:
        if change.new is None:
            self._cluster.drop_node(name_of(change.object))
            self._try_again()
        elif self._cluster.put_node(node_from(change.new)):
            self._try_again()

    def _try_again(self) -> None:
        for key in sorted(self._waiting, key=self._importance):
            self._queue.add(key)

    def _importance(self, key: Key) -> int:
        obj = self._client.get(resources.PODS, *key)
        return -int((obj or {"spec": {}})["spec"].get("priority") or 0)

    def _namespace_labels(self, namespace: str) -> Mapping[str, str]:
        obj = self._client.get(resources.NAMESPACES, "", namespace)
        return labels_of(obj) if obj is not None else {}

    @contextmanager
    def _with_guests(self, pod: Pod) -> Iterator[None]:
        """Within the block pods count as being where others leave a node for them."""
        guests = [
            other
            for other in self._nominated.values()
            if other.key != pod.key and other.priority >= pod.priority
        ]
        for guest in guests:
            self._cluster.place(guest, guest.nominated)
        try:
            yield
        finally:
            for guest in guests:
                self._cluster.remove(guest.key)

    def _decide(self, pod: Pod) -> Decision:
        with self._with_guests(pod):
            return decide(pod, self._cluster, self._rng, self._namespace_labels)

    async def schedule(self, key: Key) -> None:
        """Decide about one pod and bind it. Raises Conflict, NotFound when it changed meanwhile."""
        obj = self._client.get(resources.PODS, *key)
        if obj is None or not _is_ours(obj):
            self._waiting.pop(key, None)
            return
        # From now on: what changes while this pod is being judged makes it due again.
        self._waiting.setdefault(key, "")
        pod = pod_from(obj)
        problem = claims.objection(self._client, obj)
        if pod.nominated:
            self._nominated[key] = pod
        decision = self._decide(pod)
        if problem and isinstance(decision, Chosen):
            decision = Unschedulable(nowhere(problem, len(self._cluster.nodes)), {})
        match decision:
            case Chosen(node) if await self._told_claims(key, obj, node):
                return
            case Chosen(node):
                await self._client.bind(*key, node)
                self._cluster.place(pod, node)
                self._waiting.pop(key, None)
                self._nominated.pop(key, None)
                text = f"Successfully assigned {namespace_of(obj)}/{name_of(obj)} to {node}"
                self._recorder.event(obj, "Normal", "Scheduled", text)
            case Unschedulable(message, refused) if self._cluster.has_less_than(pod.priority):
                await self._make_room(obj, pod, message, refused)
            case Unschedulable(message):
                await self._refuse(key, obj, message)

    async def _make_room(
        self, obj: Object, pod: Pod, message: str, refused: Mapping[str, Sequence[Reason]]
    ) -> None:
        """Let pods of lower priority leave, if that helps."""
        from netemu.scheduler import preemption  # late: most pods have no priority

        if preemption.waits(pod, self._cluster):
            told = explanation(pod, refused, preemption.TERMINATING)
            await self._refuse(pod.key, obj, told)
            return
        budgets = self._client.list(resources.POD_DISRUPTION_BUDGETS)
        with self._with_guests(pod):
            of = self._namespace_labels
            found = preemption.victims(pod, self._cluster, refused, budgets, of)
        if found is None:
            await self._refuse(pod.key, obj, message)
            return
        self._nominated[pod.key] = replace(pod, nominated=found.node)
        await self._refuse(pod.key, obj, explanation(pod, refused, ""), found.node)
        for victim in found.pods:
            with suppress(NotFound):
                await self._preempt(victim, pod, found.node)

    async def _preempt(self, victim: Pod, pod: Pod, node: str) -> None:
        """Delete a pod, and say for whom."""
        obj = self._client.get(resources.PODS, *victim.key)
        if obj is None or uid_of(obj) != victim.uid or is_deleting(obj):
            return
        why = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "PreemptionByScheduler",
            "message": f"{NAME}: preempting to accommodate a higher priority pod",
        }
        status = obj.get("status") or {}
        conditions = with_condition(status.get("conditions"), why, self._clock.now())
        marked = {**obj, "status": {**status, "conditions": conditions}}
        await self._client.update_status(resources.PODS, marked)
        await self._client.delete(resources.PODS, *victim.key, DeleteOptions(uid=victim.uid))
        self._recorder.event(
            obj, "Normal", "Preempted", f"Preempted by pod {pod.uid} on node {node}"
        )

    async def _told_claims(self, key: Key, obj: Object, node: str) -> bool:
        """Tell claims that wait for the pod its node; whether the pod has to wait for them."""
        unbound = list(claims.unbound(self._client, obj))
        for claim in unbound:
            told = claims.with_node(claim, node)
            if told is not claim:
                await self._client.update(resources.PERSISTENT_VOLUME_CLAIMS, told)
        return bool(unbound)

    async def _refuse(self, key: Key, obj: Object, message: str, nominated: str = "") -> None:
        if self._waiting.get(key) == message and not nominated:
            return
        self._recorder.event(obj, "Warning", "FailedScheduling", message)
        before = condition(obj, "PodScheduled") or {}
        same = before.get("reason") == "Unschedulable" and before.get("message") == message
        if nominated or not same:
            new = {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": message,
            }
            status = obj.get("status") or {}
            conditions = with_condition(status.get("conditions"), new, self._clock.now())
            named = {"nominatedNodeName": nominated} if nominated else {}
            changed = {**obj, "status": {**status, **named, "conditions": conditions}}
            await self._client.update_status(resources.PODS, changed)
        self._waiting[key] = message


def _has_ended(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _is_ours(pod: Object) -> bool:
    """Whether this scheduler is to find a node for the pod."""
    spec = pod["spec"]
    return not (
        spec.get("nodeName")
        or spec.get("schedulingGates")
        or is_deleting(pod)
        or _has_ended(pod)
        or spec.get("schedulerName", NAME) != NAME
    )


def _moved(old: Object | None, new: Object) -> bool:
    """Whether a placed pod counts otherwise than before."""
    return old is not None and (
        labels_of(old) is not labels_of(new)
        and labels_of(old) != labels_of(new)
        or is_deleting(old) != is_deleting(new)
    )


def _spec_changed(old: Object, new: Object) -> bool:
    return bool(old["spec"] != new["spec"])

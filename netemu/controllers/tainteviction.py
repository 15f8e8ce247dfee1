"""The taint eviction controller: pods leave nodes whose NoExecute taints they don't tolerate.

A toleration with a time lets a pod stay that long (upstream: pkg/controller/tainteviction).
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from netemu.clock import parse_rfc3339
from netemu.controllers.actions import Action, Delete, Tell, WriteStatus, execute
from netemu.controllers.index import Index
from netemu.controllers.podgc import bound
from netemu.controllers.runner import Context
from netemu.model import resources
from netemu.model.client import Change
from netemu.model.conditions import with_condition
from netemu.model.meta import Key, Object, is_deleting, key_of, name_of, namespace_of, uid_of


class Observed(Struct, frozen=True, kw_only=True):
    """What a plan is made from."""

    pod: Object
    taints: Sequence[Object]
    """The NoExecute ones of its node."""
    now: float
    since: float
    """When the taints were first seen; those that tell when they were added are older."""


def leaves_in(seen: Observed) -> float | None:
    """Seconds until the pod must go; None while it may stay."""
    if is_deleting(seen.pod) or not seen.taints:
        return None
    waits: list[float] = []
    for taint in seen.taints:
        matching = [item for item in _tolerations(seen.pod) if _tolerates(item, taint)]
        if not matching:
            return 0.0
        limits = [
            float(item["tolerationSeconds"])
            for item in matching
            if item.get("tolerationSeconds") is not None
        ]
        if limits:
            added = taint.get("timeAdded")
            since = parse_rfc3339(added) if added else seen.since
            waits.append(max(0.0, since + max(0.0, min(limits)) - seen.now))
    return min(waits, default=None)


def _tolerations(pod: Object) -> Sequence[Object]:
    return pod["spec"].get("tolerations") or ()


def _tolerates(item: Object, taint: Object) -> bool:
    if item.get("effect") not in (None, "", taint["effect"]):
        return False
    if item.get("key") not in (None, "", taint["key"]):
        return False
    if item.get("operator") == "Exists":
        return True
    return bool(item.get("key")) and (item.get("value") or "") == (taint.get("value") or "")


def plan(seen: Observed) -> list[Action]:
    """Delete the pod, if it is time; it says why."""
    if leaves_in(seen) != 0.0:
        return []
    pod = seen.pod
    status = pod.get("status") or {}
    why = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "DeletionByTaintManager",
        "message": "Taint manager: deleting due to NoExecute taint",
    }
    conditions = with_condition(status.get("conditions"), why, seen.now)
    said = f"Marking for deletion Pod {namespace_of(pod)}/{name_of(pod)}"
    return [
        Tell(pod, "Normal", "TaintManagerEviction", said),
        WriteStatus(resources.PODS, pod, {**status, "conditions": conditions}),
        Delete(resources.PODS, pod),
    ]


def _no_execute(node: Object | None) -> list[Object]:
    taints = ((node or {}).get("spec") or {}).get("taints") or ()
    return [item for item in taints if item["effect"] == "NoExecute"]


class TaintEvictionController:
    """Looks at pods whose node has NoExecute taints."""

    resources = (resources.NODES, resources.PODS)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._clock = context.clock
        self._pods = Index(context.client, bound)
        self._since: dict[Key, tuple[str, float]] = {}
        """Pods that are to leave some time: their uid, and when their taints were first seen."""

    def observe(self, change: Change) -> Iterable[Key]:
        """The pods of a node whose taints change, and pods that come to a tainted node."""
        if change.resource == resources.NODES:
            if _no_execute(change.old) != _no_execute(change.new):
                for pod in self._pods.objects(name_of(change.object)):
                    yield key_of(pod)
            return
        self._pods.observe(change)
        new = change.new
        if new is not None and self._taints(new) and not _same(change.old, new):
            yield key_of(new)

    def _taints(self, pod: Object) -> list[Object]:
        name = pod["spec"].get("nodeName")
        return _no_execute(self._client.get(resources.NODES, "", name)) if name else []

    async def sync(self, key: Key) -> float | None:
        """Let one pod go, or look again when it must."""
        pod, now = self._client.get(resources.PODS, *key), self._clock.now()
        if pod is None:
            self._since.pop(key, None)
            return None
        uid, since = self._since.get(key, ("", now))
        since = since if uid == uid_of(pod) else now
        seen = Observed(pod=pod, taints=self._taints(pod), now=now, since=since)
        left = leaves_in(seen)
        if left is not None:
            self._since[key] = uid_of(pod), since
        elif self._since.pop(key, None) and not is_deleting(pod):
            said = f"Cancelling deletion of Pod {namespace_of(pod)}/{name_of(pod)}"
            self._recorder.event(pod, "Normal", "TaintManagerEviction", said)
        await execute(self._client, self._recorder, plan(seen))
        return left or None


def _same(old: Object | None, new: Object) -> bool:
    """Whether nothing changed that matters here: where it runs, and what it tolerates."""
    if old is None:
        return False
    keys = ("nodeName", "tolerations")
    return all(old["spec"].get(key) == new["spec"].get(key) for key in keys)

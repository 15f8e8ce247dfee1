"""The node lifecycle controller: nodes that are no longer heard of become Unknown, and tainted.

A node is heard of by its Lease and by the heartbeats in its conditions (upstream: pkg/controller/
nodelifecycle). Its pods are marked not ready; who must leave is the taint eviction controller's.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from netemu.clock import parse_rfc3339, rfc3339
from netemu.controllers.actions import Action, Tell, Update, WriteStatus, execute
from netemu.controllers.index import Index
from netemu.controllers.podgc import bound
from netemu.controllers.pods import created_at
from netemu.controllers.runner import Context
from netemu.model import resources
from netemu.model.client import Change
from netemu.model.conditions import condition, with_condition
from netemu.model.meta import Object, name_of, namespace_of

LEASE_NAMESPACE = "kube-node-lease"
NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
_PRESSURES = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
}
_KINDS = ("Ready", *_PRESSURES)


class Observed(Struct, frozen=True, kw_only=True):
    """What a plan is made from."""

    node: Object
    lease: Object | None
    pods: Sequence[Object]
    """Those bound to the node."""
    now: float
    grace: float
    """Seconds without a word after which nobody knows how a node is."""


def heard_of(node: Object, lease: Object | None) -> float:
    """When the node was last heard of, in seconds since the epoch."""
    times = [created_at(node)]
    ready = condition(node, "Ready")
    # Who wrote Unknown was not the node.
    if ready is not None and ready["status"] != "Unknown" and ready.get("lastHeartbeatTime"):
        times.append(parse_rfc3339(ready["lastHeartbeatTime"]))
    renewed = ((lease or {}).get("spec") or {}).get("renewTime")
    if renewed:
        times.append(parse_rfc3339(renewed))
    return max(times)


def plan(seen: Observed) -> list[Action]:
    """The node's conditions, its taints, and its pods' readiness."""
    lost = seen.now >= heard_of(seen.node, seen.lease) + seen.grace
    node, actions = seen.node, list[Action]()
    if lost:
        status = _unknown(seen)
        if status != node.get("status"):
            actions.append(WriteStatus(resources.NODES, node, status))
            said = f"Node {name_of(node)} status is now: NodeNotReady"
            actions.append(Tell(node, "Normal", "NodeNotReady", said))
        node = {**node, "status": status}
    taints = wanted_taints(node, seen.now)
    if taints != (seen.node["spec"].get("taints") or []):
        # The status may just have been written: the executor reads what is newest.
        actions.append(Update(resources.NODES, _with_taints(seen.node, taints)))
    ready = condition(node, "Ready")
    if ready is not None and ready["status"] != "True":
        for pod in seen.pods:
            actions += _unready(pod, seen.now)
    return actions


def _unknown(seen: Observed) -> Object:
    status = seen.node.get("status") or {}
    conditions = status.get("conditions") or []
    have = {item["type"]: item for item in conditions}
    for kind in _KINDS:
        if have.get(kind, {}).get("status") == "Unknown":
            continue
        never = kind not in have
        words = "never posted node status" if never else "stopped posting node status"
        new = {
            "type": kind,
            "status": "Unknown",
            "reason": "NodeStatusNeverUpdated" if never else "NodeStatusUnknown",
            "message": f"Kubelet {words}.",
        }
        if never:
            new["lastHeartbeatTime"] = rfc3339(created_at(seen.node))
        conditions = with_condition(conditions, new, seen.now)
    return {**status, "conditions": conditions}


def wanted_taints(node: Object, now: float) -> list[Object]:
    """The node's taints: others' as they are, ours as its conditions say."""
    conditions = {
        item["type"]: item["status"] for item in (node.get("status") or {}).get("conditions") or ()
    }
    wanted: list[tuple[str, str]] = []
    ready = conditions.get("Ready")
    key = {"False": NOT_READY, "Unknown": UNREACHABLE}.get(ready or "")
    if node["spec"].get("unschedulable"):
        wanted.append((UNSCHEDULABLE, "NoSchedule"))
    wanted += [
        (taint, "NoSchedule")
        for kind, taint in _PRESSURES.items()
        if conditions.get(kind) == "True"
    ]
    if key is not None:
        wanted += [(key, "NoSchedule"), (key, "NoExecute")]
    ours = {NOT_READY, UNREACHABLE, UNSCHEDULABLE, *_PRESSURES.values()}
    have = node["spec"].get("taints") or []
    kept = [
        item for item in have if item["key"] not in ours or (item["key"], item["effect"]) in wanted
    ]
    present = {(item["key"], item["effect"]) for item in kept}
    stamp = rfc3339(now)
    return [
        *kept,
        *(
            {"key": key, "effect": effect, "timeAdded": stamp}
            for key, effect in wanted
            if (key, effect) not in present
        ),
    ]


def _with_taints(node: Object, taints: list[Object]) -> Object:
    spec = {key: value for key, value in node["spec"].items() if key != "taints"}
    return {**node, "spec": {**spec, "taints": taints} if taints else spec}


def _unready(pod: Object, now: float) -> list[Action]:
    """The pod serves nobody any more; its node can't say so itself."""
    ready = condition(pod, "Ready")
    if ready is None or ready["status"] != "True":
        return []
    status = pod["status"]
    new = {"type": "Ready", "status": "False"}
    conditions = with_condition(status["conditions"], new, now)
    return [
        WriteStatus(resources.PODS, pod, {**status, "conditions": conditions}),
        Tell(pod, "Warning", "NodeNotReady", "Node is not ready"),
    ]


class NodeLifecycleController:
    """Looks at each node whenever it is heard of, and when it should have been."""

    resources = (resources.NODES, resources.LEASES, resources.PODS)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._clock = context.clock
        self._grace = context.settings.node_grace_seconds
        self._pods = Index(context.client, bound)

    def observe(self, change: Change) -> Iterable[str]:
        """A node's own change, its Lease's, and a pod of a node that isn't ready."""
        if change.resource == resources.NODES:
            return (name_of(change.object),)
        if change.resource == resources.LEASES:
            ours = namespace_of(change.object) == LEASE_NAMESPACE
            return (name_of(change.object),) if ours else ()
        self._pods.observe(change)
        if change.new is None or not _is_ready(change.new):
            return ()
        return [name for name in bound(change.new) if self._is_lost(name)]

    def _is_lost(self, name: str) -> bool:
        node = self._client.get(resources.NODES, "", name)
        return node is not None and not _is_ready(node)

    async def sync(self, key: str) -> float | None:
        """Look at one node."""
        node = self._client.get(resources.NODES, "", key)
        if node is None:
            return None
        lease = self._client.get(resources.LEASES, LEASE_NAMESPACE, key)
        now = self._clock.now()
        seen = Observed(
            node=node,
            lease=lease,
            pods=self._pods.objects(key) if _may_be_lost(node, lease, now, self._grace) else (),
            now=now,
            grace=self._grace,
        )
        await execute(self._client, self._recorder, _ordered(plan(seen)))
        wait = heard_of(node, lease) + self._grace - self._clock.now()
        return wait if wait > 0 else None


def _may_be_lost(node: Object, lease: Object | None, now: float, grace: float) -> bool:
    return not _is_ready(node) or now >= heard_of(node, lease) + grace


def _ordered(actions: list[Action]) -> list[Action]:
    """Spec first: a write to the status moves the version that the other was planned with."""
    return sorted(actions, key=lambda action: not isinstance(action, Update))


def _is_ready(obj: Object) -> bool:
    found = condition(obj, "Ready")
    return found is not None and found["status"] == "True"

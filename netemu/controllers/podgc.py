"""The pod garbage collector: a pod on a node that no longer exists is deleted, since nobody else
will ever report on it (for instance after a start with fewer nodes than before).
"""

from collections.abc import Iterable

from netemu.controllers.actions import Action, Delete, execute
from netemu.controllers.index import Index
from netemu.controllers.runner import Context
from netemu.model import resources
from netemu.model.client import Change
from netemu.model.meta import Object, name_of


def plan(node: Object | None, pods: Iterable[Object]) -> list[Action]:
    """The pods to delete at once; `pods` are those bound to the node."""
    if node is not None:
        return []
    return [Delete(resources.PODS, pod, grace_seconds=0) for pod in pods]


def bound(pod: Object) -> Iterable[str]:
    """The node a pod is bound to; the group of an index."""
    node = pod["spec"].get("nodeName")
    return (node,) if node else ()


class PodGarbageCollector:
    """Looks at node names: those of nodes that went, and those that pods name."""

    resources = (resources.PODS, resources.NODES)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._clock = context.clock
        self._patience = context.settings.lost_node_seconds
        self._pods = Index(context.client, bound)
        self._lost: dict[str, float] = {}

    def observe(self, change: Change) -> Iterable[str]:
        """A node that went, or the missing node of a pod."""
        if change.resource == resources.NODES:
            return (name_of(change.object),)
        self._pods.observe(change)
        if change.new is None:
            return ()
        return [name for name in bound(change.new) if self._node(name) is None]

    def _node(self, name: str) -> Object | None:
        return self._client.get(resources.NODES, "", name)

    async def sync(self, key: str) -> float | None:
        """Delete a lost node's pods, once it has been gone for long enough."""
        node = self._node(key)
        if node is not None:
            self._lost.pop(key, None)
            return None
        now = self._clock.monotonic()
        wait = self._lost.setdefault(key, now) + self._patience - now
        if wait > 0:
            return wait
        await execute(self._client, self._recorder, plan(node, self._pods.objects(key)))
        return None

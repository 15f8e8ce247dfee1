"""What the pods on each node take up, kept as pods come and go."""

from collections import Counter
from collections.abc import Iterator, Mapping

from netemu.model.meta import Key
from netemu.model.placement import HostPort
from netemu.scheduler.facts import CPU, MEMORY, Node, Pod
from netemu.scheduler.neighbours import NONE

DEFAULT_CPU = 100
DEFAULT_MEMORY = 200 * 2**20
"""What a pod without requests is taken to use when nodes are compared (upstream: 100m, 200Mi)."""


class Usage:
    """Sums over the pods of one node."""

    def __init__(self) -> None:
        self.pods = 0
        self.requested: Counter[str] = Counter()
        self.assumed: Counter[str] = Counter()
        """CPU and memory, with the defaults for pods that request none."""
        self.ports: Counter[HostPort] = Counter()
        self.owners: Counter[str] = Counter()
        self.members: dict[Key, Pod] = {}

    def add(self, pod: Pod, sign: int = 1) -> None:
        """Count a pod in, or out with sign -1."""
        self.pods += sign
        for name, number in pod.requests.items():
            self.requested[name] += sign * number
        for name, number in assumed(pod).items():
            self.assumed[name] += sign * number
        for port in pod.host_ports:
            self.ports[port] += sign
            if not self.ports[port]:
                del self.ports[port]
        self.owners[pod.owner] += sign
        if sign > 0:
            self.members[pod.key] = pod
        else:
            self.members.pop(pod.key, None)


def assumed(pod: Pod) -> dict[str, int]:
    """CPU and memory that a pod counts with in comparisons."""
    return {
        CPU: pod.requests.get(CPU, DEFAULT_CPU),
        MEMORY: pod.requests.get(MEMORY, DEFAULT_MEMORY),
    }


class Cluster:
    """Nodes, and the pods bound to each."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._usage: dict[str, Usage] = {}
        self._placed: dict[Key, tuple[str, Pod]] = {}
        self._shy = 0
        """Pods that have wishes about others."""
        self._priorities: Counter[int] = Counter()

    @property
    def nodes(self) -> Mapping[str, Node]:
        """By name."""
        return self._nodes

    @property
    def wanted_by_some(self) -> bool:
        """Whether any pod has wishes about others."""
        return self._shy > 0

    def has_less_than(self, priority: int) -> bool:
        """Whether any pod has a lower priority."""
        return any(other < priority for other in self._priorities)

    def placed(self) -> Iterator[tuple[Node, Pod]]:
        """Every pod with its node."""
        for name, pod in self._placed.values():
            if name in self._nodes:
                yield self._nodes[name], pod

    def usage(self, node: str) -> Usage:
        """What is taken on a node."""
        return self._usage.setdefault(node, Usage())

    def put_node(self, node: Node) -> bool:
        """Add or replace a node; whether that makes a difference to any pod."""
        if self._nodes.get(node.name) == node:
            return False
        self._nodes[node.name] = node
        return True

    def drop_node(self, name: str) -> None:
        """Remove a node."""
        self._nodes.pop(name, None)

    def is_placed(self, key: Key, uid: str, node: str) -> bool:
        """Whether just this pod is counted on that node."""
        placed = self._placed.get(key)
        return placed is not None and placed[0] == node and placed[1].uid == uid

    def place(self, pod: Pod, node: str) -> None:
        """Count a pod on a node."""
        self.remove(pod.key)
        self._placed[pod.key] = node, pod
        self._shy += pod.wishes is not NONE
        self._priorities[pod.priority] += 1
        self.usage(node).add(pod)

    def remove(self, key: Key) -> bool:
        """Count a pod out; whether it was counted."""
        placed = self._placed.pop(key, None)
        if placed is None:
            return False
        node, pod = placed
        self._shy -= pod.wishes is not NONE
        self._priorities[pod.priority] -= 1
        if not self._priorities[pod.priority]:
            del self._priorities[pod.priority]
        usage = self._usage[node]
        usage.add(pod, -1)
        if not usage.pods:
            del self._usage[node]
        return True

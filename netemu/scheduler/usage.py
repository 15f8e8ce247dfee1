"""What the pods on each node take up, kept as pods come and go."""

from collections import Counter
from collections.abc import Mapping

from netemu.model.meta import Key
from netemu.model.placement import HostPort
from netemu.scheduler.facts import CPU, MEMORY, Node, Pod

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

    @property
    def nodes(self) -> Mapping[str, Node]:
        """By name."""
        return self._nodes

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
        self.usage(node).add(pod)

    def remove(self, key: Key) -> bool:
        """Count a pod out; whether it was counted."""
        placed = self._placed.pop(key, None)
        if placed is None:
            return False
        node, pod = placed
        usage = self._usage[node]
        usage.add(pod, -1)
        if not usage.pods:
            del self._usage[node]
        return True

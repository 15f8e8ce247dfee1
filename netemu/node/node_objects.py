"""The Node and Lease objects of an emulated node, as a kubelet registers them. Pure."""

from collections.abc import Iterable

from msgspec import Struct

from netemu import __version__
from netemu.clock import rfc3339, rfc3339_micro
from netemu.config.version import GIT_VERSION
from netemu.model.addressing import IpNetwork
from netemu.model.meta import Object, annotations_of, name_of, owner_reference
from netemu.node.machine import Machine, stable_id

LEASE_NAMESPACE = "kube-node-lease"
PODS_PER_NODE = 110
ZONES = ("zone-a", "zone-b")
"""Nodes take turns, so two nodes already show what topology does."""
REGION = "region-a"
ADDED = "netemu.dev/added"
"""Marks a node that came later than the others."""
KUBELET_PORT = 10250

_CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "is posting ready status"),
)


class NodeFacts(Struct, frozen=True, kw_only=True):
    """One node of one instance."""

    number: int
    """From 1."""
    address: str
    pod_ranges: tuple[IpNetwork, ...]
    """Of each address family, the primary one first."""
    machine: Machine
    added: bool = False
    """It came later than the others, and is to come back at the next start."""
    secondary: str = ""
    """With dual stack, its address of the other family."""

    @property
    def name(self) -> str:
        """``node-1``, ``node-2``, …"""
        return f"node-{self.number}"


def labels(facts: NodeFacts) -> dict[str, str]:
    """The labels a kubelet and its cloud set. The first node also bears the control plane's role,
    as kind's does, but not its taint: one node must do for a whole cluster.
    """
    arch = facts.machine.architecture
    result = {
        "beta.kubernetes.io/arch": arch,
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": arch,
        "kubernetes.io/hostname": facts.name,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/region": REGION,
        "topology.kubernetes.io/zone": ZONES[(facts.number - 1) % len(ZONES)],
    }
    if facts.number == 1:
        result["node-role.kubernetes.io/control-plane"] = ""
    return result


def node_object(facts: NodeFacts, old: Object | None, now: float) -> Object:
    """The node as it should be; what others put on the old one (labels, taints, cordons) stays."""
    if old is None:
        old = {"metadata": {"name": facts.name}}
    meta, spec = old["metadata"], old.get("spec") or {}
    annotations = {
        "node.alpha.kubernetes.io/ttl": "0",
        "volumes.kubernetes.io/controller-managed-attach-detach": "true",
        **({ADDED: "true"} if facts.added else {}),
    }
    return {
        **old,
        "metadata": {
            **meta,
            "labels": {**(meta.get("labels") or {}), **labels(facts)},
            "annotations": {**(meta.get("annotations") or {}), **annotations},
        },
        "spec": {
            **spec,
            "podCIDR": str(facts.pod_ranges[0]),
            "podCIDRs": [str(each) for each in facts.pod_ranges],
            "providerID": f"netemu://{facts.name}",
        },
        "status": node_status(facts, old.get("status") or {}, now),
    }


def node_status(facts: NodeFacts, old: Object, now: float) -> Object:
    """The status with fresh heartbeats."""
    resources = capacity(facts.machine)
    return {
        **old,
        "addresses": [
            *(
                {"type": "InternalIP", "address": address}
                for address in (facts.address, facts.secondary)
                if address
            ),
            {"type": "Hostname", "address": facts.name},
        ],
        "capacity": resources,
        "allocatable": resources,
        "conditions": _conditions(old, now),
        "daemonEndpoints": {"kubeletEndpoint": {"Port": KUBELET_PORT}},
        "nodeInfo": _node_info(facts),
    }


def capacity(machine: Machine) -> dict[str, str]:
    """What pods may ask for."""
    return {
        "cpu": str(machine.cpus),
        "ephemeral-storage": f"{machine.disk}Ki",
        "memory": f"{machine.memory}Ki",
        "pods": str(PODS_PER_NODE),
    }


def _conditions(old: Object, now: float) -> list[Object]:
    before = {item["type"]: item for item in old.get("conditions") or ()}
    result = []
    for kind, status, reason, words in _CONDITIONS:
        known = before.pop(kind, {})
        since = known.get("lastTransitionTime") if known.get("status") == status else None
        result.append(
            {
                "type": kind,
                "status": status,
                "lastHeartbeatTime": rfc3339(now),
                "lastTransitionTime": since or rfc3339(now),
                "reason": reason,
                "message": f"kubelet {words}",
            }
        )
    return [*before.values(), *result]


def _node_info(facts: NodeFacts) -> Object:
    machine = facts.machine
    return {
        "architecture": machine.architecture,
        "bootID": machine.boot_id,
        "containerRuntimeVersion": f"netemu://{__version__}",
        "kernelVersion": machine.kernel,
        "kubeProxyVersion": GIT_VERSION,
        "kubeletVersion": GIT_VERSION,
        "machineID": stable_id(facts.name, "machine").replace("-", ""),
        "operatingSystem": "linux",
        "osImage": machine.os_image,
        "systemUUID": stable_id(facts.name, "system"),
    }


def lease_object(node: Object, old: Object | None, seconds: int, now: float) -> Object:
    """The node's Lease, renewed now."""
    name = node["metadata"]["name"]
    if old is None:
        owner = owner_reference(node, "v1", "Node")
        # A Lease is not controlled by its node, only collected with it.
        owner = {key: owner[key] for key in ("apiVersion", "kind", "name", "uid")}
        meta = {"name": name, "namespace": LEASE_NAMESPACE, "ownerReferences": [owner]}
        old = {"metadata": meta}
    spec = {
        **(old.get("spec") or {}),
        "holderIdentity": name,
        "leaseDurationSeconds": seconds,
        "renewTime": rfc3339_micro(now),
    }
    return {**old, "spec": spec}


def added_numbers(nodes: Iterable[Object], count: int) -> list[int]:
    """The numbers of nodes that were added in an earlier run, beyond the first `count`."""
    found = []
    for node in nodes:
        _, _, number = name_of(node).rpartition("-")
        if annotations_of(node).get(ADDED) and number.isdecimal() and int(number) > count:
            found.append(int(number))
    return sorted(found)

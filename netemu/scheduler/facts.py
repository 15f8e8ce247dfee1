"""Nodes and pods, shrunk to what scheduling reads of them.

Amounts are whole numbers: thousandths of a CPU, and bytes or pieces of everything else.
"""

from collections.abc import Mapping
from functools import lru_cache
from math import ceil
from typing import Any

from msgspec import Struct, field

from netemu.model.conditions import condition
from netemu.model.meta import (
    Key,
    Object,
    controller_of,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from netemu.model.placement import (
    HostPort,
    Taint,
    Term,
    Toleration,
    host_ports,
    required_terms,
    taints_of,
    term_from,
    tolerations_of,
)
from netemu.model.podresources import summed
from netemu.model.quantity import parse_quantity
from netemu.model.selector import Selector, equality
from netemu.scheduler.neighbours import NONE, Wishes, wishes_of

CPU, MEMORY, PODS = "cpu", "memory", "pods"

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"

Amounts = Mapping[str, int]


class Node(Struct, frozen=True, kw_only=True):
    """A node."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    """With the one that stands for not being ready."""
    unschedulable: bool = False
    allocatable: Amounts = field(default_factory=dict)


class Pod(Struct, frozen=True, kw_only=True):
    """A pod."""

    key: Key
    uid: str
    owner: str = ""
    """The uid of its controller."""
    requests: Amounts = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    node_selector: Selector = ()
    required: tuple[Term, ...] | None = None
    """One of them must match; None: any node will do."""
    preferred: tuple[tuple[int, Term], ...] = ()
    """Each with the weight that it adds where it matches."""
    host_ports: frozenset[HostPort] = frozenset()
    preempts: bool = True
    priority: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    wishes: Wishes = NONE
    leaving: bool = False
    """It is being deleted."""
    nominated: str = ""
    """The node that others were told to leave for it."""
    started: str = ""
    """When (RFC 3339); "" if it hasn't."""


def node_from(obj: Object) -> Node:
    """Shrink a Node object."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    taints = taints_of(obj)
    ready = condition(obj, "Ready")
    if ready is None or ready["status"] != "True":
        unknown = ready is not None and ready["status"] == "Unknown"
        taint = Taint(UNREACHABLE if unknown else NOT_READY, "", "NoSchedule")
        if all(item.key != taint.key for item in taints):
            taints.append(taint)
    return Node(
        name=name_of(obj),
        labels=labels_of(obj),
        taints=tuple(taints),
        unschedulable=bool(spec.get("unschedulable")),
        allocatable=amounts(status.get("allocatable") or status.get("capacity")),
    )


def pod_from(obj: Object) -> Pod:
    """Shrink a Pod object."""
    spec, status, owner = obj["spec"], obj.get("status") or {}, controller_of(obj)
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
    return Pod(
        key=key_of(obj),
        uid=uid_of(obj),
        owner=owner["uid"] if owner else "",
        requests=requests_of(spec),
        tolerations=tolerations_of(spec),
        node_selector=equality(spec.get("nodeSelector") or {}),
        required=required_terms(spec),
        preferred=tuple((item["weight"], term_from(item["preference"])) for item in preferred),
        host_ports=frozenset(host_ports(spec)),
        preempts=spec.get("preemptionPolicy") != "Never",
        priority=int(spec.get("priority") or 0),
        labels=labels_of(obj),
        wishes=wishes_of(spec, namespace_of(obj), labels_of(obj)),
        leaving=is_deleting(obj),
        nominated=status.get("nominatedNodeName") or "",
        started=status.get("startTime") or "",
    )


@lru_cache(maxsize=1024)
def _amount(name: str, text: str) -> int:
    return ceil(parse_quantity(text) * (1000 if name == CPU else 1))


def amounts(given: Mapping[str, Any] | None) -> dict[str, int]:
    """Read a resource list."""
    return {name: _amount(name, str(text)) for name, text in (given or {}).items()}


def requests_of(spec: Object) -> dict[str, int]:
    """What a pod asks for, with its overhead."""
    total = summed(spec, _requests)
    for name, number in amounts(spec.get("overhead")).items():
        total[name] = total.get(name, 0) + number
    return total


def _requests(container: Object) -> dict[str, int]:
    return amounts((container.get("resources") or {}).get("requests"))

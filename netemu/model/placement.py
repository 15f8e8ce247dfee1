"""Which nodes a pod may be on: taints and tolerations, node selectors and required affinity. Pure.

The scheduler chooses by these rules, and the daemonset controller says by them where pods belong.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from netemu.model.meta import Object
from netemu.model.selector import Operator, Requirement, Selector, matches


class Taint(Struct, frozen=True):
    """What keeps pods off a node."""

    key: str
    value: str
    effect: str
    """NoSchedule, PreferNoSchedule or NoExecute."""


class Toleration(Struct, frozen=True):
    """What lets a pod onto a tainted node; "" means any."""

    key: str
    value: str
    effect: str
    exists: bool

    def tolerates(self, taint: Taint) -> bool:
        """Whether the pod may ignore that taint."""
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        return self.exists or (bool(self.key) and self.value == taint.value)


class Term(Struct, frozen=True):
    """One way to match nodes: all of its requirements on labels and fields must hold."""

    labels: Selector
    fields: Selector

    def matches(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether a node meets it; the only field is its name. Without requirements none does."""
        if not self.labels and not self.fields:
            return False
        return matches(self.labels, labels) and matches(self.fields, {"metadata.name": name})


def _toleration(item: Object) -> Toleration:
    return Toleration(
        item.get("key") or "",
        item.get("value") or "",
        item.get("effect") or "",
        item.get("operator") == "Exists",
    )


def term_from(item: Object) -> Term:
    """Shrink a node selector term."""
    return Term(_requirements(item.get("matchExpressions")), _requirements(item.get("matchFields")))


def _requirements(items: Iterable[Object] | None) -> Selector:
    return tuple(
        Requirement(item["key"], Operator(item["operator"]), tuple(item.get("values") or ()))
        for item in items or ()
    )


HostPort = tuple[str, str, int]
"""(address, protocol, port); 0.0.0.0 means every address."""


def host_ports(spec: Object) -> Iterator[HostPort]:
    """The ports of the node itself that a pod spec asks for."""
    for container in spec["containers"]:
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                address = port.get("hostIP") or "0.0.0.0"
                yield address, port.get("protocol", "TCP"), port["hostPort"]


def ports_meet(first: HostPort, second: HostPort) -> bool:
    """Same protocol and port, and addresses that meet: 0.0.0.0 meets every other (rule 59)."""
    any_address = "0.0.0.0" in (first[0], second[0])
    return first[1:] == second[1:] and (any_address or first[0] == second[0])


def taints_of(node: Object) -> list[Taint]:
    """The taints of a Node object."""
    return [
        Taint(item["key"], item.get("value") or "", item["effect"])
        for item in (node.get("spec") or {}).get("taints") or ()
    ]


def tolerations_of(spec: Object) -> tuple[Toleration, ...]:
    """The tolerations of a pod spec."""
    return tuple(_toleration(item) for item in spec.get("tolerations") or ())


def required_terms(spec: Object) -> tuple[Term, ...] | None:
    """The terms of required node affinity, one of which must match; None: any node will do."""
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return None
    return tuple(term_from(item) for item in required.get("nodeSelectorTerms") or ())

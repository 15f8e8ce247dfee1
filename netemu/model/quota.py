"""What objects count for in ResourceQuotas (pkg/quota/v1/evaluator/core). Pure.

The API refuses what would exceed a quota by these rules, and the resourcequota controller tells by
them how much is used.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from msgspec import Struct

from netemu.model.meta import Object
from netemu.model.quantity import parse_quantity, shown
from netemu.model.resources import PERSISTENT_VOLUME_CLAIMS, PODS, SERVICES

COUNTED: Final = frozenset(
    {
        PODS, SERVICES, "replicationcontrollers", "resourcequotas", "secrets", "configmaps",
        PERSISTENT_VOLUME_CLAIMS,
    }
)  # fmt: skip
"""Kinds that quotas also name without ``count/``."""
COMPUTE: Final = ("cpu", "memory", "ephemeral-storage")
CONSTRAINED: Final = (
    "cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory",
)  # fmt: skip
"""What every container must say when a quota limits it."""
_OF_CLASS: Final = ".storageclass.storage.k8s.io/"


class Amount(Struct, frozen=True):
    """So much of something, and how it is written."""

    number: Decimal = Decimal(0)
    binary: bool = False
    """Whether it is told in Ki, Mi, …"""

    def __add__(self, other: "Amount") -> "Amount":
        binary = self.binary if self.number else other.binary
        return Amount(self.number + other.number, binary)

    def __str__(self) -> str:
        return shown(self.number, binary=self.binary)


NOTHING: Final = Amount()
_ONE: Final = Amount(Decimal(1))

Amounts: TypeAlias = Mapping[str, Amount]
Lister: TypeAlias = Callable[[str], Iterable[Object]]
"""A namespace's objects of a kind, by `Resource.key`."""


def amount(text: str | int | float) -> Amount:
    """A quantity. Raises ValueError."""
    return Amount(parse_quantity(text), str(text).endswith("i"))


def total(parts: Iterable[Amounts]) -> dict[str, Amount]:
    """The sum of several amounts."""
    found: dict[str, Amount] = {}
    for part in parts:
        for name, value in part.items():
            found[name] = found.get(name, NOTHING) + value
    return found


def amounts(said: Mapping[str, str | int | float] | None) -> dict[str, Amount]:
    """Quantities by name. Raises ValueError."""
    return {name: amount(value) for name, value in (said or {}).items()}


def pod_amounts(spec: Object, key: str) -> dict[str, Amount]:
    """What a pod needs at most at a time; `key` is "requests" or "limits".

    Init containers run one after the other, before the rest; those that restart stay (KEP-753).
    """
    running: dict[str, Amount] = {}
    most: dict[str, Amount] = {}
    for item in spec.get("initContainers") or ():
        own = amounts((item.get("resources") or {}).get(key))
        then = total((running, own))
        if item.get("restartPolicy") == "Always":
            running = then
        most = _larger(most, then)
    items = spec.get("containers") or ()
    running = total((running, *(amounts((i.get("resources") or {}).get(key)) for i in items)))
    most = _larger(most, running)
    overhead = {n: v for n, v in amounts(spec.get("overhead")).items() if n in most or n in COMPUTE}
    return total((most, overhead)) if most or key == "requests" else most


def _larger(one: Amounts, other: Amounts) -> dict[str, Amount]:
    names = {**one, **other}
    pairs = ((name, one.get(name, NOTHING), other.get(name, NOTHING)) for name in names)
    return {name: a if a.number >= b.number else b for name, a, b in pairs}


def compute(requests: Amounts, limits: Amounts) -> dict[str, Amount]:
    """Requests and limits under the names that quotas use."""
    found: dict[str, Amount] = {}
    for name, value in requests.items():
        if name in COMPUTE or name.startswith("hugepages-"):
            found[name] = value
        found[f"requests.{name}"] = value
    found |= {f"limits.{name}": value for name, value in limits.items() if name in COMPUTE}
    return found


def usage(resource: str, obj: Object) -> dict[str, Amount]:
    """All that one object counts for, by the names in a quota's ``hard``. Raises ValueError."""
    found: dict[str, Amount] = {f"count/{resource}": _ONE}
    if resource == PODS:
        if (obj.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            return found
        spec = obj["spec"]
        found |= compute(pod_amounts(spec, "requests"), pod_amounts(spec, "limits"))
    elif resource == SERVICES:
        found |= _service(obj.get("spec") or {})
    elif resource == PERSISTENT_VOLUME_CLAIMS:
        found |= _claim(obj.get("spec") or {})
    if resource in COUNTED:
        found[resource] = _ONE
    return found


def _service(spec: Object) -> dict[str, Amount]:
    ports, kind = spec.get("ports") or (), spec.get("type")
    if kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is False:
        ports = [port for port in ports if port.get("nodePort")]
    nodes = len(ports) if kind in ("NodePort", "LoadBalancer") else 0
    return {
        "services.nodeports": Amount(Decimal(nodes)),
        "services.loadbalancers": _ONE if kind == "LoadBalancer" else NOTHING,
    }


def _claim(spec: Object) -> dict[str, Amount]:
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage", 0)
    found = {"requests.storage": amount(storage)}
    if name := spec.get("storageClassName"):
        found[f"{name}{_OF_CLASS}requests.storage"] = amount(storage)
        found[f"{name}{_OF_CLASS}persistentvolumeclaims"] = _ONE
    return found


def kind_of(name: str) -> str:
    """The kind (`Resource.key`) whose objects count for a name in a quota's ``hard``."""
    if name.startswith("count/"):
        return name.removeprefix("count/")
    if name in COUNTED:
        return name
    if name.startswith("services."):
        return SERVICES
    if name == "requests.storage" or _OF_CLASS in name:
        return PERSISTENT_VOLUME_CLAIMS
    return PODS


def in_scope(quota: Object, resource: str, obj: Object) -> bool:
    """Whether a quota is about an object: scopes tell pods apart, and leave out all else."""
    spec = quota.get("spec") or {}
    scopes = [{"scopeName": name, "operator": "Exists"} for name in spec.get("scopes") or ()]
    scopes += (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    if scopes and resource != PODS:
        return False
    return all(_is_within(scope, obj) for scope in scopes)


def _is_within(scope: Object, pod: Object) -> bool:
    spec = pod["spec"]
    match scope.get("scopeName"):
        case "Terminating":
            return spec.get("activeDeadlineSeconds") is not None
        case "NotTerminating":
            return spec.get("activeDeadlineSeconds") is None
        case "BestEffort":
            return _quality(pod) == "BestEffort"
        case "NotBestEffort":
            return _quality(pod) != "BestEffort"
        case "PriorityClass":
            return _is_of_class(scope, spec.get("priorityClassName") or "")
        case "CrossNamespacePodAffinity":
            return any(
                term.get("namespaces") or term.get("namespaceSelector") is not None
                for term in _affinity_terms(spec.get("affinity") or {})
            )
        case _:
            return False


def _quality(pod: Object) -> str:
    return str((pod.get("status") or {}).get("qosClass", ""))


def _is_of_class(scope: Object, name: str) -> bool:
    values = scope.get("values") or ()
    match scope.get("operator"):
        case "In":
            return name in values
        case "NotIn":
            return name not in values
        case "DoesNotExist":
            return not name
        case _:
            return bool(name)


def _affinity_terms(affinity: Object) -> Iterable[Object]:
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        yield from rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        for item in rules.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            yield item.get("podAffinityTerm") or {}


def used(quota: Object, objects: Lister) -> dict[str, Amount]:
    """How much of what a quota limits is used."""
    hard = (quota.get("spec") or {}).get("hard") or {}
    found: dict[str, Amount] = dict.fromkeys(hard, NOTHING)
    for resource in {kind_of(name): None for name in hard}:
        counted = (obj for obj in objects(resource) if in_scope(quota, resource, obj))
        sums = total(usage(resource, obj) for obj in counted)
        found |= {name: value for name, value in sums.items() if name in hard}
    return found

"""What objects count with in a ResourceQuota (upstream: pkg/quota/v1/evaluator/core); pure."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from netemu.model import resources
from netemu.model.meta import Object
from netemu.model.podresources import exact
from netemu.model.quantity import canonical, parse_quantity
from netemu.model.selector import Operator, Requirement, matches

Used = Mapping[str, Decimal]

_PLAIN: Final = frozenset(
    {
        "configmaps",
        "persistentvolumeclaims",
        "pods",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "services",
    }
)
"""Kinds whose number has a name of its own beside ``count/…``."""
_SHORT: Final = frozenset({"cpu", "memory", "ephemeral-storage"})
"""Requests that may be named without ``requests.``."""


def usage(resource: str, obj: Object) -> dict[str, Decimal]:
    """What one object uses."""
    used = {f"count/{resource}": Decimal(1)}
    if resource == resources.PODS:
        return used if _has_ended(obj) else used | _pod(obj["spec"])
    if resource in _PLAIN:
        used[resource] = Decimal(1)
    if resource == resources.SERVICES:
        used |= _service(obj["spec"])
    elif resource == resources.PERSISTENT_VOLUME_CLAIMS:
        used |= _claim(obj["spec"])
    return used


def _has_ended(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _pod(spec: Object) -> dict[str, Decimal]:
    used = {"pods": Decimal(1)}
    for name, number in exact(spec, "requests").items():
        used[f"requests.{name}"] = number
        if name in _SHORT:
            used[name] = number
    for name, number in exact(spec, "limits").items():
        used[f"limits.{name}"] = number
    return used


def _service(spec: Object) -> dict[str, Decimal]:
    ports = spec.get("ports") or ()
    balancer = spec.get("type") == "LoadBalancer"
    number = len(ports) if balancer or spec.get("type") == "NodePort" else 0
    if balancer and spec.get("allocateLoadBalancerNodePorts") is False:
        number = sum(bool(port.get("nodePort")) for port in ports)
    return {"services.loadbalancers": Decimal(balancer), "services.nodeports": Decimal(number)}


def _claim(spec: Object) -> dict[str, Decimal]:
    asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage", "0")
    used = {"requests.storage": parse_quantity(asked)}
    if name := spec.get("storageClassName"):
        head = f"{name}.storageclass.storage.k8s.io"
        used |= {f"{head}/requests.storage": used["requests.storage"]}
        used |= {f"{head}/persistentvolumeclaims": Decimal(1)}
    return used


def total(objects: Iterable[tuple[str, Object]], quota: Object) -> dict[str, Decimal]:
    """What all of these use of a quota's resources."""
    hard = hard_of(quota)
    used = dict.fromkeys(hard, Decimal(0))
    for resource, obj in objects:
        if covers(quota, resource, obj):
            for name, number in usage(resource, obj).items():
                if name in hard:
                    used[name] += number
    return used


def hard_of(quota: Object) -> dict[str, Decimal]:
    """The limits that a quota sets."""
    hard = (quota.get("spec") or {}).get("hard") or {}
    return {name: parse_quantity(text) for name, text in hard.items()}


def kinds_of(quota: Object, every: Iterable[str]) -> list[str]:
    """The resources among `every` whose objects matter to a quota."""
    names = list(hard_of(quota))
    return [kind for kind in every if any(_concerns(kind, name) for name in names)]


def _concerns(kind: str, name: str) -> bool:
    if name in (kind, f"count/{kind}"):
        return True
    if name.startswith("services."):
        return kind == resources.SERVICES
    if name == "requests.storage" or ".storageclass.storage.k8s.io/" in name:
        return kind == resources.PERSISTENT_VOLUME_CLAIMS
    if name.startswith(("requests.", "limits.")) or name in _SHORT:
        return kind == resources.PODS
    return False


def covers(quota: Object, resource: str, obj: Object) -> bool:
    """Whether an object is in a quota's scopes; only pods have any."""
    spec = quota.get("spec") or {}
    chosen = (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    scopes = [
        *((scope, "Exists", ()) for scope in spec.get("scopes") or ()),
        *((i["scopeName"], i["operator"], tuple(i.get("values") or ())) for i in chosen),
    ]
    if not scopes:
        return True
    return resource == resources.PODS and all(_in_scope(obj, *scope) for scope in scopes)


def _in_scope(pod: Object, scope: str, operator: str, values: tuple[str, ...]) -> bool:
    spec = pod["spec"]
    ends = spec.get("activeDeadlineSeconds") is not None
    poor = (pod.get("status") or {}).get("qosClass") == "BestEffort"
    match scope:
        case "Terminating":
            return ends
        case "NotTerminating":
            return not ends
        case "BestEffort":
            return poor
        case "NotBestEffort":
            return not poor
        case "PriorityClass":
            name = spec.get("priorityClassName")
            labels = {"class": name} if name else {}
            return matches((Requirement("class", Operator(operator), values),), labels)
        case _:
            return False


def missing(quota: Object, resource: str, obj: Object) -> dict[str, list[str]]:
    """Compute resources that a quota limits and containers don't tell: resource -> containers."""
    if resource != resources.PODS:
        return {}
    spec = obj["spec"]
    found: dict[str, list[str]] = {}
    for name in sorted(hard_of(quota)):
        kind, _, amount = name.rpartition(".")
        if amount not in _SHORT or kind not in ("", "requests", "limits"):
            continue
        for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
            given = (container.get("resources") or {}).get(kind or "requests") or {}
            if amount not in given:
                found.setdefault(name, []).append(container["name"])
    return found


def shown(amounts: Used) -> dict[str, str]:
    """Amounts as a quota's status has them."""
    return {name: amount_text(name, number) for name, number in amounts.items()}


def amount_text(name: str, number: Decimal) -> str:
    """One amount; bytes in binary units where that is exact."""
    whole = number == int(number)
    binary = whole and ("memory" in name or "storage" in name) and int(number) % 1024 == 0
    return canonical(f"{int(number) // 1024}Ki" if binary and number else f"{number:f}")

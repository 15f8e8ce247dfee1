"""LimitRanges: what containers get when they say nothing, and what they may say at all. Pure.

Source: plugin/pkg/admission/limitranger. Pods are looked at when they are new, claims always.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from netemu.model.meta import Object, copied
from netemu.model.quota import Amount, Amounts, amounts, pod_amounts
from netemu.model.resources import PERSISTENT_VOLUME_CLAIMS, PODS

ANNOTATION: Final = "kubernetes.io/limit-ranger"
"""Tells what a pod's containers were given."""

_Said: TypeAlias = Iterator[str]


def filled(pod: Object, ranges: Sequence[Object]) -> Object:
    """The pod with the requests and limits that its containers don't mention."""
    new: Object = copied(pod)
    noted: list[str] = []
    for item in _items(ranges, "Container"):
        for key, what in (("containers", "container"), ("initContainers", "init container")):
            for container in new["spec"].get(key) or ():
                noted += _filled(container, item, what)
    if not noted:
        return pod
    metadata = new["metadata"]
    annotations = metadata.get("annotations") or {}
    said = "LimitRanger plugin set: " + "; ".join(noted)
    metadata["annotations"] = {**annotations, ANNOTATION: said}
    return new


def _filled(container: Object, item: Object, what: str) -> Iterator[str]:
    resources = container.get("resources") or {}
    for key, given, word in (
        ("limits", item.get("default"), "limit"),
        ("requests", item.get("defaultRequest"), "request"),
    ):
        own = resources.get(key) or {}
        more = {name: value for name, value in sorted((given or {}).items()) if name not in own}
        if more:
            resources[key] = {**own, **more}
            container["resources"] = resources
            yield f"{', '.join(more)} {word} for {what} {container.get('name', '')}"


def problems(resource: str, obj: Object, ranges: Sequence[Object]) -> list[str]:
    """Every limit that a pod or claim breaks, in upstream's words."""
    if resource == PODS:
        return list(_pod(obj, ranges))
    return list(_claim(obj, ranges)) if resource == PERSISTENT_VOLUME_CLAIMS else []


def _items(ranges: Iterable[Object], kind: str) -> Iterator[Object]:
    for found in ranges:
        for item in (found.get("spec") or {}).get("limits") or ():
            if item.get("type") == kind:
                yield item


def _pod(pod: Object, ranges: Sequence[Object]) -> _Said:
    spec = pod["spec"]
    for item in _items(ranges, "Container"):
        for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
            resources = container.get("resources") or {}
            requests, limits = amounts(resources.get("requests")), amounts(resources.get("limits"))
            yield from _within(item, requests, limits)
    for item in _items(ranges, "Pod"):
        yield from _within(item, pod_amounts(spec, "requests"), pod_amounts(spec, "limits"))


def _within(item: Object, requests: Amounts, limits: Amounts) -> _Said:
    kind = item["type"]
    for name, bound in sorted(amounts(item.get("min")).items()):
        yield from _too_little(f"minimum {name} usage per {kind} is {bound}", name, bound,
                               requests, limits)  # fmt: skip
    for name, bound in sorted(amounts(item.get("max")).items()):
        yield from _too_much(f"maximum {name} usage per {kind} is {bound}", name, bound,
                             requests, limits)  # fmt: skip
    for name, bound in sorted(amounts(item.get("maxLimitRequestRatio")).items()):
        rule = f"{name} max limit to request ratio per {kind} is {bound}"
        yield from _ratio(rule, bound, requests.get(name), limits.get(name))


def _too_little(rule: str, name: str, bound: Amount, requests: Amounts, limits: Amounts) -> _Said:
    request, limit = requests.get(name), limits.get(name)
    if request is None:
        yield f"{rule}.  No request is specified"
    elif request.number < bound.number:
        yield f"{rule}, but request is {request}"
    elif limit is not None and limit.number < bound.number:
        yield f"{rule}, but limit is {limit}"


def _too_much(rule: str, name: str, bound: Amount, requests: Amounts, limits: Amounts) -> _Said:
    request, limit = requests.get(name), limits.get(name)
    if limit is None:
        yield f"{rule}.  No limit is specified"
    elif limit.number > bound.number:
        yield f"{rule}, but limit is {limit}"
    elif request is not None and request.number > bound.number:
        yield f"{rule}, but request is {request}"


def _ratio(rule: str, bound: Amount, request: Amount | None, limit: Amount | None) -> _Said:
    if request is None or not request.number:
        yield f"{rule}, but no request is specified or request is 0"
    elif limit is None or not limit.number:
        yield f"{rule}, but no limit is specified or limit is 0"
    elif (share := float(limit.number / request.number)) > bound.number:
        yield f"{rule}, but provided ratio is {share:f}"


def _claim(claim: Object, ranges: Sequence[Object]) -> _Said:
    resources = (claim.get("spec") or {}).get("resources") or {}
    requests = amounts(resources.get("requests"))
    for item in _items(ranges, "PersistentVolumeClaim"):
        kind = item["type"]
        for key, word in (("min", "minimum"), ("max", "maximum")):
            for name, bound in sorted(amounts(item.get(key)).items()):
                rule = f"{word} {name} usage per {kind} is {bound}"
                request = requests.get(name)
                if request is None:
                    yield f"{rule}.  No request is specified"
                elif _beyond(key, request.number, bound.number):
                    yield f"{rule}, but request is {request}"


def _beyond(key: str, value: Decimal, bound: Decimal) -> bool:
    return value < bound if key == "min" else value > bound

"""autoscaling/v1: the same HorizontalPodAutoscalers in their older form, which knows only the
processor's share. They are stored as v2; kubectl autoscale still writes v1.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import msgspec

from netemu.api import body, strict
from netemu.api.paths import Target
from netemu.api.request import JSON, Answer, Relay, Request, Stream, Upgrade, json_answer
from netemu.model.errors import BadRequest, MethodNotAllowed
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY, POD_AUTOSCALERS

_V2: Final = BY_KEY[POD_AUTOSCALERS]
_SHARED: Final = ("scaleTargetRef", "minReplicas", "maxReplicas")
_COUNTS: Final = ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")

Dispatch = Callable[[Target, Request], Awaitable[Answer | Stream | Upgrade | Relay]]


def to_v2(obj: Object) -> Object:
    """A v1 object as v2."""
    spec = obj.get("spec") or {}
    new = {key: spec[key] for key in _SHARED if key in spec}
    share = spec.get("targetCPUUtilizationPercentage")
    if share is not None:
        target = {"type": "Utilization", "averageUtilization": share}
        new["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    kept = {key: value for key, value in obj.items() if key not in ("spec", "status")}
    return {**kept, "apiVersion": _V2.api_version, "kind": _V2.kind, "spec": new}


def to_v1(obj: Object) -> Object:
    """A v2 object as v1; what that cannot say is left out."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    new = {key: spec[key] for key in _SHARED if key in spec}
    share = _cpu(spec.get("metrics"), "target")
    if share is not None:
        new["targetCPUUtilizationPercentage"] = share
    shown = {key: status[key] for key in _COUNTS if key in status}
    shown = {"currentReplicas": 0, "desiredReplicas": 0, **shown}
    current = _cpu(status.get("currentMetrics"), "current")
    if current is not None:
        shown["currentCPUUtilizationPercentage"] = current
    return {**obj, "apiVersion": "autoscaling/v1", "spec": new, "status": shown}


def _cpu(metrics: list[Object] | None, key: str) -> int | None:
    for metric in metrics or ():
        source = metric.get("resource") or {}
        if metric.get("type") == "Resource" and source.get("name") == "cpu":
            found: int | None = (source.get(key) or {}).get("averageUtilization")
            return found
    return None


async def answer(
    target: Target, request: Request, dispatch: Dispatch
) -> Answer | Stream | Upgrade | Relay:
    """A request for the older form. Raises BadRequest, MethodNotAllowed."""
    if request.method == "PATCH" or target.subresource or request.flag("watch"):
        raise MethodNotAllowed("autoscaling/v1 can be read and written whole; use autoscaling/v2")
    if request.method in ("POST", "PUT"):
        given, doubled = body.parse(request.body, request.content_type, target.resource.kind)
        checked, unknown = strict.check(target.resource, given)
        problems = [*doubled, *unknown]
        if problems and request.query.get("fieldValidation") == "Strict":
            raise BadRequest("strict decoding error: " + ", ".join(problems))
        raw = msgspec.json.encode(to_v2(checked))
        request = replace(request, body=raw, content_type=JSON)
    found = await dispatch(replace(target, resource=_V2), request)
    return _answered(found) if isinstance(found, Answer) else found


def _answered(found: Answer) -> Answer:
    value = msgspec.json.decode(found.body)
    match value.get("kind"):
        case "HorizontalPodAutoscaler":
            return json_answer(to_v1(value), found.status, found.headers)
        case "HorizontalPodAutoscalerList":
            items = [to_v1(item) for item in value["items"]]
            listed = {**value, "apiVersion": "autoscaling/v1", "items": items}
            return json_answer(listed, found.status, found.headers)
        case _:
            return found  # a table, or a Status: the same in both

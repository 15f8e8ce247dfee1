"""How well a pod is protected when its node runs short: its quality-of-service class."""

from netemu.model.meta import Object
from netemu.model.quantity import parse_quantity

_COMPUTE = ("cpu", "memory")


def qos_class(spec: Object) -> str:
    """Guaranteed: limits for cpu and memory, equal to the requests, in every container; BestEffort:
    neither limits nor requests anywhere; else Burstable (pkg/apis/core/v1/helper/qos).
    """
    items = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    wishes = [_amounts(item) for item in items]
    if not any(requests or limits for requests, limits in wishes):
        return "BestEffort"
    guaranteed = all(
        set(limits) == set(_COMPUTE) and all(requests.get(key) == limits[key] for key in _COMPUTE)
        for requests, limits in wishes
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _amounts(item: Object) -> tuple[Object, Object]:
    resources = item.get("resources") or {}
    requests, limits = (
        {
            name: number
            for name, value in (resources.get(key) or {}).items()
            if name in _COMPUTE and (number := parse_quantity(value)) > 0
        }
        for key in ("requests", "limits")
    )
    return requests, limits

"""What the server itself decides about an object before it is judged and stored; pure functions.

Upstream spreads this over the kinds' strategies (pkg/registry) and the admission plugins that
every cluster runs (ServiceAccount, DefaultTolerationSeconds, Priority).
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from netemu.api.qos import qos_class
from netemu.api.service_strategy import create_service, update_service
from netemu.config.settings import EVICTION_SECONDS
from netemu.late import late
from netemu.model import resources
from netemu.model.meta import Object, copied
from netemu.model.resources import Resource
from netemu.model.storage import PV_PROTECTION, PVC_PROTECTION

if TYPE_CHECKING:
    from netemu.api import job_strategy
    from netemu.api.custom import definition
else:
    definition = late("netemu.api.custom.definition")
    job_strategy = late("netemu.api.job_strategy")

_OWN_STATUS = frozenset({resources.NODES})
"""Kinds that may be born with a status: a node tells about itself."""


def prepare_create(
    resource: Resource, obj: Object, eviction_seconds: int = EVICTION_SECONDS
) -> Object:
    """A new object as it may be created: without a status of the client's making.

    `eviction_seconds`: how long a pod stays on a node that is lost, unless it says otherwise.
    """
    result: Object = copied(obj)
    if resource.has_status and resource.key not in _OWN_STATUS:
        result.pop("status", None)
    if resource.key == resources.PODS:
        _tolerate_lost_nodes(result["spec"], dict.fromkeys(_LOST, eviction_seconds))
    prepare = _CREATE.get(resource.key)
    if prepare is not None:
        prepare(result)
    return result


def prepare_update(resource: Resource, new: Object, old: Object) -> Object:
    """A new object as it may replace `old`: with the stored status and what is inherited."""
    result: Object = copied(new)
    if resource.has_status:
        result.pop("status", None)
        if "status" in old:
            result["status"] = copied(old["status"])
    prepare = _UPDATE.get(resource.key)
    if prepare is not None:
        prepare(result, old)
    return result


def _create_pod(obj: Object) -> None:
    spec = obj["spec"]
    _admit(spec)
    obj["status"] = {"phase": "Pending", "qosClass": _qos(spec)}
    if spec.get("schedulingGates"):
        obj["status"]["conditions"] = [
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "SchedulingGated",
                "message": "Scheduling is blocked due to non-empty scheduling gates",
            }
        ]


def _qos(spec: Object) -> str:
    try:
        return qos_class(spec)
    except ValueError:  # a quantity that is none: the rules will refuse the pod
        return "BestEffort"


def _admit(spec: Object) -> None:
    if not spec.get("serviceAccountName"):
        spec["serviceAccountName"] = spec["serviceAccount"] = "default"
    spec.setdefault("priority", 0)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")


_LOST = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
"""Taints of nodes that nobody hears of, or that aren't well."""


def _tolerate_lost_nodes(spec: Object, patience: Mapping[str, int]) -> None:
    """Bear such taints so long, where the pod itself says nothing of them."""
    for key, seconds in patience.items():
        if not any(_tolerates(item, key) for item in spec.get("tolerations") or ()):
            spec.setdefault("tolerations", []).append(
                {
                    "key": key,
                    "operator": "Exists",
                    "effect": "NoExecute",
                    "tolerationSeconds": seconds,
                }
            )


def _tolerates(item: Object, key: str) -> bool:
    return item.get("key") in (None, "", key) and item.get("effect") in (None, "", "NoExecute")


def _update_pod(obj: Object, old: Object) -> None:
    # Priority is the one admission plugin that remembers.
    spec, before = obj["spec"], old.get("spec") or {}
    for key in ("priority", "preemptionPolicy"):
        if spec.get(key) is None and before.get(key) is not None:
            spec[key] = before[key]
    stored = before.get("tolerations") or ()
    had = {item.get("key"): item.get("tolerationSeconds") for item in stored}
    _tolerate_lost_nodes(spec, {key: had[key] for key in _LOST if had.get(key) is not None})


def _create_namespace(obj: Object) -> None:
    obj["status"] = {"phase": "Active"}
    spec = obj.get("spec") or {}
    finalizers = list(spec.get("finalizers") or ())
    if "kubernetes" not in finalizers:
        finalizers.append("kubernetes")
    obj["spec"] = {**spec, "finalizers": finalizers}


def _update_namespace(obj: Object, old: Object) -> None:
    # Its finalizers are lifted through the finalize subresource only.
    obj["spec"] = {**(obj.get("spec") or {}), **copied(old.get("spec") or {})}


def _update_signing_request(obj: Object, old: Object) -> None:
    obj["spec"] = old["spec"]  # what was asked for stays so


def _empty_status(obj: Object) -> None:
    obj["status"] = {}


def _storage(obj: Object, finalizer: str) -> None:
    # What keeps storage that is in use: admission plugin StorageObjectInUseProtection.
    finalizers = obj["metadata"].setdefault("finalizers", [])
    if finalizer not in finalizers:
        finalizers.append(finalizer)
    obj["status"] = {"phase": "Pending"}


_DAEMON_COUNTS = (
    "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady",
)  # fmt: skip
"""Counts that a DaemonSet's status always has."""

_CREATE: dict[str, Callable[[Object], None]] = {
    "ingresses.networking.k8s.io": lambda obj: obj.update(status={"loadBalancer": {}}),
    "resourcequotas": _empty_status,
    resources.CUSTOM_RESOURCE_DEFINITIONS: definition.created,
    resources.CRON_JOBS: _empty_status,
    resources.DEPLOYMENTS: _empty_status,
    resources.JOBS: job_strategy.create_job,
    resources.NAMESPACES: _create_namespace,
    resources.POD_AUTOSCALERS: lambda obj: obj.update(
        status={"desiredReplicas": 0, "currentMetrics": None}
    ),
    resources.POD_DISRUPTION_BUDGETS: lambda obj: obj.update(
        status=dict.fromkeys(
            ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"), 0
        )
    ),
    resources.PODS: _create_pod,
    resources.REPLICA_SETS: lambda obj: obj.update(status={"replicas": 0}),
    resources.SERVICES: create_service,
    resources.DAEMON_SETS: lambda obj: obj.update(status=dict.fromkeys(_DAEMON_COUNTS, 0)),
    resources.PERSISTENT_VOLUMES: lambda obj: _storage(obj, PV_PROTECTION),
    resources.PERSISTENT_VOLUME_CLAIMS: lambda obj: _storage(obj, PVC_PROTECTION),
    resources.REPLICATION_CONTROLLERS: lambda obj: obj.update(status={"replicas": 0}),
    resources.STATEFUL_SETS: lambda obj: obj.update(status={"replicas": 0, "availableReplicas": 0}),
}
_UPDATE: dict[str, Callable[[Object, Object], None]] = {
    resources.CUSTOM_RESOURCE_DEFINITIONS: definition.updated,
    resources.NAMESPACES: _update_namespace,
    resources.PODS: _update_pod,
    resources.SERVICES: update_service,
    resources.SIGNING_REQUESTS: _update_signing_request,
}

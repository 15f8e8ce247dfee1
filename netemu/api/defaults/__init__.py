"""What the API server fills in where a manifest says nothing; pure functions.

Defaulting is idempotent: an object that was defaulted once is not changed again. Fields a manifest
spells out with Go's zero value (``hostPort: 0``, ``env: []``) are dropped from pod specs, as they
are when a cluster writes JSON, so that a template that was read and sent back stays equal.
Source: Kubernetes 1.32, pkg/apis/*/v1/defaults.go.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from netemu.api.custom.resource import CustomResource
from netemu.late import late
from netemu.model import resources
from netemu.model.meta import Object, copied
from netemu.model.resources import Resource

# Most kinds aren't there yet when a cluster starts.
if TYPE_CHECKING:
    from netemu.api.custom import definition, structural
    from netemu.api.defaults import (
        access,
        apps,
        autoscaling,
        batch,
        core,
        pod,
        service,
        storage,
        stored,
    )
else:
    definition = late("netemu.api.custom.definition")
    structural = late("netemu.api.custom.structural")
    access = late(f"{__name__}.access")
    apps = late(f"{__name__}.apps")
    autoscaling = late(f"{__name__}.autoscaling")
    batch = late(f"{__name__}.batch")
    core = late(f"{__name__}.core")
    pod = late(f"{__name__}.pod")
    service = late(f"{__name__}.service")
    storage = late(f"{__name__}.storage")
    stored = late(f"{__name__}.stored")

_ADMISSION = "admissionregistration.k8s.io"
_DEFAULTS: dict[str, Callable[[Object], None]] = {
    "apiservices.apiregistration.k8s.io": stored.api_service,
    "csidrivers.storage.k8s.io": stored.csi_driver,
    "ingressclasses.networking.k8s.io": stored.ingress_class,
    "limitranges": stored.limit_range,
    "networkpolicies.networking.k8s.io": stored.network_policy,
    "podtemplates": stored.pod_template,
    f"mutatingwebhookconfigurations.{_ADMISSION}": stored.webhooks,
    f"validatingadmissionpolicies.{_ADMISSION}": stored.admission_policy,
    f"validatingadmissionpolicybindings.{_ADMISSION}": stored.admission_policy_binding,
    f"validatingwebhookconfigurations.{_ADMISSION}": stored.webhooks,
    resources.CUSTOM_RESOURCE_DEFINITIONS: definition.defaults,
    resources.CLUSTER_ROLE_BINDINGS: access.binding,
    resources.ROLE_BINDINGS: access.binding,
    resources.CRON_JOBS: batch.cron_job,
    resources.DEPLOYMENTS: apps.deployment,
    resources.ENDPOINTS: core.endpoints,
    resources.ENDPOINT_SLICES: core.endpoint_slice,
    resources.JOBS: batch.job,
    resources.NAMESPACES: core.namespace,
    resources.NODES: core.node,
    resources.PODS: pod.pod,
    resources.POD_AUTOSCALERS: autoscaling.pod_autoscaler,
    resources.PRIORITY_CLASSES: autoscaling.priority_class,
    resources.REPLICA_SETS: apps.replica_set,
    resources.SECRETS: core.secret,
    resources.SERVICES: service.service,
    resources.DAEMON_SETS: apps.daemon_set,
    resources.PERSISTENT_VOLUMES: storage.volume,
    resources.PERSISTENT_VOLUME_CLAIMS: storage.claim,
    resources.REPLICATION_CONTROLLERS: apps.replication_controller,
    resources.STATEFUL_SETS: apps.stateful_set,
    resources.STORAGE_CLASSES: storage.storage_class,
}
"""Each changes its argument, a copy. ConfigMaps, ServiceAccounts, Events and Leases have none."""


def with_defaults(resource: Resource, obj: Object) -> Object:
    """A new object with the kind's defaults; `obj` is left as it is."""
    result: Object = copied(obj)
    if isinstance(resource, CustomResource):
        return _custom(resource, result)
    fill = _DEFAULTS.get(resource.key)
    if fill is not None:
        fill(result)
    return result


def _custom(resource: CustomResource, obj: Object) -> Object:
    body = {name: value for name, value in obj.items() if name != "metadata"}
    metadata = {"metadata": obj["metadata"]} if "metadata" in obj else {}
    found: Object = {**structural.defaulted(resource.schema, body), **metadata}
    return found

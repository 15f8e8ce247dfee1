"""The rules objects must meet, in upstream's order and upstream's words; pure functions.

Source: Kubernetes 1.32, pkg/apis/*/validation. Every broken rule is told at once. What netemu
doesn't act on (Windows, AppArmor, dynamic resources, …) is not judged.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from netemu.api.custom.resource import CustomResource
from netemu.api.validation.field import Causes
from netemu.api.validation.ips import LOOPBACK
from netemu.api.validation.meta import (
    object_meta,
    object_meta_update,
)
from netemu.late import late
from netemu.model import names, resources
from netemu.model.errors import Cause
from netemu.model.meta import Object
from netemu.model.resources import Resource

# Most kinds aren't there yet when a cluster starts, and their rules are many.
if TYPE_CHECKING:
    from netemu.api.custom import definition, objects
    from netemu.api.validation import (
        access,
        apiservice,
        apps,
        autoscaling,
        batch,
        bounds,
        certificates,
        cluster,
        config,
        daemons,
        drivers,
        endpoints,
        ingress,
        metallb,
        networkpolicy,
        pod,
        pod_update,
        policy,
        registration,
        revisions,
        service,
        service_update,
        servicecidr,
        storage,
    )
else:
    definition, objects = map(late, ("netemu.api.custom.definition", "netemu.api.custom.objects"))
    access = late(f"{__name__}.access")
    apiservice = late(f"{__name__}.apiservice")
    apps = late(f"{__name__}.apps")
    autoscaling = late(f"{__name__}.autoscaling")
    batch = late(f"{__name__}.batch")
    bounds = late(f"{__name__}.bounds")
    certificates = late(f"{__name__}.certificates")
    cluster = late(f"{__name__}.cluster")
    config = late(f"{__name__}.config")
    daemons = late(f"{__name__}.daemons")
    drivers = late(f"{__name__}.drivers")
    endpoints = late(f"{__name__}.endpoints")
    ingress = late(f"{__name__}.ingress")
    metallb = late(f"{__name__}.metallb")
    networkpolicy = late(f"{__name__}.networkpolicy")
    pod = late(f"{__name__}.pod")
    pod_update = late(f"{__name__}.pod_update")
    policy = late(f"{__name__}.policy")
    registration = late(f"{__name__}.registration")
    revisions = late(f"{__name__}.revisions")
    service = late(f"{__name__}.service")
    service_update = late(f"{__name__}.service_update")
    servicecidr = late(f"{__name__}.servicecidr")
    storage = late(f"{__name__}.storage")


class _Rules(Struct, frozen=True):
    """What is asked of a kind's objects; `status` of a write that leaves the spec alone."""

    create: Callable[[Object], Causes]
    update: Callable[[Object, Object], Causes]
    status: Callable[[Object, Object], Causes] = object_meta_update


_ADMISSION = "admissionregistration.k8s.io"
_RULES: dict[str, _Rules] = {
    "csidrivers.storage.k8s.io": _Rules(drivers.csi_driver, drivers.csi_driver_update),
    "csinodes.storage.k8s.io": _Rules(drivers.csi_node, drivers.csi_node_update),
    "csistoragecapacities.storage.k8s.io": _Rules(
        drivers.storage_capacity, drivers.storage_capacity_update
    ),
    "ingressclasses.networking.k8s.io": _Rules(ingress.ingress_class, ingress.ingress_class_update),
    "ingresses.networking.k8s.io": _Rules(
        ingress.ingress, ingress.ingress_update, ingress.ingress_status
    ),
    "networkpolicies.networking.k8s.io": _Rules(
        networkpolicy.network_policy, networkpolicy.network_policy_update
    ),
    "podtemplates": _Rules(drivers.pod_template, drivers.pod_template_update),
    "runtimeclasses.node.k8s.io": _Rules(drivers.runtime_class, drivers.runtime_class_update),
    "volumeattachments.storage.k8s.io": _Rules(drivers.attachment, drivers.attachment_update),
    f"mutatingwebhookconfigurations.{_ADMISSION}": _Rules(
        registration.webhooks, registration.webhooks_update
    ),
    f"validatingadmissionpolicies.{_ADMISSION}": _Rules(
        registration.policy, registration.policy_update
    ),
    f"validatingadmissionpolicybindings.{_ADMISSION}": _Rules(
        registration.binding, registration.binding_update
    ),
    f"validatingwebhookconfigurations.{_ADMISSION}": _Rules(
        registration.webhooks, registration.webhooks_update
    ),
    resources.API_SERVICES: _Rules(apiservice.api_service, apiservice.api_service_update),
    resources.LIMIT_RANGES: _Rules(bounds.limit_range, bounds.limit_range_update),
    resources.RESOURCE_QUOTAS: _Rules(bounds.resource_quota, bounds.resource_quota_update),
    resources.CUSTOM_RESOURCE_DEFINITIONS: _Rules(
        definition.rules, definition.update_rules, definition.status_rules
    ),
    resources.CLUSTER_ROLES: _Rules(access.cluster_role, access.cluster_role_update),
    resources.CLUSTER_ROLE_BINDINGS: _Rules(
        access.cluster_role_binding, access.cluster_role_binding_update
    ),
    resources.ROLES: _Rules(access.role, access.role_update),
    resources.ROLE_BINDINGS: _Rules(access.role_binding, access.role_binding_update),
    resources.CONFIG_MAPS: _Rules(config.config_map, config.config_map_update),
    resources.CRON_JOBS: _Rules(batch.cron_job, batch.cron_job_update),
    resources.DEPLOYMENTS: _Rules(apps.deployment, apps.deployment_update),
    resources.ENDPOINTS: _Rules(endpoints.endpoints, endpoints.endpoints_update),
    resources.ENDPOINT_SLICES: _Rules(endpoints.endpoint_slice, endpoints.endpoint_slice_update),
    resources.EVENTS: _Rules(cluster.event, cluster.event_update),
    resources.IP_ADDRESS_POOLS: _Rules(metallb.address_pool, metallb.address_pool_update),
    resources.JOBS: _Rules(batch.job, batch.job_update, batch.job_status),
    resources.LEASES: _Rules(cluster.lease, cluster.lease_update),
    resources.NAMESPACES: _Rules(cluster.namespace, cluster.namespace_update),
    resources.NODES: _Rules(cluster.node, cluster.node_update, cluster.node_update),
    resources.PODS: _Rules(pod.pod, pod_update.pod_update),
    resources.POD_AUTOSCALERS: _Rules(
        autoscaling.pod_autoscaler, autoscaling.pod_autoscaler_update
    ),
    resources.POD_DISRUPTION_BUDGETS: _Rules(
        policy.disruption_budget, policy.disruption_budget_update
    ),
    resources.PRIORITY_CLASSES: _Rules(policy.priority_class, policy.priority_class_update),
    resources.REPLICA_SETS: _Rules(apps.replica_set, apps.replica_set_update),
    resources.RUNTIME_CLASSES: _Rules(cluster.runtime_class, cluster.runtime_class_update),
    resources.SECRETS: _Rules(config.secret, config.secret_update),
    resources.SERVICES: _Rules(
        service.service, service_update.service_update, service_update.service_status
    ),
    resources.SERVICE_ACCOUNTS: _Rules(cluster.service_account, cluster.service_account_update),
    resources.IP_ADDRESSES: _Rules(servicecidr.ip_address, servicecidr.ip_address_update),
    resources.SERVICE_CIDRS: _Rules(servicecidr.service_cidr, servicecidr.service_cidr_update),
    resources.CONTROLLER_REVISIONS: _Rules(revisions.revision, revisions.revision_update),
    resources.DAEMON_SETS: _Rules(daemons.daemon_set, daemons.daemon_set_update),
    resources.PERSISTENT_VOLUMES: _Rules(storage.volume, storage.volume_update),
    resources.PERSISTENT_VOLUME_CLAIMS: _Rules(storage.claim, storage.claim_update),
    resources.REPLICATION_CONTROLLERS: _Rules(
        apps.replication_controller, apps.replication_controller_update
    ),
    resources.SIGNING_REQUESTS: _Rules(
        certificates.signing_request,
        certificates.signing_request_update,
        certificates.signing_request_update,
    ),
    resources.STATEFUL_SETS: _Rules(apps.stateful_set, apps.stateful_set_update),
    resources.STORAGE_CLASSES: _Rules(storage.storage_class, storage.storage_class_update),
}


def validate(
    resource: Resource, new: Object, old: Object | None, *, loopback: bool = False
) -> list[Cause]:
    """Every rule that `new` breaks, each once; `old` is the stored object of an update.

    `loopback`: the cluster's own addresses are loopback ones, so endpoints may have such.

    A write whose spec is the stored object's own (not just equal to it) is a write to the status:
    the spec was judged when it was stored.
    """
    causes = dict.fromkeys(_causes(resource, new, old))
    return [cause for cause in causes if not (loopback and cause.message.endswith(LOOPBACK))]


def _causes(resource: Resource, new: Object, old: Object | None) -> Causes:
    if isinstance(resource, CustomResource):
        return objects.rules(resource, new, old)
    rules = _RULES.get(resource.key)
    if old is None:
        return rules.create(new) if rules else _any_object(resource, new)
    if resource.has_status and "spec" in old and new.get("spec") is old["spec"]:
        return (rules.status if rules else object_meta_update)(new, old)
    return (rules.update if rules else object_meta_update)(new, old)


def _any_object(resource: Resource, new: Object) -> Causes:
    return object_meta(new, resource.namespaced, names.dns_subdomain)

"""Rows of kinds that are stored and shown."""

from collections.abc import Callable
from typing import Any, TypeAlias

from netemu.api.tables.wording import (
    age,
    containers,
    human_duration,
    joined,
    labels_text,
    or_none,
    selector_object,
)
from netemu.model.conditions import condition
from netemu.model.meta import Object, name_of

Row: TypeAlias = list[Any]


def _spec(obj: Object) -> Object:
    found: Object = obj.get("spec") or {}
    return found


def ingress(obj: Object, now: float) -> Row:
    """Name, Class, Hosts, Address, Ports, Age."""
    spec = _spec(obj)
    balancer = (obj.get("status") or {}).get("loadBalancer") or {}
    addresses = [i.get("ip") or i.get("hostname", "") for i in balancer.get("ingress") or ()]
    return [
        name_of(obj),
        or_none(spec.get("ingressClassName")),
        _hosts(spec.get("rules") or ()),
        joined(addresses),
        "80, 443" if spec.get("tls") else "80",
        age(obj, now),
    ]


def service_cidr(obj: Object, now: float) -> Row:
    """Name, CIDRs, Age."""
    return [name_of(obj), joined(_spec(obj).get("cidrs") or ()), age(obj, now)]


def api_service(obj: Object, now: float) -> Row:
    """Name, Service, Available, Age."""
    service = _spec(obj).get("service")
    where = "Local" if service is None else f"{service['namespace']}/{service['name']}"
    said = condition(obj, "Available") or {"status": "Unknown"}
    shown = said["status"]
    if shown == "False" and said.get("reason"):
        shown = f"{shown} ({said['reason']})"
    return [name_of(obj), where, shown, age(obj, now)]


def ip_address(obj: Object, now: float) -> Row:
    """Name, ParentRef."""
    parent = _spec(obj).get("parentRef") or {}
    kind = ".".join(filter(None, (parent.get("resource"), parent.get("group")))).lower()
    parts = (kind, parent.get("namespace"), parent.get("name"))
    return [name_of(obj), "/".join(filter(None, parts)) or "<none>"]


_MOST_HOSTS = 3


def _hosts(rules: Any) -> str:
    hosts = [rule["host"] for rule in rules if rule.get("host")]
    shown = joined(hosts[:_MOST_HOSTS])
    more = len(hosts) - _MOST_HOSTS
    return f"{shown} + {more} more..." if more > 0 else shown or "*"


def ingress_class(obj: Object, now: float) -> Row:
    """Name, Controller, Parameters, Age."""
    parameters = _spec(obj).get("parameters")
    shown = "<none>"
    if parameters is not None:
        shown = parameters.get("kind", "")
        if parameters.get("apiGroup"):
            shown += f".{parameters['apiGroup']}"
        shown += f"/{parameters.get('name', '')}"
    return [name_of(obj), _spec(obj).get("controller", ""), shown, age(obj, now)]


def network_policy(obj: Object, now: float) -> Row:
    """Name, Pod-Selector, Age."""
    return [name_of(obj), selector_object(_spec(obj).get("podSelector")), age(obj, now)]


def resource_quota(obj: Object, now: float) -> Row:
    """Name, Request, Limit, Age."""
    status = obj.get("status") or {}
    hard, used = status.get("hard") or _spec(obj).get("hard") or {}, status.get("used") or {}
    requests: list[str] = []
    limits: list[str] = []
    for name in sorted(hard):
        said = f"{name}: {used.get(name, '0')}/{hard[name]}"
        (limits if name.startswith("limits.") else requests).append(said)
    return [name_of(obj), ", ".join(requests), ", ".join(limits), age(obj, now)]


def pod_template(obj: Object, now: float) -> Row:
    """Name, Containers, Images, Pod Labels."""
    template = obj.get("template") or {}
    names, images = containers(template.get("spec") or {})
    return [
        name_of(obj),
        names,
        images,
        labels_text((template.get("metadata") or {}).get("labels")),
    ]


def runtime_class(obj: Object, now: float) -> Row:
    """Name, Handler, Age."""
    return [name_of(obj), obj.get("handler", ""), age(obj, now)]


def csi_driver(obj: Object, now: float) -> Row:
    """Name and what the driver can."""
    spec = _spec(obj)
    audiences = [item.get("audience", "") for item in spec.get("tokenRequests") or ()]
    return [
        name_of(obj),
        spec.get("attachRequired", True),
        spec.get("podInfoOnMount", False),
        spec.get("storageCapacity", False),
        or_none(joined(audiences)).replace("<none>", "<unset>"),
        spec.get("requiresRepublish", False),
        or_none(joined(spec.get("volumeLifecycleModes") or ())),
        age(obj, now),
    ]


def csi_node(obj: Object, now: float) -> Row:
    """Name, Drivers, Age."""
    return [name_of(obj), len(_spec(obj).get("drivers") or ()), age(obj, now)]


def csi_storage_capacity(obj: Object, now: float) -> Row:
    """Name, StorageClassName, Capacity, Age."""
    return [
        name_of(obj),
        obj.get("storageClassName", ""),
        obj.get("capacity", "<unset>"),
        age(obj, now),
    ]


def volume_attachment(obj: Object, now: float) -> Row:
    """Name, Attacher, PV, Node, Attached, Age."""
    spec = _spec(obj)
    return [
        name_of(obj),
        spec.get("attacher", ""),
        (spec.get("source") or {}).get("persistentVolumeName", ""),
        spec.get("nodeName", ""),
        (obj.get("status") or {}).get("attached", False),
        age(obj, now),
    ]


def webhooks(obj: Object, now: float) -> Row:
    """Name, Webhooks, Age."""
    return [name_of(obj), len(obj.get("webhooks") or ()), age(obj, now)]


def admission_policy(obj: Object, now: float) -> Row:
    """Name, Validations, ParamKind, Age."""
    kind = _spec(obj).get("paramKind") or {}
    shown = f"{kind.get('apiVersion')}/{kind.get('kind')}" if kind else "<unset>"
    return [name_of(obj), len(_spec(obj).get("validations") or ()), shown, age(obj, now)]


def admission_policy_binding(obj: Object, now: float) -> Row:
    """Name, PolicyName, ParamRef, Age."""
    reference = _spec(obj).get("paramRef") or {}
    where = reference.get("namespace") or "*"
    shown = f"{where}/{reference.get('name', '')}" if reference else "<unset>"
    return [name_of(obj), _spec(obj).get("policyName", ""), shown, age(obj, now)]


def component_status(obj: Object, now: float) -> Row:
    """Name, Status, Message, Error."""
    conditions = obj.get("conditions") or ()
    healthy: Object = next((item for item in conditions if item["type"] == "Healthy"), {})
    status = {"True": "Healthy", "False": "Unhealthy"}.get(healthy.get("status", ""), "Unknown")
    return [name_of(obj), status, healthy.get("message", ""), healthy.get("error", "")]


def signing_request(obj: Object, now: float) -> Row:
    """Name, Age, SignerName, Requestor, RequestedDuration, Condition."""
    spec, status = _spec(obj), obj.get("status") or {}
    seconds = spec.get("expirationSeconds")
    words = [item["type"] for item in status.get("conditions") or ()]
    if status.get("certificate"):
        words.append("Issued")
    return [
        name_of(obj),
        age(obj, now),
        spec.get("signerName", ""),
        spec.get("username", ""),
        "<none>" if seconds is None else human_duration(seconds),
        ",".join(words) or "Pending",
    ]


def flow_schema(obj: Object, now: float) -> Row:
    """Name, PriorityLevel, MatchingPrecedence, DistinguisherMethod, Age."""
    spec = _spec(obj)
    return [
        name_of(obj),
        (spec.get("priorityLevelConfiguration") or {}).get("name", ""),
        spec.get("matchingPrecedence", 0),
        or_none((spec.get("distinguisherMethod") or {}).get("type")),
        age(obj, now),
    ]


def priority_level(obj: Object, now: float) -> Row:
    """Name, Type, NominalConcurrencyShares, Age."""
    limited = _spec(obj).get("limited") or {}
    shares = limited.get("nominalConcurrencyShares", "<none>")
    return [name_of(obj), _spec(obj).get("type", ""), shares, age(obj, now)]


_CSI_DRIVER = (
    "Name, AttachRequired, PodInfoOnMount, StorageCapacity, TokenRequests, RequiresRepublish, "
    "Modes, Age"
)

_SIGNING_REQUEST = "Name, Age, SignerName, Requestor, RequestedDuration, Condition"

TABLES: dict[str, tuple[str, Callable[[Object, float], Row]]] = {
    "certificatesigningrequests.certificates.k8s.io": (_SIGNING_REQUEST, signing_request),
    "componentstatuses": ("Name, Status, Message, Error", component_status),
    "csidrivers.storage.k8s.io": (_CSI_DRIVER, csi_driver),
    "csinodes.storage.k8s.io": ("Name, Drivers#, Age", csi_node),
    "csistoragecapacities.storage.k8s.io": (
        "Name, StorageClassName, Capacity, Age",
        csi_storage_capacity,
    ),
    "flowschemas.flowcontrol.apiserver.k8s.io": (
        "Name, PriorityLevel, MatchingPrecedence#, DistinguisherMethod, Age",
        flow_schema,
    ),
    "ingressclasses.networking.k8s.io": ("Name, Controller, Parameters, Age", ingress_class),
    "ingresses.networking.k8s.io": ("Name, Class, Hosts, Address, Ports, Age", ingress),
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": (
        "Name, Webhooks#, Age",
        webhooks,
    ),
    "networkpolicies.networking.k8s.io": ("Name, Pod-Selector, Age", network_policy),
    "podtemplates": ("Name, Containers, Images, Pod Labels", pod_template),
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": (
        "Name, Type, NominalConcurrencyShares, Age",
        priority_level,
    ),
    "resourcequotas": ("Name, Request, Limit, Age", resource_quota),
    "runtimeclasses.node.k8s.io": ("Name, Handler, Age", runtime_class),
    "apiservices.apiregistration.k8s.io": ("Name, Service, Available, Age", api_service),
    "ipaddresses.networking.k8s.io": ("Name, ParentRef", ip_address),
    "servicecidrs.networking.k8s.io": ("Name, CIDRs, Age", service_cidr),
    "validatingadmissionpolicies.admissionregistration.k8s.io": (
        "Name, Validations#, ParamKind, Age",
        admission_policy,
    ),
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": (
        "Name, PolicyName, ParamRef, Age",
        admission_policy_binding,
    ),
    "validatingwebhookconfigurations.admissionregistration.k8s.io": (
        "Name, Webhooks#, Age",
        webhooks,
    ),
    "volumeattachments.storage.k8s.io": (
        "Name, Attacher, PV, Node, Attached, Age",
        volume_attachment,
    ),
}
"""By `Resource.key`: columns as `netemu.api.tables` writes them, and the row."""

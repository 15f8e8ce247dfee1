"""Defaults of kinds that are stored and shown (pkg/apis/*/v1/defaults.go)."""

from typing import Any

from netemu.api.defaults import pod
from netemu.model.meta import Object


def network_policy(obj: Object) -> None:
    """NetworkPolicy: which directions it is about, and TCP."""
    spec = obj.setdefault("spec", {})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    for rule in (*(spec.get("ingress") or ()), *(spec.get("egress") or ())):
        for port in rule.get("ports") or ():
            if not port.get("protocol"):
                port["protocol"] = "TCP"


def ingress_class(obj: Object) -> None:
    """IngressClass: parameters are the cluster's unless they say otherwise."""
    parameters = (obj.get("spec") or {}).get("parameters")
    if parameters is not None:
        parameters.setdefault("scope", "Cluster")


def api_service(obj: Object) -> None:
    """APIService: the port of the Service behind it."""
    service = (obj.get("spec") or {}).get("service")
    if service is not None and service.get("port") is None:
        service["port"] = 443


def pod_template(obj: Object) -> None:
    """PodTemplate: a pod's."""
    if obj.get("template"):
        pod.pod(obj["template"])


def limit_range(obj: Object) -> None:
    """LimitRange: limits of containers follow from their maximum, requests from their limits."""
    for item in (obj.get("spec") or {}).get("limits") or ():
        if item.get("type") != "Container":
            continue
        highest, lowest = item.get("max") or {}, item.get("min") or {}
        default = {**highest, **(item.get("default") or {})}
        requests = {**lowest, **default, **(item.get("defaultRequest") or {})}
        if default:
            item["default"] = default
        if requests:
            item["defaultRequest"] = requests


def webhooks(obj: Object) -> None:
    """Validating- and MutatingWebhookConfiguration."""
    mutating = obj.get("kind") == "MutatingWebhookConfiguration"
    for hook in obj.get("webhooks") or ():
        _fill(hook, failurePolicy="Fail", matchPolicy="Equivalent", timeoutSeconds=10)
        _fill(hook, namespaceSelector={}, objectSelector={})
        if mutating:
            _fill(hook, reinvocationPolicy="Never")
        service = (hook.get("clientConfig") or {}).get("service")
        if service is not None:
            _fill(service, port=443)
        for rule in hook.get("rules") or ():
            _fill(rule, scope="*")


def admission_policy(obj: Object) -> None:
    """ValidatingAdmissionPolicy."""
    spec = obj.setdefault("spec", {})
    _fill(spec, failurePolicy="Fail")
    _constraints(spec.get("matchConstraints"))


def admission_policy_binding(obj: Object) -> None:
    """ValidatingAdmissionPolicyBinding."""
    _constraints((obj.get("spec") or {}).get("matchResources"))


def _constraints(said: Any) -> None:
    if said is None:
        return
    _fill(said, matchPolicy="Equivalent", namespaceSelector={}, objectSelector={})
    for rule in (*(said.get("resourceRules") or ()), *(said.get("excludeResourceRules") or ())):
        _fill(rule, scope="*")


def csi_driver(obj: Object) -> None:
    """CSIDriver."""
    _fill(
        obj.setdefault("spec", {}),
        attachRequired=True,
        fsGroupPolicy="ReadWriteOnceWithFSType",
        podInfoOnMount=False,
        requiresRepublish=False,
        seLinuxMount=False,
        storageCapacity=False,
        volumeLifecycleModes=["Persistent"],
    )


def _fill(obj: Object, **values: Any) -> None:
    for name, value in values.items():
        if obj.get(name) is None:
            obj[name] = value

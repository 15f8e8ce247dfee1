"""Names that Go gives to strings: what a mismatch's message calls a field with a closed set.

A schema only says "string"; k8s.io/api (v0.32) says which type it is. Fields that aren't named here
are plain strings.
"""

from collections.abc import Mapping
from typing import Final

_CONDITION: Final = "v1.ConditionStatus"
_PROTOCOL: Final = {"protocol": "v1.Protocol"}
_CONTAINER: Final = {
    "imagePullPolicy": "v1.PullPolicy",
    "terminationMessagePolicy": "v1.TerminationMessagePolicy",
    "restartPolicy": "v1.ContainerRestartPolicy",
}

_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "Container": _CONTAINER,
    "ContainerPort": _PROTOCOL,
    "CronJobSpec": {"concurrencyPolicy": "v1.ConcurrencyPolicy"},
    "DaemonSetUpdateStrategy": {"type": "v1.DaemonSetUpdateStrategyType"},
    "DeploymentCondition": {"type": "v1.DeploymentConditionType", "status": _CONDITION},
    "DeploymentStrategy": {"type": "v1.DeploymentStrategyType"},
    "EmptyDirVolumeSource": {"medium": "v1.StorageMedium"},
    "EndpointPort": _PROTOCOL,
    "EndpointSlice": {"addressType": "v1.AddressType"},
    "EphemeralContainer": _CONTAINER,
    "HTTPGetAction": {"scheme": "v1.URIScheme"},
    "HTTPIngressPath": {"pathType": "v1.PathType"},
    "HostPathVolumeSource": {"type": "v1.HostPathType"},
    "JobSpec": {"completionMode": "v1.CompletionMode"},
    "LabelSelectorRequirement": {"operator": "v1.LabelSelectorOperator"},
    "NamespaceSpec": {"finalizers": "v1.FinalizerName"},
    "NamespaceStatus": {"phase": "v1.NamespacePhase"},
    "NetworkPolicyPort": _PROTOCOL,
    "NetworkPolicySpec": {"policyTypes": "v1.PolicyType"},
    "NodeCondition": {"type": "v1.NodeConditionType", "status": _CONDITION},
    "NodeSelectorRequirement": {"operator": "v1.NodeSelectorOperator"},
    "ObjectMeta": {"uid": "types.UID"},
    "OwnerReference": {"uid": "types.UID"},
    "PersistentVolumeClaimSpec": {
        "accessModes": "v1.PersistentVolumeAccessMode",
        "volumeMode": "v1.PersistentVolumeMode",
    },
    "PersistentVolumeSpec": {
        "accessModes": "v1.PersistentVolumeAccessMode",
        "persistentVolumeReclaimPolicy": "v1.PersistentVolumeReclaimPolicy",
        "volumeMode": "v1.PersistentVolumeMode",
    },
    "PodCondition": {"type": "v1.PodConditionType", "status": _CONDITION},
    "PodSpec": {
        "dnsPolicy": "v1.DNSPolicy",
        "preemptionPolicy": "v1.PreemptionPolicy",
        "restartPolicy": "v1.RestartPolicy",
    },
    "PodStatus": {"phase": "v1.PodPhase", "qosClass": "v1.PodQOSClass"},
    "Secret": {"type": "v1.SecretType"},
    "ServicePort": _PROTOCOL,
    "ServiceSpec": {
        "externalTrafficPolicy": "v1.ServiceExternalTrafficPolicy",
        "internalTrafficPolicy": "v1.ServiceInternalTrafficPolicy",
        "ipFamilies": "v1.IPFamily",
        "ipFamilyPolicy": "v1.IPFamilyPolicy",
        "sessionAffinity": "v1.ServiceAffinity",
        "type": "v1.ServiceType",
    },
    "StatefulSetSpec": {"podManagementPolicy": "v1.PodManagementPolicyType"},
    "StatefulSetUpdateStrategy": {"type": "v1.StatefulSetUpdateStrategyType"},
    "Taint": {"effect": "v1.TaintEffect"},
    "Toleration": {"operator": "v1.TolerationOperator", "effect": "v1.TaintEffect"},
    "TopologySpreadConstraint": {"whenUnsatisfiable": "v1.UnsatisfiableConstraintAction"},
    "VolumeMount": {"mountPropagation": "v1.MountPropagationMode"},
}
"""By struct and field, both as JSON and Go spell them."""


def string_type(struct: str, field: str, go_type: str) -> str:
    """What Go calls a field's type that the schema knows as `go_type`."""
    if go_type not in ("string", "[]string"):
        return go_type
    named = _NAMES.get(struct, {}).get(field)
    return go_type if named is None else go_type.replace("string", named)

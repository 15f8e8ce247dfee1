"""The roles and bindings that every cluster has, as far as clients and their manifests expect them.

Source: plugin/pkg/auth/authorizer/rbac/bootstrappolicy at v1.32. The user-facing roles admin, edit
and view are sums of others (aggregation), so that a definition's author can add to them.
"""

from collections.abc import Sequence
from typing import Final

from netemu.model.meta import Object

_GROUP: Final = "rbac.authorization.k8s.io"
_API: Final = f"{_GROUP}/v1"
_ANNOTATIONS: Final = {"rbac.authorization.kubernetes.io/autoupdate": "true"}
_LABELS: Final = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_AGGREGATE: Final = "rbac.authorization.k8s.io/aggregate-to-"

_READ: Final = ("get", "list", "watch")
_WRITE: Final = ("create", "delete", "deletecollection", "patch", "update")
_ALL: Final = (*_WRITE, *_READ)

_WORKLOADS: Final = (
    ("apps", ("daemonsets", "deployments", "deployments/scale", "replicasets", "replicasets/scale",
              "statefulsets", "statefulsets/scale")),
    ("autoscaling", ("horizontalpodautoscalers",)),
    ("batch", ("cronjobs", "jobs")),
    ("policy", ("poddisruptionbudgets",)),
    ("networking.k8s.io", ("ingresses", "networkpolicies")),
)  # fmt: skip
_STATUSES: Final = (
    ("apps", ("daemonsets/status", "deployments/status", "replicasets/status",
              "statefulsets/status")),
    ("autoscaling", ("horizontalpodautoscalers/status",)),
    ("batch", ("cronjobs/status", "jobs/status")),
    ("policy", ("poddisruptionbudgets/status",)),
    ("networking.k8s.io", ("ingresses/status",)),
)  # fmt: skip
_VIEWED: Final = ("configmaps", "endpoints", "persistentvolumeclaims",
                  "persistentvolumeclaims/status", "pods", "replicationcontrollers",
                  "replicationcontrollers/scale", "serviceaccounts", "services",
                  "services/status")  # fmt: skip
_VIEWED_TOO: Final = ("bindings", "events", "limitranges", "namespaces/status", "pods/log",
                      "pods/status", "replicationcontrollers/status", "resourcequotas",
                      "resourcequotas/status")  # fmt: skip
_EDITED: Final = ("configmaps", "events", "persistentvolumeclaims", "replicationcontrollers",
                  "replicationcontrollers/scale", "secrets", "serviceaccounts",
                  "services", "services/proxy")  # fmt: skip
_SECRETS: Final = ("pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets",
                   "services/proxy")  # fmt: skip
_POD_WRITES: Final = ("pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy")
_DISCOVERY: Final = ("/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi",
                     "/openapi/*", "/readyz", "/version", "/version/")  # fmt: skip
_ISSUER_ROLE: Final = "system:service-account-issuer-discovery"
_ISSUER: Final = ("/.well-known/openid-configuration", "/.well-known/openid-configuration/",
                  "/openid/v1/jwks", "/openid/v1/jwks/")  # fmt: skip
_PUBLIC: Final = ("/healthz", "/livez", "/readyz", "/version", "/version/")


def _rule(verbs: Sequence[str], group: str, *resources: str) -> Object:
    return {"verbs": [*verbs], "apiGroups": [group], "resources": [*resources]}


def _paths(*urls: str) -> Object:
    return {"verbs": ["get"], "nonResourceURLs": [*urls]}


_VIEW: Final = [
    _rule(_READ, "", *_VIEWED),
    _rule(_READ, "", *_VIEWED_TOO),
    _rule(_READ, "", "namespaces"),
    _rule(_READ, "discovery.k8s.io", "endpointslices"),
    _rule(_READ, "apps", "controllerrevisions"),
    *(_rule(_READ, group, *names) for group, names in (*_WORKLOADS, *_STATUSES)),
]
_EDIT: Final = [
    _rule(_READ, "", *_SECRETS),
    _rule(("impersonate",), "", "serviceaccounts"),
    _rule(_WRITE, "", *_POD_WRITES),
    _rule(("create",), "", "pods/eviction"),
    _rule(_WRITE, "", *_EDITED),
    _rule(("create",), "", "serviceaccounts/token"),
    *(_rule(_WRITE, group, *names) for group, names in _WORKLOADS),
    _rule(_ALL, "coordination.k8s.io", "leases"),
]
_ADMIN: Final = [
    _rule(("create",), "authorization.k8s.io", "localsubjectaccessreviews"),
    _rule(_ALL, _GROUP, "rolebindings", "roles"),
]
_BASIC: Final = [
    _rule(
        ("create",), "authorization.k8s.io", "selfsubjectaccessreviews", "selfsubjectrulesreviews"
    ),
    _rule(("create",), "authentication.k8s.io", "selfsubjectreviews"),
]
_DELEGATED: Final = [
    _rule(("create",), "authentication.k8s.io", "tokenreviews"),
    _rule(("create",), "authorization.k8s.io", "subjectaccessreviews"),
]
_EVERYTHING: Final = [
    _rule(("*",), "*", "*"),
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
]


def _metadata(name: str, **labels: str) -> Object:
    return {"name": name, "labels": {**_LABELS, **labels}, "annotations": {**_ANNOTATIONS}}


def _role(name: str, rules: Sequence[Object], *aggregated_to: str) -> Object:
    metadata = _metadata(name)
    metadata["labels"] |= {_AGGREGATE + target: "true" for target in aggregated_to}
    return {"apiVersion": _API, "kind": "ClusterRole", "metadata": metadata, "rules": [*rules]}


def _sum(name: str, *aggregated_to: str) -> Object:
    selector = {"matchLabels": {_AGGREGATE + name: "true"}}
    return {
        **_role(name, [], *aggregated_to),
        "aggregationRule": {"clusterRoleSelectors": [selector]},
    }


def _binding(name: str, role: str, *groups: str) -> Object:
    return {
        "apiVersion": _API,
        "kind": "ClusterRoleBinding",
        "metadata": _metadata(name),
        "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": _GROUP, "kind": "Group", "name": group} for group in groups],
    }


def cluster_roles() -> list[Object]:
    """The ClusterRoles, sums after their parts."""
    return [
        _role("cluster-admin", _EVERYTHING),
        _role("system:discovery", [_paths(*_DISCOVERY)]),
        _role("system:public-info-viewer", [_paths(*_PUBLIC)]),
        _role(_ISSUER_ROLE, [_paths(*_ISSUER)]),
        _role("system:basic-user", _BASIC),
        _role("system:auth-delegator", _DELEGATED),
        _role("system:aggregate-to-admin", _ADMIN, "admin"),
        _role("system:aggregate-to-edit", _EDIT, "edit"),
        _role("system:aggregate-to-view", _VIEW, "view"),
        _sum("admin"),
        _sum("edit", "admin"),
        _sum("view", "edit"),
    ]


def cluster_role_bindings() -> list[Object]:
    """Who has them."""
    authenticated, nobody = "system:authenticated", "system:unauthenticated"
    return [
        _binding("cluster-admin", "cluster-admin", "system:masters"),
        _binding("kubeadm:cluster-admins", "cluster-admin", "kubeadm:cluster-admins"),
        _binding("system:discovery", "system:discovery", authenticated),
        _binding("system:basic-user", "system:basic-user", authenticated),
        _binding("system:public-info-viewer", "system:public-info-viewer", authenticated, nobody),
        _binding(_ISSUER_ROLE, _ISSUER_ROLE, "system:serviceaccounts"),
    ]

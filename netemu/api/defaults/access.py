"""Defaults of bindings (pkg/apis/rbac/v1/defaults.go)."""

from netemu.model.meta import Object

_GROUP = "rbac.authorization.k8s.io"


def binding(obj: Object) -> None:
    """A RoleBinding or ClusterRoleBinding: groups follow from kinds."""
    reference = obj.get("roleRef")
    if reference is not None and not reference.get("apiGroup"):
        reference["apiGroup"] = _GROUP
    for subject in obj.get("subjects") or ():
        if not subject.get("apiGroup") and subject.get("kind") in ("User", "Group"):
            subject["apiGroup"] = _GROUP

"""Rules of roles and bindings (pkg/apis/rbac/validation)."""

from typing import Final

from netemu.api.validation import field
from netemu.api.validation.field import Causes, Path, each_invalid
from netemu.api.validation.meta import label_selector, object_meta, object_meta_update
from netemu.model import names
from netemu.model.meta import Object

GROUP: Final = "rbac.authorization.k8s.io"
_RULES: Final = Path("rules")
_REFERENCE: Final = Path("roleRef")
_SUBJECTS: Final = Path("subjects")


def role(obj: Object) -> Causes:
    """A new Role."""
    yield from object_meta(obj, True, names.path_segment)
    yield from _rules(obj, namespaced=True)


def role_update(new: Object, old: Object) -> Causes:
    """An update of a Role."""
    yield from object_meta_update(new, old)
    yield from role(new)


def cluster_role(obj: Object) -> Causes:
    """A new ClusterRole."""
    yield from object_meta(obj, False, names.path_segment)
    yield from _rules(obj, namespaced=False)
    rule = obj.get("aggregationRule")
    if rule is None:
        return
    path = Path("aggregationRule").child("clusterRoleSelectors")
    if not rule.get("clusterRoleSelectors"):
        why = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        yield field.required(path, why)
    for number, selector in enumerate(rule.get("clusterRoleSelectors") or ()):
        yield from label_selector(selector, path.index(number))


def cluster_role_update(new: Object, old: Object) -> Causes:
    """An update of a ClusterRole."""
    yield from object_meta_update(new, old)
    yield from cluster_role(new)


def _rules(obj: Object, *, namespaced: bool) -> Causes:
    for number, rule in enumerate(obj.get("rules") or ()):
        yield from _rule(rule, _RULES.index(number), namespaced=namespaced)


def _rule(rule: Object, path: Path, *, namespaced: bool) -> Causes:
    if not rule.get("verbs"):
        yield field.required(path.child("verbs"), "verbs must contain at least one value")
    urls = rule.get("nonResourceURLs")
    if urls:
        if namespaced:
            why = "namespaced rules cannot apply to non-resource URLs"
            yield field.invalid(path.child("nonResourceURLs"), urls, why)
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            why = "rules cannot apply to both regular resources and non-resource URLs"
            yield field.invalid(path.child("nonResourceURLs"), urls, why)
        return
    if not rule.get("apiGroups"):
        yield field.required(
            path.child("apiGroups"), "resource rules must supply at least one api group"
        )
    if not rule.get("resources"):
        yield field.required(
            path.child("resources"), "resource rules must supply at least one resource"
        )


def role_binding(obj: Object) -> Causes:
    """A new RoleBinding."""
    yield from _binding(obj, ("Role", "ClusterRole"), namespaced=True)


def role_binding_update(new: Object, old: Object) -> Causes:
    """An update of a RoleBinding."""
    yield from role_binding(new)
    yield from _binding_update(new, old)


def cluster_role_binding(obj: Object) -> Causes:
    """A new ClusterRoleBinding."""
    yield from _binding(obj, ("ClusterRole",), namespaced=False)


def cluster_role_binding_update(new: Object, old: Object) -> Causes:
    """An update of a ClusterRoleBinding."""
    yield from cluster_role_binding(new)
    yield from _binding_update(new, old)


def _binding_update(new: Object, old: Object) -> Causes:
    yield from object_meta_update(new, old)
    if not field.same(new.get("roleRef"), old.get("roleRef")):
        yield field.invalid(_REFERENCE, new.get("roleRef"), "cannot change roleRef")


def _binding(obj: Object, kinds: tuple[str, ...], *, namespaced: bool) -> Causes:
    yield from object_meta(obj, namespaced, names.path_segment)
    reference = obj.get("roleRef") or {}
    if reference.get("apiGroup") != GROUP:
        yield field.not_supported(
            _REFERENCE.child("apiGroup"), reference.get("apiGroup", ""), [GROUP]
        )
    if reference.get("kind") not in kinds:
        yield field.not_supported(_REFERENCE.child("kind"), reference.get("kind", ""), kinds)
    name = reference.get("name", "")
    if not name:
        yield field.required(_REFERENCE.child("name"))
    else:
        yield from each_invalid(_REFERENCE.child("name"), name, names.path_segment(name))
    for number, subject in enumerate(obj.get("subjects") or ()):
        yield from _subject(subject, _SUBJECTS.index(number), namespaced=namespaced)


def _subject(subject: Object, path: Path, *, namespaced: bool) -> Causes:
    name, group = subject.get("name", ""), subject.get("apiGroup", "")
    if not name:
        yield field.required(path.child("name"))
    match subject.get("kind", ""):
        case "ServiceAccount":
            if name:
                yield from each_invalid(path.child("name"), name, names.dns_subdomain(name))
            if group:
                yield field.not_supported(path.child("apiGroup"), group, [""])
            if not namespaced and not subject.get("namespace"):
                yield field.required(path.child("namespace"))
        case "User" | "Group":
            if group != GROUP:
                yield field.not_supported(path.child("apiGroup"), group, [GROUP])
        case other:
            kinds = ("ServiceAccount", "User", "Group")
            yield field.not_supported(path.child("kind"), other, kinds)

"""Nobody gives away what he doesn't have: roles and bindings are checked against their author.

Whoever may "escalate" a role, or "bind" it, is not (pkg/registry/rbac/*/policybased).
"""

import json
from collections.abc import Callable, Sequence

from netemu.api.access import Access
from netemu.api.rbac import MASTERS, Attributes, Rule, uncovered
from netemu.api.request import User
from netemu.model.errors import Forbidden
from netemu.model.meta import Object
from netemu.model.resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    ROLE_BINDINGS,
    ROLES,
    Resource,
)

_ROLES = (ROLES, CLUSTER_ROLES)
_BINDINGS = (ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS)

Roles = Callable[[str, str, str], Object | None]
"""A role by resource, namespace and name."""


def check(
    access: Access, roles: Roles, user: User | None, resource: Resource, namespace: str, obj: Object
) -> None:
    """Raises Forbidden when writing a role or binding would give away more than its author has."""
    if resource.key not in (*_ROLES, *_BINDINGS) or user is None or MASTERS in user.groups:
        return
    if resource.key in _ROLES:
        verb, named, rules = "escalate", obj["metadata"].get("name", ""), obj.get("rules") or ()
        plural = resource.plural
    else:
        reference = obj.get("roleRef") or {}
        plural = "roles" if reference.get("kind") == "Role" else "clusterroles"
        verb, named = "bind", reference.get("name", "")
        rules = _rules(roles, reference, namespace)
    wanted = Attributes(
        verb=verb, group=resource.group, resource=plural, namespace=namespace, name=named
    )
    if access.grants.allowed(user, wanted) is not None:
        return
    missing = uncovered(access.grants.of(user, namespace), rules)
    if missing:
        raise _refusal(user, resource, obj, missing)


def _rules(roles: Roles, reference: Object, namespace: str) -> Sequence[Rule]:
    name = reference.get("name", "")
    if reference.get("kind") == "Role":
        role = roles(ROLES, namespace, name)
    else:
        role = roles(CLUSTER_ROLES, "", name)
    return (role or {}).get("rules") or ()


def _refusal(user: User, resource: Resource, obj: Object, missing: Sequence[Rule]) -> Forbidden:
    name = obj["metadata"].get("name", "")
    groups = json.dumps([*user.groups])
    lines = "\n".join(map(_compact, missing))
    why = (
        f'user "{user.name}" (groups={groups}) is attempting to grant RBAC permissions not '
        f"currently held:\n{lines}"
    )
    return Forbidden(
        f'{resource.key} "{name}" is forbidden: {why}',
        name=name,
        group=resource.group,
        kind=resource.plural,
    )


_NAMES = {
    "apiGroups": "APIGroups",
    "resources": "Resources",
    "resourceNames": "ResourceNames",
    "nonResourceURLs": "NonResourceURLs",
    "verbs": "Verbs",
}


def _compact(rule: Rule) -> str:
    parts = (
        f"{shown}:{json.dumps(rule[name])}" for name, shown in _NAMES.items() if rule.get(name)
    )
    return "{" + ", ".join(parts) + "}"

"""Nobody gives away what he doesn't have."""

from typing import Any

from netemu.api.request import User
from tests.support.api import Cluster

RBAC = "/apis/rbac.authorization.k8s.io/v1"
ROLES = f"{RBAC}/namespaces/default/roles"
BINDINGS = f"{RBAC}/namespaces/default/rolebindings"
ANNE = User("anne")


def role(name: str, group: str, *resources: str, verbs: tuple[str, ...] = ("*",)) -> dict[str, Any]:
    rule = {"apiGroups": [group], "resources": [*resources], "verbs": [*verbs]}
    return {"metadata": {"name": name}, "rules": [rule]}


def binding(role: str) -> dict[str, Any]:
    return {
        "metadata": {"name": role},
        "roleRef": {"kind": "Role", "name": role},
        "subjects": [{"kind": "User", "name": "anne"}],
    }


async def given(cluster: Cluster, *more: str) -> None:
    """Anne may write roles and bindings, and get pods."""
    rbac = "rbac.authorization.k8s.io"
    verbs = ("get", "create", "update", "patch", *more)
    await cluster.json("POST", ROLES, role("writer", rbac, "roles", "rolebindings", verbs=verbs))
    await cluster.json("POST", BINDINGS, binding("writer"))
    await cluster.json("POST", ROLES, role("reader", "", "pods", verbs=("get",)))
    await cluster.json("POST", BINDINGS, binding("reader"))
    await cluster.json("POST", ROLES, role("keeper", "", "secrets", verbs=("get",)))


async def test_a_role_of_what_one_has(cluster: Cluster) -> None:
    await given(cluster)
    await cluster.json("POST", ROLES, role("mine", "", "pods", verbs=("get",)), user=ANNE)
    refused = await cluster.refused(
        "POST", ROLES, role("more", "", "secrets", verbs=("get",)), user=ANNE
    )
    assert refused["code"] == 403
    assert refused["message"] == (
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "anne" (groups=[]) is '
        'attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], '
        'Resources:["secrets"], Verbs:["get"]}'
    )


async def test_a_role_cannot_grow_by_a_patch(cluster: Cluster) -> None:
    await given(cluster)
    more = {"rules": role("x", "", "secrets")["rules"]}
    merge = {"content_type": "application/merge-patch+json"}
    await cluster.refused("PATCH", f"{ROLES}/reader", more, user=ANNE, **merge)


async def test_binding_a_role_needs_its_rules_or_the_right_to_bind(cluster: Cluster) -> None:
    await given(cluster)
    await cluster.refused("POST", BINDINGS, binding("keeper"), user=ANNE)
    await cluster.json("PUT", f"{BINDINGS}/reader", binding("reader"), user=ANNE)


async def test_who_may_bind_may_bind(cluster: Cluster) -> None:
    await given(cluster, "bind", "escalate")
    await cluster.json("POST", BINDINGS, binding("keeper"), user=ANNE)
    await cluster.json("POST", ROLES, role("more", "", "nodes"), user=ANNE)

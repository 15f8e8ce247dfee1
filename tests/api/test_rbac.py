"""What rules allow."""

import pytest

from netemu.api.rbac import Attributes, Grants, allows, forbidden, uncovered
from netemu.api.request import User
from netemu.model.meta import Object

READ_PODS: Object = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}
GET = Attributes(verb="get", resource="pods", namespace="default", name="p")


LOG = Attributes(verb="get", resource="pods", subresource="log")
SCALE = Attributes(verb="get", resource="x", subresource="scale")
API = Attributes(verb="get", path="/api/v1")


def rule(**changed: list[str]) -> Object:
    return {**READ_PODS, **changed}


def urls(*paths: str) -> Object:
    return {"verbs": ["get"], "nonResourceURLs": [*paths]}


@pytest.mark.parametrize(
    ("one", "wanted", "allowed"),
    [
        (READ_PODS, GET, True),
        (READ_PODS, Attributes(verb="delete", resource="pods"), False),
        (READ_PODS, Attributes(verb="get", resource="pods", group="apps"), False),
        (READ_PODS, LOG, False),
        (rule(resources=["pods/log"]), LOG, True),
        (rule(resources=["*/scale"]), SCALE, True),
        (rule(resources=["*"]), LOG, True),
        (rule(verbs=["*"], apiGroups=["*"]), Attributes(verb="x", resource="pods"), True),
        (rule(resourceNames=["p"]), GET, True),
        (rule(resourceNames=["q"]), GET, False),
        (rule(resourceNames=["p"]), Attributes(verb="list", resource="pods"), False),
        (urls("/api/*"), API, True),
        (urls("/api"), API, False),
        (urls("*"), GET, False),
    ],
)
def test_a_rule(one: Object, wanted: Attributes, allowed: bool) -> None:
    assert allows(one, wanted) is allowed


def role(name: str, *rules: Object, namespace: str = "") -> Object:
    home = {"namespace": namespace} if namespace else {}
    return {"metadata": {"name": name, **home}, "rules": [*rules]}


def binding(kind: str, name: str, *subjects: Object, namespace: str = "") -> Object:
    home = {"namespace": namespace} if namespace else {}
    reference = {"kind": kind, "name": name}
    return {"metadata": {"name": "b", **home}, "roleRef": reference, "subjects": [*subjects]}


ANNE: Object = {"kind": "User", "name": "anne"}
TEAM: Object = {"kind": "Group", "name": "team"}
BOT: Object = {"kind": "ServiceAccount", "name": "bot", "namespace": "kube-system"}


def test_a_role_counts_in_its_namespace() -> None:
    grants = Grants(
        roles=[role("reader", READ_PODS, namespace="default")],
        bindings=[binding("Role", "reader", ANNE, namespace="default")],
    )
    assert grants.allowed(User("anne"), GET)
    assert grants.allowed(User("bert"), GET) is None
    elsewhere = Attributes(verb="get", resource="pods", namespace="other")
    assert grants.allowed(User("anne"), elsewhere) is None
    everywhere = Attributes(verb="list", resource="pods")
    assert grants.allowed(User("anne"), everywhere) is None


def test_a_cluster_role_counts_where_it_is_bound() -> None:
    roles = [role("reader", READ_PODS)]
    here = Grants(
        cluster_roles=roles, bindings=[binding("ClusterRole", "reader", TEAM, namespace="default")]
    )
    user = User("anne", ("team",))
    assert here.allowed(user, GET)
    assert here.allowed(user, Attributes(verb="list", resource="pods")) is None
    everywhere = Grants(
        cluster_roles=roles, cluster_bindings=[binding("ClusterRole", "reader", TEAM)]
    )
    assert everywhere.allowed(user, Attributes(verb="list", resource="pods")) == (
        'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "reader" to Group "team"'
    )


def test_accounts_are_users_with_long_names() -> None:
    grants = Grants(
        cluster_roles=[role("reader", READ_PODS)],
        cluster_bindings=[binding("ClusterRole", "reader", BOT)],
    )
    assert grants.allowed(User("system:serviceaccount:kube-system:bot"), GET)


def test_masters_need_no_role() -> None:
    assert Grants().allowed(User("x", ("system:masters",)), GET) is not None


def test_a_binding_without_its_role_allows_nothing() -> None:
    grants = Grants(cluster_bindings=[binding("ClusterRole", "gone", ANNE)])
    assert grants.allowed(User("anne"), GET) is None


def test_refusals_read_as_on_a_cluster() -> None:
    anne = User("anne")
    assert forbidden(anne, GET).message == (
        'pods "p" is forbidden: User "anne" cannot get resource "pods" in API group "" in the '
        'namespace "default"'
    )
    every = Attributes(verb="list", resource="deployments", group="apps")
    assert forbidden(anne, every).message == (
        'deployments.apps is forbidden: User "anne" cannot list resource "deployments" in API '
        'group "apps" at the cluster scope'
    )
    path = Attributes(verb="get", path="/metrics")
    assert forbidden(anne, path).message == 'forbidden: User "anne" cannot get path "/metrics"'


def test_what_is_not_covered_would_be_an_escalation() -> None:
    grants = Grants(
        cluster_roles=[role("reader", READ_PODS)],
        cluster_bindings=[binding("ClusterRole", "reader", ANNE)],
    )
    owned = list(grants.of(User("anne"), "default"))
    assert not uncovered(owned, [rule(resourceNames=["p"])])
    assert uncovered(owned, [rule(verbs=["get", "delete"])]) == [rule(verbs=["delete"])]

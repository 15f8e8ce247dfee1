"""PUT: what it makes, and what it replaces only at a version."""

import msgspec
import pytest

from netemu.api import replacing
from netemu.api.request import User
from netemu.model.errors import Conflict, Invalid
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY
from tests.support.api import Cluster
from tests.support.bodies import MAP, MAPS

HOME = "namespaces/default"
LEASES = f"/apis/coordination.k8s.io/v1/{HOME}/leases"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ROLE_REF = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
STORED: Object = {"metadata": {"name": "a", "uid": "u", "resourceVersion": "5"}}
CONFIG_MAP, LEASE = BY_KEY["configmaps"], BY_KEY["leases.coordination.k8s.io"]

MADE = [
    (LEASES, {"spec": {"holderIdentity": "me"}}),
    (f"/api/v1/{HOME}/endpoints", {}),
    (f"/api/v1/{HOME}/events", {"involvedObject": {"namespace": "default"}}),
    (f"/api/v1/{HOME}/limitranges", {"spec": {"limits": []}}),
    (f"/api/v1/{HOME}/services", {"spec": {"ports": [{"port": 80}]}}),
    (f"{RBAC}/clusterroles", {}),
    (f"{RBAC}/clusterrolebindings", {"roleRef": ROLE_REF}),
    (f"{RBAC}/{HOME}/roles", {}),
    (f"{RBAC}/{HOME}/rolebindings", {"roleRef": ROLE_REF}),
    ("/apis/node.k8s.io/v1/runtimeclasses", {"handler": "h"}),
]


@pytest.mark.parametrize(("path", "body"), MADE)
async def test_some_kinds_are_made_by_a_put(cluster: Cluster, path: str, body: Object) -> None:
    given = {**body, "metadata": {"name": "x", "resourceVersion": "7", "labels": {"a": "b"}}}
    made = await cluster.whole("PUT", f"{path}/x", given)
    assert made.status == 201, made.body
    obj = msgspec.json.decode(made.body)
    assert obj["metadata"]["managedFields"][0]["operation"] == "Update"
    again = await cluster.whole("PUT", f"{path}/x", obj)
    assert again.status == 200, again.body


async def test_the_others_must_be_there(cluster: Cluster) -> None:
    status = await cluster.refused("PUT", f"{MAPS}/m", MAP)
    assert (status["code"], status["message"]) == (404, 'configmaps "m" not found')


async def test_a_dry_put_makes_nothing(cluster: Cluster) -> None:
    given = {"metadata": {"name": "x"}}
    assert (await cluster.whole("PUT", f"{LEASES}/x", given, dryRun="All")).status == 201
    assert (await cluster.refused("GET", f"{LEASES}/x"))["code"] == 404


async def test_making_by_put_takes_the_right_to_create(cluster: Cluster) -> None:
    role = {
        "metadata": {"name": "updater"},
        "rules": [{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"],
                   "verbs": ["update"]}],
    }  # fmt: skip
    binding = {
        "metadata": {"name": "b"},
        "roleRef": {**ROLE_REF, "kind": "Role", "name": "updater"},
        "subjects": [{"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}],
    }
    await cluster.json("POST", f"{RBAC}/{HOME}/roles", role)
    await cluster.json("POST", f"{RBAC}/{HOME}/rolebindings", binding)
    status = await cluster.refused(
        "PUT", f"{LEASES}/x", {"metadata": {"name": "x"}}, user=User("jane")
    )
    assert status["message"] == (
        'leases.coordination.k8s.io "x" is forbidden: User "jane" cannot create resource "leases" '
        'in API group "coordination.k8s.io" in the namespace "default"'
    )


@pytest.mark.parametrize("version", [{}, {"resourceVersion": "0"}])
async def test_some_kinds_are_replaced_only_at_a_version(cluster: Cluster, version: Object) -> None:
    created = await cluster.json("POST", LEASES, {"metadata": {"name": "l"}})
    status = await cluster.refused("PUT", f"{LEASES}/l", {"metadata": {"name": "l", **version}})
    assert status["code"] == 422
    assert status["message"] == (
        'leases.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: 0x0: '
        "must be specified for an update"
    )
    assert status["details"]["kind"] == "leases"
    await cluster.json("PUT", f"{LEASES}/l", created)


async def test_version_zero_is_none(cluster: Cluster) -> None:
    given = {**MAP, "metadata": {"name": "m", "resourceVersion": "0"}}
    await cluster.json("POST", MAPS, given)
    await cluster.json("PUT", f"{MAPS}/m", {**given, "data": {"new": "x"}})


def test_a_body_may_leave_out_who_it_is() -> None:
    for given in ({"metadata": {"name": "a"}}, STORED):
        replacing.check_identity(CONFIG_MAP, ("n", "a"), given, STORED)
        replacing.check_version(CONFIG_MAP, given, STORED)


def test_a_body_about_another_version_is_a_conflict() -> None:
    with pytest.raises(Conflict, match="the object has been modified"):
        replacing.check_version(CONFIG_MAP, {"metadata": {"resourceVersion": "4"}}, STORED)
    with pytest.raises(Invalid):
        replacing.check_version(LEASE, {"metadata": {}}, STORED)


@pytest.mark.parametrize(
    ("resource", "key", "place"),
    [
        ("configmaps", ("n", "a"), "/registry/configmaps/n/a"),
        ("services", ("n", "a"), "/registry/services/specs/n/a"),
        ("nodes", ("", "a"), "/registry/minions/a"),
        ("customresourcedefinitions.apiextensions.k8s.io", ("", "a"),
         "/registry/apiextensions.k8s.io/customresourcedefinitions/a"),
    ],
)  # fmt: skip
def test_a_body_about_another_object_is_a_conflict(
    resource: str, key: tuple[str, str], place: str
) -> None:
    given = {"metadata": {"uid": "x"}}
    with pytest.raises(Conflict) as refused:
        replacing.check_identity(BY_KEY[resource], key, given, STORED)
    assert refused.value.message.endswith(
        f"StorageError: invalid object, Code: 4, Key: {place}, ResourceVersion: 0, "
        "AdditionalErrorMsg: Precondition failed: UID in precondition: x, UID in object meta: u"
    )


async def test_a_put_about_what_is_gone_is_a_conflict(cluster: Cluster) -> None:
    given = {**MAP, "metadata": {"name": "m", "uid": "x"}}
    status = await cluster.refused("PUT", f"{MAPS}/m", given)
    assert status["code"] == 409
    assert status["message"].endswith("UID in precondition: x, UID in object meta: ")

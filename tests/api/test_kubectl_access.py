"""The real kubectl as somebody who may not do everything."""

import asyncio

import pytest

from netemu.controllers import defaultroles
from netemu.controllers.aggregation import summed
from netemu.model.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES
from tests.support.api import ApiServer
from tests.support.kubectl import Kubectl

DENIED = "Error from server (Forbidden): "


@pytest.fixture
async def bot(api_server: ApiServer, kubectl: Kubectl) -> tuple[str, ...]:
    """Flags by which kubectl speaks for an account that may view what is in its namespace."""
    client = api_server.registry.client("tests")
    roles = defaultroles.cluster_roles()
    for role in roles:
        rules = summed(role, roles) or role["rules"]
        await client.create(CLUSTER_ROLES, {**role, "rules": rules})
    for binding in defaultroles.cluster_role_bindings():
        await client.create(CLUSTER_ROLE_BINDINGS, binding)
    await kubectl("create", "serviceaccount", "bot")
    await kubectl(
        "create", "rolebinding", "bot", "--clusterrole=view", "--serviceaccount=default:bot"
    )
    token = (await kubectl("create", "token", "bot")).out.strip()
    config = api_server.kubeconfig.with_name("bot")
    ca = api_server.credentials.ca_file
    config.write_text(
        f"""\
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "{api_server.url}", certificate-authority: "{ca}"}}}}]
users: [{{name: u, user: {{token: "{token}"}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
"""
    )
    return ("--kubeconfig", str(config))


async def test_a_token_speaks_for_its_account(kubectl: Kubectl, bot: tuple[str, ...]) -> None:
    said = (await kubectl(*bot, "auth", "whoami")).out
    assert "system:serviceaccount:default:bot" in said
    assert "system:serviceaccounts:default" in said


async def test_roles_say_what_it_may(kubectl: Kubectl, bot: tuple[str, ...]) -> None:
    await kubectl(*bot, "get", "pods")
    said = await kubectl(*bot, "get", "secrets", fails=True)
    assert said.err == (
        DENIED + 'secrets is forbidden: User "system:serviceaccount:default:bot" cannot list '
        'resource "secrets" in API group "" in the namespace "default"\n'
    )
    said = await kubectl(*bot, "get", "pods", "-A", fails=True)
    assert said.err.endswith("at the cluster scope\n")


async def test_it_can_be_asked(kubectl: Kubectl, bot: tuple[str, ...]) -> None:
    assert (await kubectl(*bot, "auth", "can-i", "list", "pods")).out == "yes\n"
    assert (await kubectl(*bot, "auth", "can-i", "delete", "pods", fails=True)).out == "no\n"
    listed = (await kubectl(*bot, "auth", "can-i", "--list")).out
    assert "selfsubjectreviews.authentication.k8s.io" in listed
    assert (await kubectl("auth", "can-i", "*", "*")).out == "yes\n"


async def test_a_bad_token_is_nobody(kubectl: Kubectl, bot: tuple[str, ...]) -> None:
    said = await kubectl(*bot, "--token=x", "get", "pods", fails=True)
    assert "error: You must be logged in to the server" in said.err


async def test_roles_and_bindings_are_shown(kubectl: Kubectl, bot: tuple[str, ...]) -> None:
    row = (await kubectl("get", "rolebindings", "-o", "wide", "--no-headers")).out.split()
    assert row[:2] == ["bot", "ClusterRole/view"]
    assert row[-1] == "default/bot"
    described, admin = await asyncio.gather(
        kubectl("describe", "rolebinding", "bot"), kubectl("describe", "clusterrole", "edit")
    )
    assert "ServiceAccount  bot   default" in described.out
    assert "deployments.apps" in admin.out


async def test_the_administrator_may_act_as_somebody_else(
    kubectl: Kubectl, bot: tuple[str, ...]
) -> None:
    account = "system:serviceaccount:default:bot"
    said = await kubectl("auth", "whoami", f"--as={account}", "--as-group=a")
    assert account in said.out
    assert "[a system:authenticated]" in said.out
    assert (await kubectl("auth", "can-i", "list", "pods", f"--as={account}")).out == "yes\n"
    said = await kubectl("get", "secrets", f"--as={account}", fails=True)
    assert said.err.startswith(f'{DENIED}secrets is forbidden: User "{account}" cannot list')


async def test_others_may_not(kubectl: Kubectl, bot: tuple[str, ...]) -> None:
    said = await kubectl(*bot, "get", "--raw", "/api/v1/pods", "--as=bob", fails=True)
    assert said.err == (
        DENIED + 'users "bob" is forbidden: User "system:serviceaccount:default:bot" cannot '
        'impersonate resource "users" in API group "" at the cluster scope\n'
    )

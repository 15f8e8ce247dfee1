"""The serviceaccount controller: every namespace has a ServiceAccount ``default``."""

from collections.abc import Iterable

from netemu.controllers.actions import Action, Create, execute
from netemu.controllers.runner import Context
from netemu.model import resources
from netemu.model.client import Change
from netemu.model.meta import Object, is_deleting, name_of, namespace_of

NAME = "default"


def plan(namespace: Object | None, account: Object | None) -> list[Action]:
    """The account to create, if it is missing from a namespace that stays."""
    if namespace is None or is_deleting(namespace) or account is not None:
        return []
    metadata = {"name": NAME, "namespace": name_of(namespace)}
    wanted = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    return [Create(resources.SERVICE_ACCOUNTS, wanted)]


class ServiceAccountController:
    """Brings namespaces' default accounts in line."""

    resources = (resources.NAMESPACES, resources.SERVICE_ACCOUNTS)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder

    def observe(self, change: Change) -> Iterable[str]:
        """A namespace, or the account in it."""
        if change.resource == resources.NAMESPACES:
            return (name_of(change.object),)
        return (namespace_of(change.object),) if name_of(change.object) == NAME else ()

    async def sync(self, key: str) -> float | None:
        """See to one namespace."""
        namespace = self._client.get(resources.NAMESPACES, "", key)
        account = self._client.get(resources.SERVICE_ACCOUNTS, key, NAME)
        await execute(self._client, self._recorder, plan(namespace, account))
        return None

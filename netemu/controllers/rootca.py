"""The root-ca-certificate-publisher: every namespace has the cluster's CA in a ConfigMap, by which
pods know the API's certificate.
"""

from collections.abc import Iterable

from netemu.controllers.actions import Action, Create, Update, execute
from netemu.controllers.runner import Context
from netemu.model import resources
from netemu.model.client import Change
from netemu.model.meta import Object, is_deleting, name_of, namespace_of

NAME = "kube-root-ca.crt"

_ANNOTATIONS = {
    "kubernetes.io/description": "Contains a CA bundle that can be used to verify the "
    "kube-apiserver when using internal endpoints such as the internal service IP or "
    "kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
}


def plan(namespace: Object | None, published: Object | None, ca: str) -> list[Action]:
    """The ConfigMap to create or correct in a namespace that stays."""
    if namespace is None or is_deleting(namespace):
        return []
    data = {"ca.crt": ca}
    if published is None:
        where = name_of(namespace)
        metadata = {"name": NAME, "namespace": where, "annotations": _ANNOTATIONS}
        wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        return [Create(resources.CONFIG_MAPS, wanted)]
    if published.get("data") == data:
        return []
    return [Update(resources.CONFIG_MAPS, {**published, "data": data})]


class RootCaController:
    """Brings namespaces' copies of the CA in line."""

    resources = (resources.NAMESPACES, resources.CONFIG_MAPS)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._ca = context.ca

    def observe(self, change: Change) -> Iterable[str]:
        """A namespace, or the ConfigMap in it."""
        if change.resource == resources.NAMESPACES:
            return (name_of(change.object),)
        return (namespace_of(change.object),) if name_of(change.object) == NAME else ()

    async def sync(self, key: str) -> float | None:
        """See to one namespace."""
        namespace = self._client.get(resources.NAMESPACES, "", key)
        published = self._client.get(resources.CONFIG_MAPS, key, NAME)
        await execute(self._client, self._recorder, plan(namespace, published, self._ca))
        return None

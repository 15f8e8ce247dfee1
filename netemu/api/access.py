"""Who may do what, as the stored roles say it now."""

from netemu.api import fieldselector
from netemu.api.paths import Target
from netemu.api.rbac import Attributes, Grants, forbidden
from netemu.api.request import Request, User
from netemu.model.meta import Object
from netemu.model.resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    NAMESPACES,
    ROLE_BINDINGS,
    ROLES,
)
from netemu.store.base import Store

KINDS = (ROLES, CLUSTER_ROLES, ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS)


class Access:
    """The roles and bindings of a store, read anew after each change to any of them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: list[int] = []
        self._grants = Grants()

    @property
    def grants(self) -> Grants:
        """What is allowed now."""
        latest = [self._store.latest(kind) for kind in KINDS]
        if latest != self._seen:
            self._grants = Grants(*map(self._objects, KINDS))
            self._seen = latest
        return self._grants

    def _objects(self, resource: str) -> list[Object]:
        return [record.obj for record in self._store.list(resource)]

    def check(self, user: User, wanted: Attributes) -> None:
        """Raises Forbidden unless the user may do it."""
        if self.grants.allowed(user, wanted) is None:
            raise forbidden(user, wanted)


_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "GET": "get", "HEAD": "get"}


def attributes_of(target: Target, request: Request, verb: str = "") -> Attributes:
    """What a request for a resource wants to do (apiserver's RequestInfo); perhaps as another
    `verb`.
    """
    resource, name = target.resource, target.name or ""
    namespace = target.namespace or ""
    if resource.key == NAMESPACES:
        namespace = name  # a namespace is within itself
    if target.name is None and request.method in ("GET", "HEAD"):
        # Who lists or watches one by its name may do so where that name alone is granted.
        name = fieldselector.exact_name(request.query.get("fieldSelector", ""))
    return Attributes(
        verb=verb or _verb(target, request),
        group=resource.group,
        resource=resource.plural,
        subresource=target.subresource or "",
        namespace=namespace,
        name=name,
    )


def _verb(target: Target, request: Request) -> str:
    one = target.name is not None
    if request.method in ("GET", "HEAD") and not one:
        return "watch" if request.flag("watch") else "list"
    if request.method == "DELETE":
        return "delete" if one else "deletecollection"
    return _VERBS.get(request.method, request.method.lower())


def path_attributes(path: str, request: Request) -> Attributes:
    """What a request for a document wants to do."""
    return Attributes(verb=_VERBS.get(request.method, request.method.lower()), path=path or "/")

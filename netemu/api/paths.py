"""URLs: which resource, namespace, object and subresource a path means; pure."""

from dataclasses import dataclass

from netemu.model.catalog import BUILT_IN, Catalog
from netemu.model.resources import Resource


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about."""

    resource: Resource
    namespace: str | None
    """None: all namespaces; "" for what has none."""
    name: str | None = None
    """None: the collection."""
    subresource: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """The object's key in the store."""
        return self.namespace or "", self.name or ""


def target_of(path: str, catalog: Catalog = BUILT_IN) -> Target | None:
    """What a path means; None when it means nothing."""
    parts = path.strip("/").split("/")
    match parts:
        case ["api", version, *rest] if rest:
            return _target(catalog, "", version, rest)
        case ["apis", group, version, *rest] if rest:
            return _target(catalog, group, version, rest)
        case _:
            return None


def watched(path: str, catalog: Catalog = BUILT_IN) -> Target | None:
    """What a path in the old form of a watch (``/api/v1/watch/…``) watches, None for others.

    Deprecated upstream since 1.11, and still served there.
    """
    parts = path.strip("/").split("/")
    place = 2 if parts[0] == "api" else 3
    if parts[place : place + 1] != ["watch"]:
        return None
    found = target_of("/".join((*parts[:place], *parts[place + 1 :])), catalog)
    return None if found is None or found.subresource else found


def _target(catalog: Catalog, group: str, version: str, rest: list[str]) -> Target | None:
    if rest[0] == "namespaces" and len(rest) > 2:
        resource = catalog.by_path.get((group, version, rest[2]))
        if resource is not None and resource.namespaced:
            return _object(resource, rest[1], rest[3:])
    resource = catalog.by_path.get((group, version, rest[0]))
    if resource is None:
        return None
    if not resource.namespaced:
        return _object(resource, "", rest[1:])
    return Target(resource, None) if len(rest) == 1 else None


def _object(resource: Resource, namespace: str, rest: list[str]) -> Target | None:
    if rest[1:2] == ["proxy"] and "proxy" in resource.subresources and rest[0]:
        return Target(resource, namespace, rest[0], "proxy")  # and a path of its own behind it
    if not all(rest) or not (namespace or not resource.namespaced):
        return None
    match rest:
        case []:
            return Target(resource, namespace)
        case [name]:
            return Target(resource, namespace, name)
        case [name, subresource] if subresource in resource.subresources:
            return Target(resource, namespace, name, subresource)
        case _:
            return None

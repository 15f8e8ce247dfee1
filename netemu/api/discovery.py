"""Discovery: which kinds there are and what can be done with them, in the three forms clients ask.

All of it follows from the catalog of what is served; the documents are built once for each.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from netemu.config.version import GIT_VERSION, MINOR
from netemu.model.catalog import BUILT_IN, Catalog
from netemu.model.meta import Object
from netemu.model.resources import NAMESPACES, Resource
from netemu.model.versions import version_order

VERSION: Final = {
    "major": "1",
    "minor": str(MINOR),
    "gitVersion": GIT_VERSION,
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "go1.23",
    "compiler": "gc",
    "platform": "linux/amd64",
}
"""The version whose behaviour is imitated; clients read major and minor."""

_VERBS: Final = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_KEPT: Final = 256
"""Documents kept; an older catalog's aren't asked for again."""
_PART_VERBS: Final = ("get", "patch", "update")


@dataclass(frozen=True, slots=True)
class Subresource:
    """What is served under an object's own path."""

    verbs: tuple[str, ...] = _PART_VERBS
    group: str | None = None
    """None: of the object's own kind."""
    version: str = ""
    kind: str = ""
    """{} stands for the object's own."""


SUBRESOURCES: Final[Mapping[str, Subresource]] = {
    "status": Subresource(),
    "approval": Subresource(),
    "scale": Subresource(group="autoscaling", version="v1", kind="Scale"),
    "log": Subresource(verbs=("get",)),
    "binding": Subresource(verbs=("create",), group="", version="v1", kind="Binding"),
    "eviction": Subresource(verbs=("create",), group="policy", version="v1", kind="Eviction"),
    "ephemeralcontainers": Subresource(),
    "proxy": Subresource(("create", "delete", "get", "patch", "update"), kind="{}ProxyOptions"),
    "exec": Subresource(("create", "get"), kind="PodExecOptions"),
    "attach": Subresource(("create", "get"), kind="PodAttachOptions"),
    "portforward": Subresource(("create", "get"), kind="PodPortForwardOptions"),
    "finalize": Subresource(verbs=("update",)),
    "token": Subresource(
        verbs=("create",), group="authentication.k8s.io", version="v1", kind="TokenRequest"
    ),
}


def verbs(resource: Resource) -> tuple[str, ...]:
    """What can be done with the objects themselves."""
    if resource.verbs:
        return resource.verbs
    if resource.key == NAMESPACES:  # nobody deletes all namespaces at once
        return tuple(verb for verb in _VERBS if verb != "deletecollection")
    return _VERBS


def groups(catalog: Catalog = BUILT_IN) -> list[str]:
    """All groups but the core one, in the order that clients prefer them."""
    return list(dict.fromkeys(r.group for r in catalog.kinds if r.group))


def versions(group: str, catalog: Catalog = BUILT_IN) -> list[str]:
    """The versions of a group, the preferred one first."""
    found = dict.fromkeys(r.version for r in catalog.kinds if r.group == group)
    if group in catalog.custom_groups:
        return sorted(found, key=version_order)
    return list(found)


def _of(group: str, version: str, catalog: Catalog) -> list[Resource]:
    return [r for r in catalog.kinds if (r.group, r.version) == (group, version)]


def api_versions(address: str) -> Object:
    """``/api``."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def group_list(catalog: Catalog = BUILT_IN) -> Object:
    """``/apis``."""
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group(g, catalog) for g in groups(catalog)],
    }


def _group(group: str, catalog: Catalog) -> Object:
    offered = [{"groupVersion": f"{group}/{v}", "version": v} for v in versions(group, catalog)]
    return {"name": group, "versions": offered, "preferredVersion": offered[0]}


def group_document(group: str, catalog: Catalog = BUILT_IN) -> Object | None:
    """``/apis/<group>``."""
    if group not in groups(catalog):
        return None
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(group, catalog)}


@lru_cache(_KEPT)
def resource_list(group: str, version: str, catalog: Catalog = BUILT_IN) -> Object | None:
    """``/api/v1`` or ``/apis/<group>/<version>``."""
    found = _of(group, version, catalog)
    if not found:
        return None
    head: Object = {"kind": "APIResourceList"}
    if group:
        head["apiVersion"] = "v1"
    items = [item for resource in found for item in _items(resource)]
    group_version = f"{group}/{version}" if group else version
    return {
        **head,
        "groupVersion": group_version,
        "resources": sorted(items, key=lambda item: str(item["name"])),
    }


def _items(resource: Resource) -> Iterable[Object]:
    item: Object = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": verbs(resource),
    }
    if resource.short_names:
        item["shortNames"] = resource.short_names
    if resource.categories:
        item["categories"] = resource.categories
    yield item
    for name in resource.subresources:
        part = SUBRESOURCES[name]
        foreign = {} if part.group is None else {"group": part.group, "version": part.version}
        yield {
            "name": f"{resource.plural}/{name}",
            "singularName": "",
            "namespaced": resource.namespaced,
            **{key: value for key, value in foreign.items() if value},
            "kind": part.kind.format(resource.kind) or resource.kind,
            "verbs": part.verbs,
        }


@lru_cache(_KEPT)
def aggregated(core: bool, version: str, catalog: Catalog = BUILT_IN) -> Object:
    """``/api`` or ``/apis`` as one document (KEP-3352)."""
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": [
            _aggregated_group(group, catalog) for group in ([""] if core else groups(catalog))
        ],
    }


def _aggregated_group(group: str, catalog: Catalog) -> Object:
    metadata: Object = {"name": group} if group else {}
    return {
        "metadata": {**metadata, "creationTimestamp": None},
        "versions": [
            {
                "version": version,
                "resources": [_aggregated_resource(r) for r in _of(group, version, catalog)],
                "freshness": "Current",
            }
            for version in versions(group, catalog)
        ],
    }


def _aggregated_resource(resource: Resource) -> Object:
    found: dict[str, Any] = {
        "resource": resource.plural,
        "responseKind": _kind(resource.group, resource.version, resource.kind),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": verbs(resource),
    }
    if resource.short_names:
        found["shortNames"] = resource.short_names
    if resource.categories:
        found["categories"] = resource.categories
    if resource.subresources:
        found["subresources"] = [_aggregated_part(resource, n) for n in resource.subresources]
    return found


def _aggregated_part(resource: Resource, name: str) -> Object:
    part = SUBRESOURCES[name]
    name_of_kind = part.kind.format(resource.kind) or resource.kind
    if part.group is None:
        kind = _kind(resource.group, resource.version, name_of_kind)
    else:
        kind = _kind(part.group, part.version, name_of_kind)
    return {"subresource": name, "responseKind": kind, "verbs": part.verbs}


def _kind(group: str, version: str, kind: str) -> Object:
    return {"group": group, "version": version, "kind": kind}


def paths(catalog: Catalog = BUILT_IN) -> Sequence[str]:
    """What ``/`` lists."""
    found = ["/api", "/api/v1", "/apis"]
    for group in groups(catalog):
        found += [f"/apis/{group}", *(f"/apis/{group}/{v}" for v in versions(group, catalog))]
    return [*sorted(found), "/healthz", "/livez", "/metrics", "/openapi/v3", "/readyz", "/version"]

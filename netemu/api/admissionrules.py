"""Which writes a policy or a webhook is about (apiserver's predicates/rules and matching). Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from netemu.api.admissionrequest import AdmissionRequest
from netemu.model.catalog import Catalog
from netemu.model.meta import Object, labels_of
from netemu.model.resources import NAMESPACES, Resource
from netemu.model.selector import from_object, matches

GROUP: Final = "admissionregistration.k8s.io"
"""Nothing here can be governed by itself."""

Namespace = Callable[[str], Object | None]
"""Finds a namespace by its name."""


def matched(
    said: Mapping[str, Any],
    rules: str,
    request: AdmissionRequest,
    catalog: Catalog,
    namespace: Namespace,
) -> Resource | None:
    """The version of the request's kind that the rules name; None if they aren't about it.

    `said` has selectors and `rules`; no rules at all are about everything.
    """
    if request.resource.group == GROUP or not _selected(said, request, namespace):
        return None
    if _any(said.get("excludeResourceRules") or (), request, request.resource):
        return None
    wanted = said.get(rules) or ()
    if not wanted:
        return request.resource
    for resource in _versions(said, request.resource, catalog):
        if _any(wanted, request, resource):
            return resource
    return None


def _versions(said: Mapping[str, Any], resource: Resource, catalog: Catalog) -> Iterable[Resource]:
    """The kind as it was asked for, and, unless it must be that, as other versions have it."""
    yield resource
    if said.get("matchPolicy") != "Exact":
        for other in catalog.kinds:
            if other.key == resource.key and other.version != resource.version:
                yield other


def _any(rules: Sequence[Object], request: AdmissionRequest, resource: Resource) -> bool:
    return any(_rule(rule, request, resource) for rule in rules)


def _rule(rule: Object, request: AdmissionRequest, resource: Resource) -> bool:
    names = rule.get("resourceNames") or ()
    if names and request.name not in names:
        return False
    return (
        _has(rule.get("operations"), request.operation)
        and _has(rule.get("apiGroups"), resource.group)
        and _has(rule.get("apiVersions"), resource.version)
        and _scoped(rule.get("scope") or "*", request)
        and any(_named(text, resource, request) for text in rule.get("resources") or ())
    )


def _has(listed: Sequence[str] | None, one: str) -> bool:
    return bool(listed) and (one in (listed or ()) or "*" in (listed or ()))


def _scoped(scope: str, request: AdmissionRequest) -> bool:
    if scope == "*":
        return True
    return (scope == "Namespaced") == request.resource.namespaced


def _named(text: str, resource: Resource, request: AdmissionRequest) -> bool:
    plural, _, sub = text.partition("/")
    return plural in ("*", resource.plural) and sub in ("*", request.subresource)


def _selected(said: Mapping[str, Any], request: AdmissionRequest, namespace: Namespace) -> bool:
    return _in_namespace(said.get("namespaceSelector"), request, namespace) and _labelled(
        said.get("objectSelector"), request
    )


def _in_namespace(selector: Any, request: AdmissionRequest, namespace: Namespace) -> bool:
    wanted = from_object(selector)
    if not wanted:  # nothing is asked
        return True
    if request.resource.key == NAMESPACES:
        home = request.obj or request.old
    elif not request.namespace:
        return True
    else:
        home = namespace(request.namespace)
    return home is not None and matches(wanted, labels_of(home))


def _labelled(selector: Any, request: AdmissionRequest) -> bool:
    wanted = from_object(selector)
    if not wanted:
        return True
    return any(
        one is not None and matches(wanted, labels_of(one)) for one in (request.obj, request.old)
    )

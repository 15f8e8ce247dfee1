"""Field selectors: ``status.phase!=Running,metadata.name=web``, for the fields upstream serves."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from netemu.api.custom.resource import CustomResource
from netemu.model.errors import BadRequest
from netemu.model.meta import Object
from netemu.model.resources import (
    EVENTS,
    JOBS,
    NAMESPACES,
    NODES,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    SECRETS,
    SERVICES,
    SIGNING_REQUESTS,
    Resource,
)

Getter: TypeAlias = Callable[[Object], str]


@dataclass(frozen=True, slots=True)
class FieldRequirement:
    """One condition on one field."""

    value_of: Getter
    value: str
    equal: bool

    def matches(self, obj: Object) -> bool:
        """Whether the object meets it."""
        return (self.value_of(obj) == self.value) is self.equal


FieldSelector: TypeAlias = tuple[FieldRequirement, ...]
"""All must hold; the empty selector matches everything."""


def matches(selector: FieldSelector, obj: Object) -> bool:
    """Whether every requirement holds."""
    return all(requirement.matches(obj) for requirement in selector)


def _at(path: str) -> Getter:
    steps = path.split(".")

    def value(obj: Object) -> str:
        found: Any = obj
        for step in steps:
            found = found.get(step) if isinstance(found, dict) else None
        if isinstance(found, bool):
            return "true" if found else "false"
        return "" if found is None else str(found)

    return value


def _flag(path: str) -> Getter:
    value = _at(path)
    return lambda obj: value(obj) or "false"


def _number(path: str) -> Getter:
    value = _at(path)
    return lambda obj: value(obj) or "0"


def _event_source(obj: Object) -> str:
    return str((obj.get("source") or {}).get("component") or obj.get("reportingComponent") or "")


def _pod_ip(obj: Object) -> str:
    status = obj.get("status") or {}
    first: Object = next(iter(status.get("podIPs") or ()), {})
    return str(first.get("ip") or status.get("podIP") or "")


def _plain(*paths: str) -> dict[str, Getter]:
    return {path: _at(path) for path in paths}


_COMMON = _plain("metadata.name", "metadata.namespace")

_FIELDS: dict[str, dict[str, Getter]] = {
    PODS: {
        **_plain(
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "status.phase",
            "status.nominatedNodeName",
        ),
        "spec.hostNetwork": _flag("spec.hostNetwork"),
        "status.podIP": _pod_ip,
        "status.podIPs": _pod_ip,
    },
    EVENTS: {
        **_plain(
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "type",
        ),
        "source": _event_source,
    },
    JOBS: {"status.successful": _number("status.succeeded")},
    NODES: {"spec.unschedulable": _flag("spec.unschedulable")},
    NAMESPACES: _plain("status.phase"),
    REPLICATION_CONTROLLERS: {"status.replicas": _number("status.replicas")},
    REPLICA_SETS: {"status.replicas": _number("status.replicas")},
    SECRETS: _plain("type"),
    SERVICES: _plain("spec.clusterIP", "spec.type"),
    SIGNING_REQUESTS: _plain("spec.signerName"),
}
"""Per kind, what can be selected besides name and namespace."""

_REGARDING = (
    "apiVersion",
    "fieldPath",
    "kind",
    "name",
    "namespace",
    "resourceVersion",
    "uid",
)
_VIEWED: dict[str, dict[str, Getter]] = {
    "events.k8s.io": {
        **_plain("reason", "type"),
        **{f"regarding.{field}": _at(f"involvedObject.{field}") for field in _REGARDING},
        "reportingController": _at("reportingComponent"),
        "source": _event_source,
    }
}
"""By group: the names that another view of stored objects has for their fields."""

_TERM = re.compile(r"(?:\\.|[^,\\])+")
_FORM = re.compile(r"(.*?)(!=|==|=)(.*)\Z", re.DOTALL)
_ESCAPED = re.compile(r"\\([\\,=])")


def parse(resource: Resource, text: str) -> FieldSelector:
    """Read a selector for one kind. Raises BadRequest for unknown fields and malformed text."""
    return tuple(_requirement(resource, term) for term in _TERM.findall(text))


def exact_name(text: str) -> str:
    """The name that a selector demands, "" when it demands none."""
    for term in _TERM.findall(text):
        form = _FORM.match(term)
        if form is not None and form[1] == "metadata.name" and form[2] != "!=":
            return _ESCAPED.sub(r"\1", form[3])
    return ""


def _requirement(resource: Resource, term: str) -> FieldRequirement:
    form = _FORM.match(term)
    if form is None:
        raise BadRequest(f"invalid selector: '{term}'; can't understand '{term}'")
    field, operator, value = form[1], form[2], _ESCAPED.sub(r"\1", form[3])
    getter = _COMMON.get(field) or _fields(resource).get(field)
    if isinstance(resource, CustomResource) and field in resource.selectable:
        getter = _at(field)
    if getter is None:
        raise BadRequest(_unknown(resource, field))
    return FieldRequirement(getter, value, operator != "!=")


def _fields(resource: Resource) -> dict[str, Getter]:
    return _VIEWED.get(resource.group) or _FIELDS.get(resource.key, {})


def _unknown(resource: Resource, field: str) -> str:
    if resource.key == JOBS:
        return f'field label "{field}" not supported for batchv1.Job'
    if resource.key in _FIELDS or resource.custom:
        return f"field label not supported: {field}"
    return f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'

"""What admission policies and webhooks are asked about: one write, and who makes it. Pure."""

from dataclasses import dataclass, field
from typing import Any

from netemu.api import views
from netemu.api.request import User
from netemu.model.meta import Object
from netemu.model.resources import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionRequest:
    """A write that may still be refused."""

    operation: str
    """CREATE, UPDATE or DELETE."""
    resource: Resource
    """The kind, in the version that was asked for."""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    obj: Object | None = None
    old: Object | None = None
    user: User
    dry_run: bool = False
    options: Object = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    """What the client is told beside the answer; grows."""

    def shown(self, obj: Object | None, resource: Resource) -> Object | None:
        """An object as another version of its kind has it."""
        return None if obj is None else views.shown(resource, obj)


def described(request: AdmissionRequest, seen: Resource) -> dict[str, Any]:
    """The request without its objects, as policies and webhooks read it; `seen` is the version of
    the kind that they asked to see.
    """
    asked = request.resource
    return {
        "kind": _kind(seen),
        "resource": _resource(seen),
        "subResource": request.subresource,
        "requestKind": _kind(asked),
        "requestResource": _resource(asked),
        "requestSubResource": request.subresource,
        "name": request.name,
        "namespace": request.namespace,
        "operation": request.operation,
        "userInfo": {"username": request.user.name, "groups": list(request.user.groups)},
        "dryRun": request.dry_run,
        "options": request.options,
    }


def _kind(resource: Resource) -> dict[str, str]:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _resource(resource: Resource) -> dict[str, str]:
    return {"group": resource.group, "version": resource.version, "resource": resource.plural}

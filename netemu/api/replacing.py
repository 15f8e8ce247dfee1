"""What a PUT may do, kind by kind: make an object that isn't there, or replace any version of it.

Source: AllowCreateOnUpdate and AllowUnconditionalUpdate of the strategies in pkg/registry.
"""

from typing import Final

from netemu.model.errors import Cause, Conflict, Invalid
from netemu.model.meta import Key, Object, uid_of
from netemu.model.resources import (
    API_SERVICES,
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CSI_DRIVERS,
    CSI_NODES,
    CUSTOM_RESOURCE_DEFINITIONS,
    ENDPOINTS,
    EVENTS,
    LEASES,
    LIMIT_RANGES,
    POD_DISRUPTION_BUDGETS,
    ROLE_BINDINGS,
    ROLES,
    RUNTIME_CLASSES,
    SERVICES,
    VOLUME_ATTACHMENTS,
    Resource,
)

CREATED: Final = frozenset(
    {
        CLUSTER_ROLES,
        CLUSTER_ROLE_BINDINGS,
        ENDPOINTS,
        EVENTS,
        LEASES,
        LIMIT_RANGES,
        ROLES,
        ROLE_BINDINGS,
        RUNTIME_CLASSES,
        SERVICES,
    }
)
"""Kinds that a PUT makes when they aren't there."""

CONDITIONAL: Final = frozenset(
    {
        API_SERVICES,
        CSI_DRIVERS,
        CSI_NODES,
        "csistoragecapacities.storage.k8s.io",
        CUSTOM_RESOURCE_DEFINITIONS,
        LEASES,
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        POD_DISRUPTION_BUDGETS,
        RUNTIME_CLASSES,
        "validatingadmissionpolicies.admissionregistration.k8s.io",
        "validatingadmissionpolicybindings.admissionregistration.k8s.io",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        VOLUME_ATTACHMENTS,
    }
)
"""Kinds that are replaced only at a version that the client names, as custom ones are."""

_UNVERSIONED: Final = Cause(
    "FieldValueInvalid",
    "Invalid value: 0x0: must be specified for an update",
    "metadata.resourceVersion",
)
_PREFIXES: Final = {
    "endpoints": "services/endpoints",
    "ingresses.networking.k8s.io": "ingress",
    "nodes": "minions",
    "replicationcontrollers": "controllers",
    "services": "services/specs",
}
"""Where upstream keeps what it doesn't keep under its plural; error messages say it."""


def check_identity(resource: Resource, key: Key, given: Object, old: Object | None) -> None:
    """The body must speak of the object that is stored, or of none (None): by its uid.

    Raises Conflict.
    """
    uid, stored = given["metadata"].get("uid"), "" if old is None else uid_of(old)
    if uid and uid != stored:
        raise Conflict(
            resource.key,
            key[1],
            f"StorageError: invalid object, Code: 4, Key: {_storage_key(resource, key)}, "
            "ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: "
            f"{uid}, UID in object meta: {stored}",
        )


def check_version(resource: Resource, given: Object, old: Object) -> None:
    """The body must replace the version that is stored, where it says one or must.

    Raises Conflict, Invalid.
    """
    name, version = old["metadata"]["name"], given["metadata"].get("resourceVersion")
    if version in (None, "", "0"):
        if resource.custom or resource.key in CONDITIONAL:
            # Upstream names the kind by its plural here.
            raise Invalid(resource.group, resource.plural, name, [_UNVERSIONED])
    elif version != old["metadata"]["resourceVersion"]:
        raise Conflict(resource.key, name)


def _storage_key(resource: Resource, key: Key) -> str:
    extra = resource.custom or resource.key in (API_SERVICES, CUSTOM_RESOURCE_DEFINITIONS)
    usual = f"{resource.group}/{resource.plural}" if extra else resource.plural
    return "/".join(("/registry", _PREFIXES.get(resource.key, usual), *filter(None, key)))

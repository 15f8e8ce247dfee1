"""What the server itself writes into an object's metadata: identity, times, generated names.

A client's wishes for these fields never count: they are cleared when an object is created and
taken over from the stored object when it is replaced.
"""

import random
import uuid
from collections.abc import Callable

from netemu.clock import rfc3339
from netemu.model.errors import ApiError, BadRequest
from netemu.model.meta import Object
from netemu.model.resources import (
    CRON_JOBS,
    CUSTOM_RESOURCE_DEFINITIONS,
    DAEMON_SETS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    JOBS,
    POD_DISRUPTION_BUDGETS,
    PRIORITY_CLASSES,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    STATEFUL_SETS,
    Resource,
)

NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Letters of generated names: no vowels, so no words (apimachinery, util/rand)."""
SUFFIX_LENGTH = 5
LONGEST_PREFIX = 63 - SUFFIX_LENGTH

_ORDER = (
    "name",
    "generateName",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
)
"""The order in which Go writes metadata; humans and text comparisons expect it."""

_SERVER_OWNED = (
    "uid",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)
"""Fields that a replacement takes over from the stored object."""


def new_uid(rng: random.Random) -> str:
    """A random UUID (version 4)."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def generated_name(prefix: str, rng: random.Random) -> str:
    """`prefix` cut to fit a DNS label, and five random letters."""
    return prefix[:LONGEST_PREFIX] + random_suffix(rng)


def random_suffix(rng: random.Random) -> str:
    """Five random letters."""
    return "".join(rng.choices(NAME_ALPHABET, k=SUFFIX_LENGTH))


class VersionOnCreate(ApiError):
    """A new object names a version; upstream answers this one without a reason."""

    code, reason = 500, ""

    def __init__(self) -> None:
        super().__init__("resourceVersion should not be set on objects to be created")


def in_namespace(resource: Resource, obj: Object, namespace: str) -> Object:
    """`obj` with the namespace of its URL. Raises BadRequest when its own differs."""
    metadata = obj.get("metadata") or {}
    own = metadata.get("namespace") or ""
    if not resource.namespaced:
        namespace = ""
    if own not in ("", namespace):
        raise BadRequest(
            f"the namespace of the provided object does not match the namespace sent on the "
            f"request ({own} != {namespace})"
        )
    named = {key: value for key, value in metadata.items() if key != "namespace"}
    if namespace:
        named["namespace"] = namespace
    return {**obj, "metadata": named}


def named(obj: Object, name: str) -> Object:
    """`obj` with the name of its URL. Raises BadRequest when its own differs."""
    own = obj["metadata"].get("name") or name
    if own != name:
        raise BadRequest(
            f"the name of the object ({own}) does not match the name on the URL ({name})"
        )
    return {**obj, "metadata": {**obj["metadata"], "name": name}}


def for_create(resource: Resource, obj: Object, *, uid: str, now: float) -> Object:
    """`obj` as new: with an identity, and without what only a stored object can have."""
    given = obj["metadata"]
    if _names_version(given.get("resourceVersion")):
        raise VersionOnCreate
    metadata = {key: value for key, value in given.items() if key not in _SERVER_OWNED}
    metadata.pop("selfLink", None)
    metadata["uid"] = uid
    metadata["creationTimestamp"] = rfc3339(now)
    if _essence(resource) is not None:
        metadata["generation"] = 1
    return {**obj, "metadata": metadata}


def _names_version(text: str | None) -> bool:
    # Upstream passes over what is no number here, and 0 stands for none.
    return text is not None and text.isascii() and text.isdigit() and int(text) > 0


def unversioned(obj: Object) -> Object:
    """`obj` without the version it claims, as a PUT makes it where there was none."""
    metadata = {key: value for key, value in obj["metadata"].items() if key != "resourceVersion"}
    return {**obj, "metadata": metadata}


def for_update(obj: Object, old: Object) -> Object:
    """`obj` as the successor of `old`, which keeps its identity and its times."""
    stored = old["metadata"]
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _SERVER_OWNED}
    metadata.pop("selfLink", None)
    for field in (*_SERVER_OWNED, "resourceVersion"):
        if field in stored:
            metadata[field] = stored[field]
    return {**obj, "metadata": metadata}


def with_generation(resource: Resource, new: Object, old: Object) -> Object:
    """`new` with the next generation if what its controller acts on has changed."""
    essence = _essence(resource)
    if essence is None or essence(new) == essence(old):
        return new
    generation = old["metadata"].get("generation", 0) + 1
    return {**new, "metadata": {**new["metadata"], "generation": generation}}


def _essence(resource: Resource) -> Callable[[Object], object] | None:
    """What a kind's generation depends on; None: it counts none."""
    if resource.custom:
        return _all_but_status if resource.has_status else _body
    return _GENERATION.get(resource.key)


def ordered(obj: Object) -> Object:
    """`obj` with its fields in Go's order, and a place for the resourceVersion."""
    given = obj["metadata"]
    metadata = {
        key: given.get(key, "")
        for key in _ORDER
        if key in given or key == "resourceVersion"  # the store fills it in
    }
    for key, value in given.items():
        metadata.setdefault(key, value)
    result = {"kind": obj["kind"], "apiVersion": obj["apiVersion"], "metadata": metadata}
    for key, value in obj.items():
        if key != "status":
            result.setdefault(key, value)
    if "status" in obj:
        result["status"] = obj["status"]
    return result


def _spec(obj: Object) -> object:
    return obj.get("spec")


def _nothing(obj: Object) -> object:
    return None  # only ever 1


def _spec_and_annotations(obj: Object) -> object:
    # Upstream's deployment strategy counts annotations, too.
    return obj.get("spec"), obj["metadata"].get("annotations") or {}


def _all_but_metadata(obj: Object) -> object:
    body = {key: value for key, value in obj.items() if key != "metadata"}
    return body, obj["metadata"].get("labels") or {}


def _body(obj: Object) -> object:
    return {key: value for key, value in obj.items() if key != "metadata"}


def _all_but_status(obj: Object) -> object:
    return {key: value for key, value in obj.items() if key not in ("metadata", "status")}


_BY_SPEC = (
    "flowschemas.flowcontrol.apiserver.k8s.io",
    "ingressclasses.networking.k8s.io",
    "ingresses.networking.k8s.io",
    "networkpolicies.networking.k8s.io",
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
    "validatingadmissionpolicies.admissionregistration.k8s.io",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io",
)
_BY_BODY = (
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
)
_GENERATION: dict[str, Callable[[Object], object]] = {
    **dict.fromkeys(_BY_SPEC, _spec),
    **dict.fromkeys(_BY_BODY, _body),
    DEPLOYMENTS: _spec_and_annotations,
    CUSTOM_RESOURCE_DEFINITIONS: _spec,
    REPLICA_SETS: _spec,
    DAEMON_SETS: _spec,
    REPLICATION_CONTROLLERS: _spec,
    STATEFUL_SETS: _spec,
    ENDPOINT_SLICES: _all_but_metadata,
    CRON_JOBS: _spec,
    JOBS: _spec,
    POD_DISRUPTION_BUDGETS: _spec,
    PRIORITY_CLASSES: _nothing,
}
"""Kinds that count generations, and what a new one depends on."""

"""CustomResourceDefinitions themselves: what is filled in, refused, and said of them. Pure."""

from typing import Any, Final

from netemu.api.custom.versionrules import version_rules
from netemu.api.validation import field
from netemu.api.validation.field import METADATA, SPEC, Causes, Path, each_invalid
from netemu.api.validation.meta import extension_meta, extension_meta_update
from netemu.model import names
from netemu.model.meta import Object, copied

FINALIZER: Final = "customresourcecleanup.apiextensions.k8s.io"
"""Holds a definition until its objects are gone."""


def defaults(obj: Object) -> None:
    """Fill in names and conversion, in place (apiextensions/v1/defaults.go)."""
    spec = obj.get("spec") or {}
    said = spec.setdefault("names", {})
    if not said.get("singular"):
        said["singular"] = said.get("kind", "").lower()
    if not said.get("listKind"):
        said["listKind"] = said.get("kind", "") + "List"
    spec.setdefault("conversion", {}).setdefault("strategy", "None")


def created(obj: Object) -> None:
    """A new definition, in place: held by its finalizer, and established at once."""
    metadata = obj["metadata"]
    finalizers = metadata.get("finalizers") or []
    metadata["finalizers"] = list(dict.fromkeys([*finalizers, FINALIZER]))
    obj["status"] = _status(obj, {})


def updated(new: Object, old: Object) -> None:
    """A definition that replaces `old`, in place."""
    new["status"] = _status(new, old.get("status") or {})


def _status(obj: Object, before: Object) -> Object:
    spec = obj.get("spec") or {}
    stored = list(before.get("storedVersions") or ())
    stored += (
        version.get("name", "")
        for version in spec.get("versions") or ()
        if version.get("storage") and version.get("name") not in stored
    )
    return {
        **before,
        "conditions": before.get("conditions")
        or _conditions(obj["metadata"].get("creationTimestamp", "")),
        "acceptedNames": copied(spec.get("names") or {}),
        "storedVersions": stored,
    }


def _conditions(stamp: str) -> list[Object]:
    said = (
        ("NamesAccepted", "NoConflicts", "no conflicts found"),
        ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    )
    return [
        {
            "type": kind,
            "status": "True",
            "lastTransitionTime": stamp,
            "reason": reason,
            "message": message,
        }
        for kind, reason, message in said
    ]


def rules(obj: Object) -> Causes:
    """A new CustomResourceDefinition (apiextensions/validation)."""
    yield from extension_meta(obj, False, names.dns_subdomain)
    spec = obj.get("spec") or {}
    said = spec.get("names") or {}
    plural, group = said.get("plural", ""), spec.get("group", "")
    name = obj["metadata"].get("name", "")
    if name != f"{plural}.{group}":
        rule = 'must be spec.names.plural+"."+spec.group'
        yield field.invalid(METADATA.child("name"), name, rule)
    yield from _group(group)
    if spec.get("scope") not in ("Cluster", "Namespaced"):
        yield field.not_supported(
            SPEC.child("scope"), spec.get("scope", ""), ("Cluster", "Namespaced")
        )
    yield from _versions(spec)
    yield from _names(said)
    yield from _conversion(spec.get("conversion") or {})


def _conversion(said: Object) -> Causes:
    strategy, path = said.get("strategy", ""), SPEC.child("conversion")
    if strategy not in ("None", "Webhook"):
        yield field.not_supported(path.child("strategy"), strategy, ("None", "Webhook"))
        return
    hook = said.get("webhook") or {}
    if strategy == "None" and hook:
        rule = "should not be set when strategy is not set to Webhook"
        yield field.forbidden(path.child("webhook"), rule)
    if strategy == "Webhook":
        if not hook.get("clientConfig"):
            rule = "required when strategy is set to Webhook"
            yield field.required(path.child("webhookClientConfig"), rule)
        if not hook.get("conversionReviewVersions"):
            yield field.required(path.child("conversionReviewVersions"))


def _group(group: str) -> Causes:
    path = SPEC.child("group")
    if not group:
        yield field.required(path)
        return
    yield from each_invalid(path, group, names.dns_subdomain(group))
    if "." not in group:
        yield field.invalid(path, group, "should be a domain with at least one dot")


def _names(said: Object) -> Causes:
    path = SPEC.child("names")
    for key in ("plural", "singular", "kind", "listKind"):
        value = said.get(key, "")
        if not value:
            yield field.required(path.child(key))
        else:
            problems = names.dns_1035_label(value.lower())
            yield from each_invalid(path.child(key), value, problems)
    for key in ("shortNames", "categories"):
        for number, name in enumerate(said.get(key) or ()):
            problems = names.dns_1035_label(name)
            yield from each_invalid(path.child(key).index(number), name, problems)
    if said.get("kind") and said.get("kind") == said.get("listKind"):
        rule = "kind and listKind may not be the same"
        yield field.invalid(path.child("listKind"), said["listKind"], rule)


def _versions(spec: Object) -> Causes:
    path = SPEC.child("versions")
    versions: list[Object] = spec.get("versions") or []
    if not versions:
        yield field.required(path, "must have at least one version")
        return
    if sum(bool(version.get("storage")) for version in versions) != 1:
        yield field.invalid(
            path, _Versions(versions), "must have exactly one version marked as storage version"
        )
    seen: set[str] = set()
    for number, version in enumerate(versions):
        at = path.index(number)
        name = version.get("name", "")
        yield from each_invalid(at.child("name"), name, names.dns_1035_label(name))
        if name in seen:
            yield field.duplicate(at.child("name"), name)
        seen.add(name)
        yield from version_rules(version, at)


class _Versions(list[Any]):
    """Versions as a message shows them."""


def update_rules(new: Object, old: Object) -> Causes:
    """An update of a CustomResourceDefinition."""
    yield from extension_meta_update(new, old)
    yield from rules(new)
    spec, before = new.get("spec") or {}, old["spec"]
    yield from field.immutable(SPEC.child("group"), spec.get("group"), before.get("group"))
    yield from field.immutable(SPEC.child("scope"), spec.get("scope"), before.get("scope"))
    for key in ("plural", "kind"):
        have, had = (spec.get("names") or {}).get(key), before["names"].get(key)
        yield from field.immutable(SPEC.child("names", key), have, had)
    present = {version.get("name") for version in spec.get("versions") or ()}
    for number, stored in enumerate((old.get("status") or {}).get("storedVersions") or ()):
        if stored not in present:
            path = Path("status").child("storedVersions").index(number)
            why = (
                f"missing from spec.versions; {stored} was previously a storage version, and must "
                "remain in spec.versions until a storage migration ensures no data remains "
                f"persisted in {stored} and removes {stored} from status.storedVersions"
            )
            yield field.invalid(path, stored, why)

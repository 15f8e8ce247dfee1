"""CustomResourceDefinitions themselves: what is filled in, refused, and said of them. Pure."""

from typing import Any, Final

from netemu.api.custom.versionrules import own_rules
from netemu.api.validation import field, registration
from netemu.api.validation.field import METADATA, SPEC, Causes, Path, each_invalid
from netemu.api.validation.meta import extension_meta, extension_meta_update
from netemu.model import names, naming
from netemu.model.meta import Object

FINALIZER: Final = "customresourcecleanup.apiextensions.k8s.io"
"""Holds a definition until its objects are gone."""


def defaults(obj: Object) -> None:
    """Fill in names and conversion, in place (apiextensions/v1/defaults.go)."""
    spec = obj.setdefault("spec", {})
    said = spec.setdefault("names", {})
    if not said.get("singular"):
        said["singular"] = said.get("kind", "").lower()
    if not said.get("listKind") and said.get("kind"):
        said["listKind"] = said["kind"] + "List"
    spec.setdefault("conversion", {}).setdefault("strategy", "None")


def created(obj: Object) -> None:
    """A new definition, in place: held by its finalizer."""
    metadata = obj["metadata"]
    finalizers = metadata.get("finalizers") or []
    metadata["finalizers"] = list(dict.fromkeys([*finalizers, FINALIZER]))
    obj["status"] = _status(obj, {})


def updated(new: Object, old: Object) -> None:
    """A definition that replaces `old`, in place."""
    new["status"] = _status(new, old.get("status") or {})


def _status(obj: Object, before: Object) -> Object:
    """The versions in which there may be objects; the rest follows from the other definitions."""
    spec = obj.get("spec") or {}
    stored = list(before.get("storedVersions") or ())
    stored += (
        version.get("name", "")
        for version in spec.get("versions") or ()
        if version.get("storage") and version.get("name") not in stored
    )
    return {**before, "storedVersions": stored}


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
    scope, scopes = spec.get("scope") or "", ("Cluster", "Namespaced")
    if not scope:
        yield field.required(SPEC.child("scope"))
    elif scope not in scopes:
        yield field.not_supported(SPEC.child("scope"), scope, scopes)
    yield from _versions(spec.get("versions") or [])
    yield from _names(said)
    yield from own_rules(spec.get("versions") or [{}])
    yield from _conversion(spec.get("conversion") or {})
    if spec.get("preserveUnknownFields"):
        rule = (
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
            "spec.versions[*].schema instead"
        )
        yield field.invalid(SPEC.child("preserveUnknownFields"), value=True, detail=rule)
    yield from _approval(obj, group)


def _approval(obj: Object, group: str) -> Causes:
    """Groups of the community need its approval (KEP-1111)."""
    if not naming.is_protected(group):
        return
    said = (obj["metadata"].get("annotations") or {}).get(naming.APPROVED, "")
    path = METADATA.child("annotations").key(naming.APPROVED)
    if not said:
        rule = (
            'protected groups must have approval annotation "api-approved.kubernetes.io", see '
            "https://github.com/kubernetes/enhancements/pull/1111"
        )
        yield field.required(path, rule)
    elif "://" not in said and not said.startswith("unapproved"):
        rule = (
            'protected groups must have approval annotation "api-approved.kubernetes.io" with '
            'either a URL or a reason starting with "unapproved", see '
            "https://github.com/kubernetes/enhancements/pull/1111"
        )
        yield field.invalid(path, said, rule)


def _conversion(said: Object) -> Causes:
    strategy, path = said.get("strategy") or "", SPEC.child("conversion")
    if strategy not in ("None", "Webhook"):
        yield field.not_supported(path.child("strategy"), strategy, ("None", "Webhook"))
    hook = said.get("webhook") or {}
    config, versions = hook.get("clientConfig"), hook.get("conversionReviewVersions") or []
    at, below = path.child("webhookClientConfig"), path.child("conversionReviewVersions")
    if strategy == "Webhook":
        if config is None:
            yield field.required(at, "required when strategy is set to Webhook")
        else:
            yield from registration.client_config(config, at)
        yield from _review_versions(versions, below)
        return
    rule = "should not be set when strategy is not set to Webhook"
    if config is not None:
        yield field.forbidden(at, rule)
    if versions:
        yield field.forbidden(below, rule)


def _review_versions(versions: list[str], path: Path) -> Causes:
    if not versions:
        yield field.required(path)
        return
    for number, version in enumerate(versions):
        if version in versions[:number]:
            yield field.invalid(path.index(number), version, "duplicate version")
        else:
            yield from each_invalid(path.index(number), version, names.dns_1035_label(version))
    if not {"v1", "v1beta1"} & set(versions):
        yield field.invalid(path, versions, "must include at least one of v1, v1beta1")


def _group(group: str) -> Causes:
    path = SPEC.child("group")
    problems = names.dns_subdomain(group)
    if not group:
        yield field.required(path)
    elif problems:
        yield field.invalid(path, group, ",".join(problems))
    elif "." not in group:
        yield field.invalid(path, group, "should be a domain with at least one dot")


def _names(said: Object) -> Causes:
    path = SPEC.child("names")
    for key in ("plural", "singular", "kind", "listKind"):
        if not said.get(key):
            yield field.required(path.child(key))
    for key in ("plural", "singular", "kind", "listKind"):
        mixed = key in ("kind", "listKind")
        value = said.get(key) or ""
        problems = names.dns_1035_label(value.lower() if mixed else value) if value else []
        if problems:
            lead = "may have mixed case, but should otherwise match: " if mixed else ""
            yield field.invalid(path.child(key), value, lead + ",".join(problems))
    yield from _labels(said, "shortNames", path)
    if said.get("kind") and said.get("kind") == said.get("listKind"):
        rule = "kind and listKind may not be the same"
        yield field.invalid(path.child("listKind"), said["listKind"], rule)
    yield from _labels(said, "categories", path)


def _labels(said: Object, key: str, path: Path) -> Causes:
    for number, name in enumerate(said.get(key) or ()):
        problems = names.dns_1035_label(name)
        if problems:
            yield field.invalid(path.child(key).index(number), name, ",".join(problems))


def _versions(versions: list[Object]) -> Causes:
    path, seen = SPEC.child("versions"), [version.get("name") or "" for version in versions]
    for number, version in enumerate(versions):
        if (version.get("schema") or {}).get("openAPIV3Schema") is None:
            yield field.required(path.index(number).child("schema", "openAPIV3Schema"))
    for number, name in enumerate(seen):
        problems = names.dns_1035_label(name)
        if problems:
            yield field.invalid(path.index(number).child("name"), name, ",".join(problems))
    if len(set(seen)) != len(seen):
        yield field.invalid(path, _Versions(versions), "must contain unique version names")
    if sum(bool(version.get("storage")) for version in versions) != 1:
        yield field.invalid(
            path, _Versions(versions), "must have exactly one version marked as storage version"
        )


class _Versions(list[Any]):
    """Versions as a message shows them."""


def status_rules(new: Object, old: Object) -> Causes:
    """A write to a definition's status."""
    yield from extension_meta_update(new, old)


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

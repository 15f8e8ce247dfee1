"""Rules of metadata, labels and selectors, which all kinds share.

Source: apimachinery pkg/api/validation/objectmeta.go, pkg/apis/meta/v1/validation.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from netemu.api.validation import field
from netemu.api.validation.field import METADATA, Causes, Path, each_invalid
from netemu.api.validation.goformat import Literal, quoted, strings
from netemu.model import names
from netemu.model.meta import Object

NameRule: TypeAlias = Callable[[str], list[str]]

ANNOTATIONS_LIMIT: Final = 256 * 1024
"""Bytes of all annotations together, keys included."""

_STANDARD_FINALIZERS = frozenset({"kubernetes", "orphan", "foregroundDeletion"})


_NOT_STANDARD = "name is neither a standard finalizer name nor is it fully qualified"


def object_meta(obj: Object, namespaced: bool, rule: NameRule) -> Causes:
    """The metadata of a new object."""
    meta = obj.get("metadata") or {}
    if prefix := meta.get("generateName"):
        yield from each_invalid(
            METADATA.child("generateName"), prefix, rule(names.cut_dash(prefix))
        )
    if name := meta.get("name"):
        yield from each_invalid(METADATA.child("name"), name, rule(name))
    else:
        yield field.required(METADATA.child("name"), "name or generateName is required")
    yield from _namespace(meta.get("namespace") or "", namespaced)
    yield from field.not_negative(METADATA.child("generation"), meta.get("generation"))
    yield from _shared(meta)
    yield from _finalizers(meta.get("finalizers") or [])


def _namespace(namespace: str, namespaced: bool) -> Causes:
    path = METADATA.child("namespace")
    if not namespaced:
        if namespace:
            yield field.forbidden(path, "not allowed on this type")
    elif namespace:
        yield from each_invalid(path, namespace, names.dns_label(namespace))
    else:
        yield field.required(path)


def _shared(meta: Mapping[str, Any]) -> Causes:
    yield from labels(meta.get("labels"), METADATA.child("labels"))
    yield from annotations(meta.get("annotations"), METADATA.child("annotations"))
    yield from _owner_references(meta.get("ownerReferences") or [])


def extension_meta(obj: Object, namespaced: bool, rule: NameRule) -> Causes:
    """The metadata of a new object of a group that isn't Kubernetes' own: no finalizer is
    standard there.
    """
    return _any_finalizer(object_meta(obj, namespaced, rule))


def extension_meta_update(new: Object, old: Object) -> Causes:
    """The metadata of an update of such an object."""
    return _any_finalizer(object_meta_update(new, old))


def _any_finalizer(causes: Causes) -> Causes:
    return (cause for cause in causes if not cause.message.endswith(_NOT_STANDARD))


def object_meta_update(new: Object, old: Object) -> Causes:
    """The metadata of an update.

    resourceVersion, uid and timestamps that a client left out were filled in before.
    """
    meta, before = new.get("metadata") or {}, old.get("metadata") or {}
    if "deletionTimestamp" in before:
        yield from _no_new_finalizers(meta, before)
    for key in ("name", "namespace", "uid"):
        if key in meta:
            yield from field.immutable(METADATA.child(key), meta[key], before.get(key))
    yield from _shared(meta)
    yield from _kube_finalizers(meta.get("finalizers") or [])


def _no_new_finalizers(meta: Mapping[str, Any], before: Mapping[str, Any]) -> Causes:
    extra = sorted(set(meta.get("finalizers") or ()) - set(before.get("finalizers") or ()))
    if extra:
        yield field.forbidden(
            METADATA.child("finalizers"),
            "no new finalizers can be added if the object is being deleted, "
            f"found new finalizers {strings(extra)}",
        )


def label_name(key: str, path: Path) -> Causes:
    """A label's key."""
    return each_invalid(path, key, names.qualified_name(key))


def labels(values: Mapping[str, str] | None, path: Path) -> Causes:
    """A map of labels."""
    for key, value in sorted((values or {}).items()):
        yield from label_name(key, path)
        yield from each_invalid(path, value, names.label_value(value))


def annotations(values: Mapping[str, str] | None, path: Path) -> Causes:
    """A map of annotations; keys may hold capitals."""
    size = 0
    for key, value in sorted((values or {}).items()):
        yield from each_invalid(path, key, names.qualified_name(key.lower()))
        size += len(key.encode()) + len(value.encode())
    if size > ANNOTATIONS_LIMIT:
        yield field.too_long(path, ANNOTATIONS_LIMIT)


def _owner_references(references: list[Object]) -> Causes:
    path, controller = METADATA.child("ownerReferences"), ""
    for reference in references:
        yield from _owner_reference(reference, path)
        if not reference.get("controller"):
            continue
        current = f"{reference.get('kind', '')}/{reference.get('name', '')}"
        if controller:
            yield field.invalid(
                path,
                Literal("[]v1.OwnerReference{" + ", ".join(map(_owner, references)) + "}"),
                'Only one reference can have Controller set to true. Found "true" in references '
                f"for {controller} and {current}",
            )
        else:
            controller = current


def _owner(reference: Object) -> str:
    texts = (("APIVersion", "apiVersion"), ("Kind", "kind"), ("Name", "name"), ("UID", "uid"))
    shown = ", ".join(f"{go}:{quoted(reference.get(key, ''))}" for go, key in texts)
    flags = (("Controller", "controller"), ("BlockOwnerDeletion", "blockOwnerDeletion"))
    pointers = ", ".join(
        f"{go}:(*bool)({'0xc000000000' if key in reference else 'nil'})" for go, key in flags
    )
    return f"v1.OwnerReference{{{shown}, {pointers}}}"


def _owner_reference(reference: Object, path: Path) -> Causes:
    version = reference.get("apiVersion", "")
    if not version.rpartition("/")[2]:
        yield field.invalid(path.child("apiVersion"), version, "version must not be empty")
    for key in ("kind", "name", "uid"):
        if not reference.get(key):
            yield field.invalid(path.child(key), "", "must not be empty")
    if (version, reference.get("kind")) == ("v1", "Event"):
        rule = "/v1, Kind=Event is disallowed from being an owner"
        yield field.invalid(path, Literal(_owner(reference)), rule)


def _finalizers(finalizers: list[str]) -> Causes:
    path = METADATA.child("finalizers")
    for name in finalizers:
        yield from each_invalid(path, name, names.qualified_name(name))
    if {"orphan", "foregroundDeletion"} <= set(finalizers):
        rule = "finalizer orphan and foregroundDeletion cannot be both set"
        yield field.invalid(path, finalizers, rule)
    yield from _kube_finalizers(finalizers)


def _kube_finalizers(finalizers: list[str]) -> Causes:
    for number, name in enumerate(finalizers):
        yield from standard_finalizer(METADATA.child("finalizers").index(number), name)


def standard_finalizer(path: Path, name: str) -> Causes:
    """A finalizer without a domain must be one that Kubernetes knows."""
    if "/" not in name and name not in _STANDARD_FINALIZERS:
        yield field.invalid(path, name, _NOT_STANDARD)


def label_selector(selector: Object | None, path: Path) -> Causes:
    """A LabelSelector object."""
    if selector is None:
        return
    yield from labels(selector.get("matchLabels"), path.child("matchLabels"))
    for number, item in enumerate(selector.get("matchExpressions") or ()):
        yield from _requirement(item, path.child("matchExpressions").index(number))


def _requirement(item: Object, path: Path) -> Causes:
    operator, values = item.get("operator", ""), item.get("values") or []
    yield from operator_values(operator, values, path)
    yield from label_name(item.get("key", ""), path.child("key"))
    yield from label_values(values, path.child("values"))


def operator_values(operator: str, values: list[str], path: Path) -> Causes:
    """How many values an operator of a selector takes."""
    if operator in ("In", "NotIn"):
        if not values:
            rule = "must be specified when `operator` is 'In' or 'NotIn'"
            yield field.required(path.child("values"), rule)
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            rule = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            yield field.forbidden(path.child("values"), rule)
    else:
        yield field.invalid(path.child("operator"), operator, "not a valid selector operator")


def label_values(values: list[str], path: Path) -> Causes:
    """Values that labels are compared with."""
    for number, value in enumerate(values):
        yield from each_invalid(path.index(number), value, names.label_value(value))


_HTTP_PATH: Final = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"


def prefixed_path(text: str, path: Path) -> Causes:
    """A path below a domain, ``acme.io/foo``: who sees to something."""
    if not text:
        yield field.required(path)
        return
    host, _, rest = text.partition("/")
    if not host or not rest:
        rule = 'must be a domain-prefixed path (such as "acme.io/foo")'
        yield field.invalid(path, text, rule)
        return
    yield from each_invalid(path, host, names.dns_subdomain(host))
    if not re.fullmatch(_HTTP_PATH, rest):
        rule = f"Invalid path (regex used for validation is '{_HTTP_PATH}')"
        yield field.invalid(path, rest, rule)

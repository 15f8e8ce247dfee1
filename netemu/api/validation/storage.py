"""Rules of PersistentVolumes, PersistentVolumeClaims and StorageClasses."""

from collections.abc import Iterable
from typing import Final

from netemu.api.validation import field
from netemu.api.validation.field import METADATA, SPEC, Causes, Path, each_invalid
from netemu.api.validation.goformat import Literal
from netemu.api.validation.meta import label_name, label_selector, object_meta, object_meta_update
from netemu.api.validation.scheduling import node_selector
from netemu.api.validation.volumes import no_backsteps
from netemu.model import names
from netemu.model.meta import Object
from netemu.model.quantity import canonical, parse_quantity

_MODES: Final = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_RECLAIM: Final = ("Delete", "Recycle", "Retain")
_BINDING: Final = ("Immediate", "WaitForFirstConsumer")
_VOLUME_MODES: Final = ("Block", "Filesystem")
_SOURCES: Final = (
    "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "flocker", "nfs", "rbd",
    "quobyte", "cephfs", "iscsi", "cinder", "fc", "flexVolume", "azureFile", "vsphereVolume",
    "photonPersistentDisk", "portworxVolume", "azureDisk", "scaleIO", "local", "storageos", "csi",
)  # fmt: skip


def volume(obj: Object) -> Causes:
    """A new PersistentVolume."""
    yield from object_meta(obj, False, names.dns_subdomain)
    yield from _volume_spec(obj.get("spec") or {})


def volume_update(new: Object, old: Object) -> Causes:
    """An update of a PersistentVolume; where its data is stays."""
    yield from object_meta_update(new, old)
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    yield from _volume_spec(spec)
    if any(not field.same(spec.get(kind), before.get(kind)) for kind in _SOURCES):
        path = SPEC.child("persistentvolumesource")
        yield field.forbidden(path, "spec.persistentvolumesource is immutable after creation")
    yield from field.immutable(
        SPEC.child("volumeMode"), spec.get("volumeMode"), before.get("volumeMode")
    )
    have, had = spec.get("nodeAffinity"), before.get("nodeAffinity")
    if had is not None and not field.same(have, had):
        yield field.invalid(Path("nodeAffinity"), Literal("…"), field.IMMUTABLE)


def _volume_spec(spec: Object) -> Causes:
    yield from _modes(spec.get("accessModes") or (), SPEC.child("accessModes"))
    capacity, path = spec.get("capacity") or {}, SPEC.child("capacity")
    if not capacity:
        yield field.required(path)
    elif "storage" not in capacity or len(capacity) > 1:
        yield field.not_supported(path, capacity, ("storage",))
    for name, value in capacity.items():
        if parse_quantity(value) < 0:
            rule = "must be a valid resource quantity"
            yield field.invalid(path.key(name), canonical(value), rule)
        yield from _positive(value, path.key(name))
    reclaim = spec.get("persistentVolumeReclaimPolicy", "")
    if reclaim not in _RECLAIM:
        path = SPEC.child("persistentVolumeReclaimPolicy")
        yield field.not_supported(path, reclaim, _RECLAIM)
    yield from _one_source(spec)
    yield from _node_affinity(spec)
    if name := spec.get("storageClassName"):
        yield from each_invalid(SPEC.child("storageClassName"), name, names.dns_subdomain(name))
    yield from _mode(spec)


def _positive(value: str, path: Path) -> Causes:
    if parse_quantity(value) <= 0:
        yield field.invalid(path, canonical(value), "must be greater than zero")


def _node_affinity(spec: Object) -> Causes:
    affinity, path = spec.get("nodeAffinity"), SPEC.child("nodeAffinity")
    if affinity is None:
        return
    required = affinity.get("required")
    if required is None:
        yield field.required(path.child("required"), "must specify required node constraints")
    else:
        yield from node_selector(required, path.child("required"))


def _one_source(spec: Object) -> Causes:
    given = [kind for kind in _SOURCES if spec.get(kind) is not None]
    for kind in given[1:]:
        yield field.forbidden(SPEC.child(kind), "may not specify more than 1 volume type")
    if not given:
        yield field.required(SPEC, "must specify a volume type")
    for kind in ("hostPath", "local"):
        if spec.get(kind) is not None and not spec[kind].get("path"):
            yield field.required(SPEC.child(kind, "path"))
    for kind in given[:1]:
        yield from no_backsteps(str(spec[kind].get("path", "")), SPEC.child(kind, "path"))
    if given[:1] == ["local"] and spec.get("nodeAffinity") is None:
        # Upstream's path: it once was an annotation.
        yield field.required(METADATA.child("annotations"), "Local volume requires node affinity")
    if (spec.get("hostPath") or {}).get("path") == "/":
        policy = spec.get("persistentVolumeReclaimPolicy")
        if policy == "Recycle":
            rule = "may not be 'recycle' for a hostPath mount of '/'"
            yield field.forbidden(SPEC.child("persistentVolumeReclaimPolicy"), rule)


def _mode(spec: Object) -> Causes:
    mode = spec.get("volumeMode")
    if mode is not None and mode not in _VOLUME_MODES:
        yield field.not_supported(SPEC.child("volumeMode"), mode, _VOLUME_MODES)


def _modes(modes: Iterable[str], path: Path) -> Causes:
    found = list(modes)
    if not found:
        yield field.required(path, "at least 1 access mode is required")
    for number, mode in enumerate(found):
        if mode not in _MODES:
            yield field.not_supported(path.index(number), mode, _MODES)
    if "ReadWriteOncePod" in found and len(found) > 1:
        rule = "may not use ReadWriteOncePod with other access modes"
        yield field.forbidden(path, rule)


def claim(obj: Object) -> Causes:
    """A new PersistentVolumeClaim."""
    yield from object_meta(obj, True, names.dns_subdomain)
    yield from claim_spec(obj.get("spec") or {}, SPEC)


def claim_spec(spec: Object, path: Path) -> Causes:
    """What a claim asks for."""
    yield from _modes(spec.get("accessModes") or (), path.child("accessModes"))
    if spec.get("selector") is not None:
        yield from label_selector(spec["selector"], path.child("selector"))
    requests = (spec.get("resources") or {}).get("requests") or {}
    below = path.child("resources")
    if "storage" not in requests:
        yield field.required(below.key("storage"))
    else:
        yield from _positive(requests["storage"], below.key("storage"))
    if name := spec.get("storageClassName"):
        yield from each_invalid(path.child("storageClassName"), name, names.dns_subdomain(name))
    yield from _mode(spec)


_CLAIM_STAYS: Final = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for "
    "bound claims"
)


def claim_update(new: Object, old: Object) -> Causes:
    """An update of a claim; it may be bound, get its class, and grow."""
    yield from object_meta_update(new, old)
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    yield from claim_spec(spec, SPEC)
    kept = {**spec}
    if not before.get("volumeName"):
        kept["volumeName"] = before.get("volumeName")
    if before.get("storageClassName") is None:
        kept["storageClassName"] = None
    if (old.get("status") or {}).get("phase") == "Bound":
        kept["resources"] = before.get("resources")
    if not field.same(kept, before):
        yield field.forbidden(SPEC, _CLAIM_STAYS)


def storage_class(obj: Object) -> Causes:
    """A new StorageClass."""
    yield from object_meta(obj, False, names.dns_subdomain)
    provisioner = obj.get("provisioner") or ""
    if not provisioner:
        yield field.required(Path("provisioner"))
    else:
        yield from each_invalid(
            Path("provisioner"), provisioner, names.qualified_name(provisioner.lower())
        )
    reclaim, binding = obj.get("reclaimPolicy"), obj.get("volumeBindingMode")
    if reclaim not in ("Delete", "Retain"):
        yield field.not_supported(Path("reclaimPolicy"), reclaim, ("Delete", "Retain"))
    if binding not in _BINDING:
        yield field.not_supported(Path("volumeBindingMode"), binding, _BINDING)
    for number, term in enumerate(obj.get("allowedTopologies") or ()):
        path = Path("allowedTopologies").index(number).child("matchLabelExpressions")
        for index, item in enumerate(term.get("matchLabelExpressions") or ()):
            yield from _topology(item, path.index(index))


def _topology(item: Object, path: Path) -> Causes:
    values = item.get("values") or []
    if not values:
        yield field.required(path.child("values"))
    for number, value in enumerate(values):
        if value in values[:number]:
            yield field.duplicate(path.child("values").index(number), value)
    yield from label_name(item.get("key", ""), path.child("key"))


def storage_class_update(new: Object, old: Object) -> Causes:
    """An update of a StorageClass; what it makes of claims stays."""
    yield from object_meta_update(new, old)
    if not field.same(new.get("parameters"), old.get("parameters")):
        yield field.forbidden(Path("parameters"), "updates to parameters are forbidden.")
    if new.get("provisioner") != old.get("provisioner"):
        yield field.forbidden(Path("provisioner"), "updates to provisioner are forbidden.")
    if new.get("reclaimPolicy") != old.get("reclaimPolicy"):
        yield field.forbidden(Path("reclaimPolicy"), "updates to reclaimPolicy are forbidden.")
    yield from field.immutable(
        Path("volumeBindingMode"), new.get("volumeBindingMode"), old.get("volumeBindingMode")
    )

"""Rules of storage drivers' kinds, RuntimeClasses and PodTemplates."""

from typing import Final

from netemu.api.validation import field
from netemu.api.validation.field import METADATA, SPEC, Causes, Path, each_invalid
from netemu.api.validation.goformat import Literal
from netemu.api.validation.meta import label_selector, labels, object_meta, object_meta_update
from netemu.api.validation.pod import template
from netemu.api.validation.resources import amount, amounts
from netemu.model import names
from netemu.model.meta import Object

_LONGEST_DRIVER: Final = 63
_NEEDED: Final = ("attachRequired", "podInfoOnMount", "storageCapacity")
_STAYS: Final = ("attachRequired", "fsGroupPolicy", "volumeLifecycleModes")
_GROUP_POLICIES: Final = ("File", "None", "ReadWriteOnceWithFSType")
_LIFECYCLES: Final = ("Ephemeral", "Persistent")


def _driver_name(name: str, path: Path) -> Causes:
    if not name:
        yield field.required(path)
    if len(name) > _LONGEST_DRIVER:
        yield field.too_long(path, _LONGEST_DRIVER)
    if name:
        yield from each_invalid(path, name, names.dns_subdomain(name.lower()))


def csi_driver(obj: Object) -> Causes:
    """A new CSIDriver."""
    yield from object_meta(obj, False, names.dns_subdomain)
    yield from _driver_name(obj["metadata"].get("name", ""), METADATA.child("name"))
    spec = obj.get("spec") or {}
    for key in _NEEDED:
        if spec.get(key) is None:
            yield field.required(SPEC.child(key))
    policy = spec.get("fsGroupPolicy")
    if policy is not None and policy not in _GROUP_POLICIES:
        yield field.not_supported(SPEC.child("fsGroupPolicy"), policy, _GROUP_POLICIES)
    for mode in spec.get("volumeLifecycleModes") or ():
        if mode not in _LIFECYCLES:
            yield field.not_supported(SPEC.child("volumeLifecycleModes"), mode, _LIFECYCLES)


def csi_driver_update(new: Object, old: Object) -> Causes:
    """An update of a CSIDriver."""
    yield from object_meta_update(new, old)
    yield from csi_driver(new)
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    for key in _STAYS:
        yield from field.immutable(SPEC.child(key), spec.get(key), before.get(key))


def csi_node(obj: Object) -> Causes:
    """A CSINode, new or changed."""
    yield from object_meta(obj, False, names.dns_subdomain)
    taken: set[str] = set()
    for number, driver in enumerate((obj.get("spec") or {}).get("drivers") or ()):
        path, name = SPEC.child("drivers").index(number), driver.get("name", "")
        yield from _driver_name(name, path.child("name"))
        if not driver.get("nodeID"):
            yield field.required(path.child("nodeID"))
        if name in taken:
            yield field.duplicate(path.child("name"), name)
        taken.add(name)


def csi_node_update(new: Object, old: Object) -> Causes:
    """An update of a CSINode."""
    yield from object_meta_update(new, old)
    yield from csi_node(new)


def storage_capacity(obj: Object) -> Causes:
    """A CSIStorageCapacity, new or changed."""
    yield from object_meta(obj, True, names.dns_subdomain)
    yield from label_selector(obj.get("nodeTopology"), Path("nodeTopology"))
    name = obj.get("storageClassName", "")
    yield from each_invalid(Path("storageClassName"), name, names.dns_subdomain(name))
    if obj.get("capacity") is not None:
        yield from amount("capacity", obj["capacity"], Path("capacity"))


def storage_capacity_update(new: Object, old: Object) -> Causes:
    """An update of a CSIStorageCapacity; where and of what it is stays."""
    yield from object_meta_update(new, old)
    yield from storage_capacity(new)
    for key in ("nodeTopology", "storageClassName"):
        yield from field.immutable(Path(key), new.get(key), old.get(key))


def attachment(obj: Object) -> Causes:
    """A new VolumeAttachment."""
    yield from object_meta(obj, False, names.dns_subdomain)
    spec = obj.get("spec") or {}
    yield from _driver_name(spec.get("attacher", ""), SPEC.child("attacher"))
    source = spec.get("source") or {}
    inline, name = source.get("inlineVolumeSpec"), source.get("persistentVolumeName")
    path = SPEC.child("source")
    if inline is None and name is None:
        rule = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
        yield field.required(path, rule)
    elif inline is not None and name is not None:
        rule = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
        yield field.forbidden(path, rule)
    elif name is not None and not name:
        yield field.required(
            path.child("persistentVolumeName"), "must specify non empty persistentVolumeName"
        )
    node = spec.get("nodeName", "")
    yield from each_invalid(SPEC.child("nodeName"), node, names.dns_subdomain(node))


def attachment_update(new: Object, old: Object) -> Causes:
    """An update of a VolumeAttachment; its spec stays."""
    yield from object_meta_update(new, old)
    yield from attachment(new)
    if not field.same(new.get("spec"), old.get("spec")):
        yield field.invalid(SPEC, Literal("…"), field.IMMUTABLE)


def runtime_class(obj: Object) -> Causes:
    """A RuntimeClass, new or changed."""
    yield from object_meta(obj, False, names.dns_subdomain)
    handler = obj.get("handler", "")
    yield from each_invalid(Path("handler"), handler, names.dns_label(handler))
    overhead = (obj.get("overhead") or {}).get("podFixed")
    yield from amounts(overhead, Path("overhead.podFixed"))
    selector = (obj.get("scheduling") or {}).get("nodeSelector")
    yield from labels(selector, Path("scheduling.nodeSelector"))


def runtime_class_update(new: Object, old: Object) -> Causes:
    """An update of a RuntimeClass; its handler stays."""
    yield from object_meta_update(new, old)
    yield from runtime_class(new)
    yield from field.immutable(Path("handler"), new.get("handler"), old.get("handler"))


def pod_template(obj: Object) -> Causes:
    """A PodTemplate, new or changed."""
    yield from object_meta(obj, True, names.dns_subdomain)
    yield from template(obj.get("template") or {}, Path("template"))


def pod_template_update(new: Object, old: Object) -> Causes:
    """An update of a PodTemplate."""
    yield from object_meta_update(new, old)
    yield from pod_template(new)

"""Rules of volumes and of their mounts."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from netemu.api.validation import field
from netemu.api.validation.env import VOLUME_FIELDS, field_ref, resource_ref
from netemu.api.validation.field import Causes, Path, each_invalid
from netemu.model import names
from netemu.model.errors import Cause
from netemu.model.meta import Object
from netemu.model.quantity import parse_quantity

_MODE: Final = "must be a number between 0 and 0777 (octal), both inclusive"
_HOST_PATH_TYPES = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate",
    "Socket",
)  # fmt: skip


def no_backsteps(value: str, path: Path) -> Causes:
    """A path doesn't lead out of where it begins."""
    if ".." in value.split("/"):
        yield field.invalid(path, value, "must not contain '..'")


def _descending(value: str, path: Path) -> Causes:
    if value.startswith("/"):
        yield field.invalid(path, value, "must be a relative path")
    yield from no_backsteps(value, path)


def _file_path(value: str, path: Path) -> Causes:
    yield from _descending(value, path)
    if value.startswith("..") and not value.startswith("../"):
        yield field.invalid(path, value, "must not start with '..'")


def _mode(source: Object, key: str, path: Path) -> Causes:
    mode = source.get(key)
    if mode is not None and not 0 <= mode <= 0o777:
        yield field.invalid(path.child(key), mode, _MODE)


def _needed(source: Object, key: str, path: Path) -> Causes:
    if not source.get(key):
        yield field.required(path.child(key))


def _empty_dir(source: Object, path: Path) -> Causes:
    try:
        fine = parse_quantity(source.get("sizeLimit", "0")) >= 0
    except ValueError:
        fine = False
    if not fine:
        rule = "SizeLimit field must be a valid resource quantity"
        yield field.forbidden(path.child("sizeLimit"), rule)


def _host_path(source: Object, path: Path) -> Causes:
    yield from _needed(source, "path", path)
    if source.get("path"):
        yield from no_backsteps(source["path"], path.child("path"))
        kind = source.get("type", "")
        if kind not in _HOST_PATH_TYPES:
            yield field.not_supported(path.child("type"), kind, _HOST_PATH_TYPES)


def _items(items: Iterable[Object], path: Path) -> Causes:
    for number, item in enumerate(items):
        below = path.index(number)
        yield from _needed(item, "key", below)
        yield from _needed(item, "path", below)
        yield from _file_path(item.get("path", ""), below.child("path"))
        yield from _mode(item, "mode", below)


def _keyed(name: str) -> Callable[[Object, Path], Causes]:
    def check(source: Object, path: Path) -> Causes:
        yield from _needed(source, name, path)
        yield from _mode(source, "defaultMode", path)
        yield from _items(source.get("items") or (), path.child("items"))

    return check


def _needs(*keys: str) -> Callable[[Object, Path], Causes]:
    def check(source: Object, path: Path) -> Causes:
        for key in keys:
            yield from _needed(source, key, path)

    return check


def _nfs(source: Object, path: Path) -> Causes:
    yield from _needs("server", "path")(source, path)
    if not source.get("path", "").startswith("/"):
        rule = "must be an absolute path"
        yield field.invalid(path.child("path"), source.get("path", ""), rule)


def _downward(source: Object, path: Path) -> Causes:
    yield from _mode(source, "defaultMode", path)
    for item in source.get("items") or ():
        yield from _downward_file(item, path)


def _downward_file(item: Object, path: Path) -> Causes:
    yield from _needed(item, "path", path)
    yield from _file_path(item.get("path", ""), path.child("path"))
    if item.get("fieldRef") is not None:
        yield from field_ref(item["fieldRef"], VOLUME_FIELDS, path.child("fieldRef"))
        if item.get("resourceFieldRef") is not None:
            rule = "fieldRef and resourceFieldRef can not be specified simultaneously"
            yield field.invalid(path, "resource", rule)
    elif item.get("resourceFieldRef") is not None:
        below = path.child("resourceFieldRef")
        yield from resource_ref(item["resourceFieldRef"], below, in_volume=True)
    else:
        yield field.required(path, "one of fieldRef and resourceFieldRef is required")
    yield from _mode(item, "mode", path)


def _projected(source: Object, path: Path) -> Causes:
    yield from _mode(source, "defaultMode", path)
    taken: set[str] = set()
    for number, item in enumerate(source.get("sources") or ()):
        yield from _projection(item, taken, path, path.child("sources").index(number))


def _projection(item: Object, taken: set[str], path: Path, below: Path) -> Causes:
    given = [kind for kind, value in item.items() if value is not None]
    for kind in ("secret", "configMap"):
        if kind in given:
            part = item[kind]
            yield from _needed(part, "name", below.child(kind))
            yield from _items(part.get("items") or (), below.child(kind, "items"))
            yield from _paths(part.get("items") or (), part.get("name", ""), taken, path)
    if "downwardAPI" in given:
        for file in item["downwardAPI"].get("items") or ():
            yield from _downward_file(file, below.child("downwardAPI"))
            yield from _paths([file], file.get("path", ""), taken, path)
    if "serviceAccountToken" in given:
        yield from _token(item["serviceAccountToken"], path, below.child("serviceAccountToken"))
    if len(given) > 1:
        yield field.forbidden(below, "may not specify more than 1 volume type per source")


def _paths(items: Iterable[Object], name: str, taken: set[str], path: Path) -> Causes:
    for item in items:
        if item.get("path") in taken:
            yield field.invalid(path, name, "conflicting duplicate paths")
        elif item.get("path"):
            taken.add(item["path"])


def _token(source: Object, path: Path, below: Path) -> Causes:
    seconds = source.get("expirationSeconds", 3600)
    if seconds < 600:
        rule = "may not specify a duration less than 10 minutes"
        yield field.invalid(below.child("expirationSeconds"), seconds, rule)
    if seconds > 1 << 32:
        rule = "may not specify a duration larger than 2^32 seconds"
        yield field.invalid(below.child("expirationSeconds"), seconds, rule)
    yield from _needed(source, "path", path)
    yield from _file_path(source.get("path", ""), path.child("path"))


_NO_RULE: Callable[[Object, Path], Causes] = _needs()

_SOURCES: dict[str, Callable[[Object, Path], Causes]] = {
    "emptyDir": _empty_dir,
    "hostPath": _host_path,
    "gitRepo": _needs("repository"),
    "gcePersistentDisk": _needs("pdName"),
    "awsElasticBlockStore": _needs("volumeID"),
    "secret": _keyed("secretName"),
    "nfs": _nfs,
    "iscsi": _needs("targetPortal", "iqn"),
    "glusterfs": _needs("endpoints", "path"),
    "flocker": _NO_RULE,
    "persistentVolumeClaim": _needs("claimName"),
    "rbd": _needs("monitors", "image"),
    "cinder": _needs("volumeID"),
    "cephfs": _needs("monitors"),
    "quobyte": _needs("registry", "volume"),
    "downwardAPI": _downward,
    "fc": _NO_RULE,
    "flexVolume": _needs("driver"),
    "configMap": _keyed("name"),
    "azureFile": _needs("secretName", "shareName"),
    "vsphereVolume": _needs("volumePath"),
    "photonPersistentDisk": _needs("pdID"),
    "portworxVolume": _needs("volumeID"),
    "azureDisk": _needs("diskName", "diskURI"),
    "storageos": _NO_RULE,
    "projected": _projected,
    "scaleIO": _needs("gateway", "system", "volumeName"),
    "csi": _needs("driver"),
    "ephemeral": _needs("volumeClaimTemplate"),
    "image": _NO_RULE,
}
"""In upstream's order: what a volume can be made of. netemu mounts but a few of them."""


def _source(volume: Object, path: Path) -> Causes:
    given = [kind for kind in _SOURCES if volume.get(kind) is not None]
    for number, kind in enumerate(given):
        if number:
            rule = "may not specify more than 1 volume type"
            yield field.forbidden(path.child(kind), rule)
        else:
            yield from _SOURCES[kind](volume[kind], path.child(kind))
    if not given:
        yield field.required(path, "must specify a volume type")


def volumes(items: Iterable[Object], path: Path) -> tuple[dict[str, Object], list[Cause]]:
    """The sound volumes by name, for the mounts to refer to, and what is wrong with the others."""
    sound: dict[str, Object] = {}
    causes: list[Cause] = []
    for number, volume in enumerate(items):
        below, name = path.index(number), volume.get("name", "")
        wrong = [*_source(volume, below), *_name(name, sound, below.child("name"))]
        causes.extend(wrong)
        if not wrong:
            sound[name] = volume
    return sound, causes


def _name(name: str, taken: Mapping[str, Any], path: Path) -> Causes:
    if name:
        yield from each_invalid(path, name, names.dns_label(name))
    else:
        yield field.required(path)
    if name in taken:
        yield field.duplicate(path, name)


def mounts(container: Object, known: Mapping[str, Object], path: Path) -> Causes:
    """Where a container mounts which volume."""
    devices = {
        device.get("name"): device.get("devicePath")
        for device in container.get("volumeDevices") or ()
    }
    points: set[str] = set()
    for number, mount in enumerate(container.get("volumeMounts") or ()):
        below, name, point = path.index(number), mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            yield field.required(below.child("name"))
        if name not in known:
            yield field.not_found(below.child("name"), name)
        if not point:
            yield field.required(below.child("mountPath"))
        if point in points:
            yield field.invalid(below.child("mountPath"), point, "must be unique")
        points.add(point)
        if name in devices:
            rule = "must not already exist in volumeDevices"
            yield field.invalid(below.child("name"), name, rule)
        if point in devices.values():
            rule = "must not already exist as a path in volumeDevices"
            yield field.invalid(below.child("mountPath"), point, rule)
        yield from _sub_path(mount, path, below)


def _sub_path(mount: Object, path: Path, below: Path) -> Causes:
    # The paths lack the index: so does upstream.
    if part := mount.get("subPath"):
        yield from _descending(part, path.child("subPath"))
    if pattern := mount.get("subPathExpr"):
        if mount.get("subPath"):
            rule = "subPathExpr and subPath are mutually exclusive"
            yield field.invalid(below.child("subPathExpr"), pattern, rule)
        yield from _descending(pattern, path.child("subPathExpr"))

"""Rows of volumes, claims and storage classes."""

from typing import Any

from netemu.api.tables.wording import age
from netemu.model.meta import Object, annotations_of, is_deleting, name_of
from netemu.model.storage import DEFAULT_CLASS

_UNSET = "<unset>"
_SHORT = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def _modes(modes: list[str] | None) -> str:
    """Access modes, each once, in upstream's order."""
    found = modes or ()
    return ",".join(short for mode, short in _SHORT.items() if mode in found)


def _phase(obj: Object) -> str:
    if is_deleting(obj):
        return "Terminating"
    return str((obj.get("status") or {}).get("phase", ""))


def volume(obj: Object, now: float) -> list[Any]:
    """Name, Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, …"""
    spec = obj.get("spec") or {}
    claim = spec.get("claimRef") or {}
    return [
        name_of(obj),
        (spec.get("capacity") or {}).get("storage", ""),
        _modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy", ""),
        _phase(obj),
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName") or _UNSET,
        (obj.get("status") or {}).get("reason", ""),
        age(obj, now),
        spec.get("volumeMode") or _UNSET,
    ]


def claim(obj: Object, now: float) -> list[Any]:
    """Name, Status, Volume, Capacity, Access Modes, StorageClass, …"""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    bound = bool(spec.get("volumeName"))
    return [
        name_of(obj),
        _phase(obj),
        spec.get("volumeName", ""),
        (status.get("capacity") or {}).get("storage", "") if bound else "",
        _modes(status.get("accessModes")) if bound else "",
        spec.get("storageClassName") or "",
        spec.get("volumeAttributesClassName") or _UNSET,
        age(obj, now),
        spec.get("volumeMode") or _UNSET,
    ]


def storage_class(obj: Object, now: float) -> list[Any]:
    """Name, Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age."""
    default = annotations_of(obj).get(DEFAULT_CLASS) == "true"
    return [
        name_of(obj) + (" (default)" if default else ""),
        obj.get("provisioner", ""),
        obj.get("reclaimPolicy") or "Delete",
        obj.get("volumeBindingMode") or "Immediate",
        "true" if obj.get("allowVolumeExpansion") else "false",
        age(obj, now),
    ]

"""Defaults of volumes, claims and storage classes."""

from netemu.api.defaults.parts import child, fill, fill_absent
from netemu.api.defaults.volumes import claim_spec
from netemu.model.meta import Object


def volume(obj: Object) -> None:
    """A PersistentVolume."""
    spec = child(obj, "spec")
    fill(spec, persistentVolumeReclaimPolicy="Retain")
    fill_absent(spec, volumeMode="Filesystem")
    if spec.get("hostPath") is not None:
        fill_absent(spec["hostPath"], type="")
    fill(child(obj, "status"), phase="Pending")


def claim(obj: Object) -> None:
    """A PersistentVolumeClaim."""
    claim_spec(obj)
    fill(child(obj, "status"), phase="Pending")


def storage_class(obj: Object) -> None:
    """A StorageClass."""
    fill_absent(obj, reclaimPolicy="Delete", volumeBindingMode="Immediate")

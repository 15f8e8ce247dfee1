"""What becomes of a volume after its claim (pkg/controller/volume/persistentvolume), as a plan.

It is Released and, if its policy says so, deleted with its data; but never is anything erased that
is not directly in our own folder.
"""

from pathlib import PurePosixPath
from typing import TypeAlias

from msgspec import Struct

from netemu.controllers.actions import Action, Delete, Tell, Update, WriteStatus
from netemu.model import storage
from netemu.model.meta import Object, is_deleting, uid_of
from netemu.model.resources import PERSISTENT_VOLUMES


class Erase(Struct, frozen=True):
    """Delete a volume's folder and all in it."""

    path: str


Step: TypeAlias = Action | Erase


def without(resource: str, obj: Object, finalizer: str) -> Update:
    """Take a finalizer away."""
    left = [item for item in obj["metadata"]["finalizers"] if item != finalizer]
    return Update(resource, {**obj, "metadata": {**obj["metadata"], "finalizers": left}})


class VolumeSeen(Struct, frozen=True, kw_only=True):
    """What a volume's plan is made from."""

    volume: Object
    claim: Object | None
    """The claim its claimRef names."""
    folder: str


def plan_volume(seen: VolumeSeen) -> list[Step]:
    """Follow the claim: available before, bound with it, released and reclaimed after it."""
    volume = seen.volume
    if is_deleting(volume) and storage.phase_of(volume) != "Bound":
        return _let_go(seen)
    reference = volume["spec"].get("claimRef") or {}
    if not reference.get("uid"):
        return _phase(volume, "Available")
    if seen.claim is not None and uid_of(seen.claim) == reference["uid"]:
        return []  # the claim's own plan binds both
    return _reclaim(seen)


def _phase(volume: Object, phase: str) -> list[Step]:
    if storage.phase_of(volume) == phase:
        return []
    return [WriteStatus(PERSISTENT_VOLUMES, volume, {"phase": phase})]


def _let_go(seen: VolumeSeen) -> list[Step]:
    finalizers = seen.volume["metadata"].get("finalizers") or ()
    if storage.PV_PROTECTION not in finalizers:
        return []
    volume, done = seen.volume, list[Step]()
    reclaimed = volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete"
    if reclaimed and is_ours(volume, seen.folder):
        done.append(Erase(volume["spec"]["hostPath"]["path"]))
    return [*done, without(PERSISTENT_VOLUMES, volume, storage.PV_PROTECTION)]


def _reclaim(seen: VolumeSeen) -> list[Step]:
    volume = seen.volume
    policy = volume["spec"].get("persistentVolumeReclaimPolicy")
    if storage.phase_of(volume) not in ("Released", "Failed"):
        return _phase(volume, "Released")
    path = (volume["spec"].get("hostPath") or {}).get("path", "")
    ours = is_ours(volume, seen.folder)
    if policy == "Delete" and ours:
        return [Delete(PERSISTENT_VOLUMES, volume)]
    if policy == "Delete" and storage.phase_of(volume) != "Failed":
        words = "error getting deleter volume plugin for volume: no deletable volume plugin matched"
        status = {"phase": "Failed", "message": words}
        return [
            WriteStatus(PERSISTENT_VOLUMES, volume, status),
            Tell(volume, "Warning", "VolumeFailedDelete", words),
        ]
    if policy == "Recycle" and ours:
        spec = {key: item for key, item in volume["spec"].items() if key != "claimRef"}
        return [
            Erase(path),
            Update(PERSISTENT_VOLUMES, {**volume, "spec": spec}),
            Tell(volume, "Normal", "VolumeRecycled", "Volume recycled"),
        ]
    return []


def is_ours(volume: Object, folder: str) -> bool:
    """Whether its data is in our own folder: nothing else is ever deleted."""
    path = PurePosixPath((volume["spec"].get("hostPath") or {}).get("path", ""))
    return bool(folder) and path.parent == PurePosixPath(folder) and ".." not in path.parts

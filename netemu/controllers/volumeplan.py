"""Binding claims and volumes to each other (pkg/controller/volume/persistentvolume), as plans.

Both sides name each other: the volume first (`claimRef`), then the claim (`volumeName`), so that a
stop half-way is finished by the next look. What is in use stays until it no longer is.
"""

from collections.abc import Sequence

from msgspec import Struct

from netemu.controllers.actions import Action, Create, Tell, Update, WriteStatus
from netemu.controllers.reclaimplan import Step, without
from netemu.model import storage
from netemu.model.meta import (
    Object,
    annotations_of,
    is_deleting,
    name_of,
    namespace_of,
    uid_of,
)
from netemu.model.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES


class ClaimSeen(Struct, frozen=True, kw_only=True):
    """What a claim's plan is made from."""

    claim: Object
    volumes: Sequence[Object]
    classes: Sequence[Object]
    consumers: Sequence[Object] = ()
    """Pods that use the claim."""
    folder: str
    """Where volumes of our own making are."""


def plan_claim(seen: ClaimSeen) -> list[Step]:
    """Bind the claim, make it a volume, or say why it has none."""
    claim = seen.claim
    if is_deleting(claim):
        return _released_claim(seen)
    if claim["spec"].get("storageClassName") is None:
        default = storage.default_class(seen.classes)
        if default is not None:
            spec = {**claim["spec"], "storageClassName": name_of(default)}
            return [Update(PERSISTENT_VOLUME_CLAIMS, {**claim, "spec": spec})]
    if storage.BIND_COMPLETED in annotations_of(claim):
        return _bound(seen)
    wanted = claim["spec"].get("volumeName")
    if wanted:
        return _bind_wanted(seen, wanted)
    if _must_wait(seen):
        return _waiting(seen)
    volume = storage.best_volume(seen.volumes, claim)
    return [*_bind(claim, volume)] if volume is not None else _provision(seen)


def _released_claim(seen: ClaimSeen) -> list[Step]:
    """A claim goes when no pod that has a node uses it any more."""
    finalizers = seen.claim["metadata"].get("finalizers") or ()
    used = any(pod["spec"].get("nodeName") for pod in seen.consumers)
    if used or storage.PVC_PROTECTION not in finalizers:
        return []
    return [without(PERSISTENT_VOLUME_CLAIMS, seen.claim, storage.PVC_PROTECTION)]


def _bound(seen: ClaimSeen) -> list[Step]:
    """A claim that was bound: its volume must still be there."""
    claim = seen.claim
    name = claim["spec"].get("volumeName")
    volume = next((item for item in seen.volumes if name_of(item) == name), None)
    if volume is not None and storage.refers_to(volume, claim):
        return [*_bind(claim, volume)]
    if storage.phase_of(claim) == "Lost":
        return []
    status = {"phase": "Lost"}
    reason, words = (
        "ClaimLost",
        "Bound claim has lost its PersistentVolume. Data on the volume is lost!",
    )
    if volume is not None:
        reason, words = (
            "ClaimMisbound",
            "Two claims are bound to the same volume, this one is bound incorrectly",
        )
    return [
        WriteStatus(PERSISTENT_VOLUME_CLAIMS, claim, status),
        Tell(claim, "Warning", reason, words),
    ]


def _bind_wanted(seen: ClaimSeen, name: str) -> list[Step]:
    """The user has chosen the volume."""
    claim = seen.claim
    volume = next((item for item in seen.volumes if name_of(item) == name), None)
    if volume is None:
        return []  # it may come yet
    if volume["spec"].get("claimRef") and not storage.refers_to(volume, claim):
        words = f'volume "{name}" already bound to a different claim.'
        return [Tell(claim, "Warning", "FailedBinding", words)]
    return [*_bind(claim, volume)]


def _class(seen: ClaimSeen) -> Object | None:
    name = storage.class_of(seen.claim)
    return next((item for item in seen.classes if name_of(item) == name), None)


def _must_wait(seen: ClaimSeen) -> bool:
    if storage.SELECTED_NODE in annotations_of(seen.claim):
        return False
    # A pod that was given its node by hand doesn't wait for the scheduler's word.
    if any(pod["spec"].get("nodeName") for pod in seen.consumers):
        return False
    reserved = any(storage.refers_to(volume, seen.claim) for volume in seen.volumes)
    return storage.waits_for_consumer(_class(seen)) and not reserved


def _waiting(seen: ClaimSeen) -> list[Step]:
    if seen.consumers:
        pod = name_of(seen.consumers[0])
        return [Tell(seen.claim, "Normal", "WaitForPodScheduled",
                     f"waiting for pod {pod} to be scheduled")]  # fmt: skip
    words = "waiting for first consumer to be created before binding"
    return [Tell(seen.claim, "Normal", "WaitForFirstConsumer", words)]


def _bind(claim: Object, volume: Object) -> list[Action]:
    """What is still missing for claim and volume to be bound to each other."""
    done: list[Action] = []
    name = name_of(volume)
    if (volume["spec"].get("claimRef") or {}).get("uid") != uid_of(claim):
        marked = _annotated(volume, storage.BOUND_BY_CONTROLLER)
        spec = {**volume["spec"], "claimRef": _reference(claim)}
        done.append(Update(PERSISTENT_VOLUMES, {**marked, "spec": spec}))
    if storage.phase_of(volume) != "Bound":
        done.append(WriteStatus(PERSISTENT_VOLUMES, volume, {"phase": "Bound"}))
    marked = _annotated(claim, storage.BIND_COMPLETED)
    if claim["spec"].get("volumeName") != name:
        marked = _annotated(marked, storage.BOUND_BY_CONTROLLER)
    if marked is not claim:
        spec = {**claim["spec"], "volumeName": name}
        done.append(Update(PERSISTENT_VOLUME_CLAIMS, {**marked, "spec": spec}))
    status = {
        "phase": "Bound",
        "accessModes": volume["spec"].get("accessModes") or [],
        "capacity": volume["spec"]["capacity"],
    }
    if claim.get("status") != status:
        done.append(WriteStatus(PERSISTENT_VOLUME_CLAIMS, claim, status))
    return done


def _annotated(obj: Object, key: str) -> Object:
    annotations = annotations_of(obj)
    if key in annotations:
        return obj
    return {**obj, "metadata": {**obj["metadata"], "annotations": {**annotations, key: "yes"}}}


def _reference(claim: Object) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": namespace_of(claim),
        "name": name_of(claim),
        "uid": uid_of(claim),
        "resourceVersion": claim["metadata"].get("resourceVersion", ""),
    }


def _provision(seen: ClaimSeen) -> list[Step]:
    claim, name = seen.claim, storage.class_of(seen.claim)
    if not name:
        words = "no persistent volumes available for this claim and no storage class is set"
        return [Tell(claim, "Normal", "FailedBinding", words)]
    storage_class = _class(seen)
    if storage_class is None:
        words = f'storageclass.storage.k8s.io "{name}" not found'
        return [Tell(claim, "Warning", "ProvisioningFailed", words)]
    provisioner = storage_class["provisioner"]
    if provisioner == storage.NO_PROVISIONER:
        words = "no persistent volumes available for this claim and no storage class is set"
        return [Tell(claim, "Normal", "FailedBinding", words)]
    if provisioner != storage.LOCAL_PROVISIONER:
        return [_external(claim, provisioner)]
    place = f"{namespace_of(claim)}/{name_of(claim)}"
    volume = _new_volume(seen, storage_class)
    return [
        _external(claim, provisioner),
        Tell(claim, "Normal", "Provisioning",
             f'External provisioner is provisioning volume for claim "{place}"'),
        Create(PERSISTENT_VOLUMES, volume),
        Tell(claim, "Normal", "ProvisioningSucceeded",
             f"Successfully provisioned volume {name_of(volume)}"),
    ]  # fmt: skip


def _external(claim: Object, provisioner: str) -> Tell:
    words = (
        f"Waiting for a volume to be created either by the external provisioner '{provisioner}' "
        "or manually by the system administrator. If volume creation is delayed, please verify "
        "that the provisioner is running and correctly registered."
    )
    return Tell(claim, "Normal", "ExternalProvisioning", words)


def _new_volume(seen: ClaimSeen, storage_class: Object) -> Object:
    claim = seen.claim
    name = f"pvc-{uid_of(claim)}"
    path = f"{seen.folder}/{name}_{namespace_of(claim)}_{name_of(claim)}"
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": name,
            "annotations": {storage.PROVISIONED_BY: storage.LOCAL_PROVISIONER},
        },
        "spec": {
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "accessModes": claim["spec"]["accessModes"],
            "hostPath": {"path": path, "type": "DirectoryOrCreate"},
            "claimRef": _reference(claim),
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy") or "Delete",
            "storageClassName": name_of(storage_class),
            "volumeMode": claim["spec"].get("volumeMode", "Filesystem"),
            **(
                {"mountOptions": storage_class["mountOptions"]}
                if storage_class.get("mountOptions")
                else {}
            ),
        },
    }

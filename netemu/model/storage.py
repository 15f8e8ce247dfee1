"""What claims and volumes say of each other: the rules of binding that several components share."""

from collections.abc import Iterable
from decimal import Decimal

from netemu.model.meta import Object, annotations_of, labels_of, name_of, namespace_of, uid_of
from netemu.model.quantity import parse_quantity
from netemu.model.selector import from_object, matches

LOCAL_PROVISIONER = "netemu.dev/local"
"""Makes volumes as folders of the instance."""
NO_PROVISIONER = "kubernetes.io/no-provisioner"

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
"""On a claim: the scheduler has found its first consumer a place."""
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
STORAGE_PROVISIONER = "volume.kubernetes.io/storage-provisioner"

PVC_PROTECTION = "kubernetes.io/pvc-protection"
PV_PROTECTION = "kubernetes.io/pv-protection"


def phase_of(obj: Object) -> str:
    """The phase of a volume or claim."""
    return str((obj.get("status") or {}).get("phase") or "Pending")


def waits_for_consumer(storage_class: Object | None) -> bool:
    """Whether claims of a class stay unbound until a pod wants them."""
    return (
        storage_class is not None
        and storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"
    )


def default_class(classes: Iterable[Object]) -> Object | None:
    """The class of claims that name none: the newest of those that say so (upstream's rule)."""
    marked = [item for item in classes if annotations_of(item).get(DEFAULT_CLASS) == "true"]
    order = sorted(marked, key=name_of)
    return max(order, key=lambda i: i["metadata"].get("creationTimestamp", ""), default=None)


def claims_of(pod: Object) -> list[str]:
    """The names of the claims a pod uses, those of ephemeral volumes among them."""
    found = []
    for volume in pod["spec"].get("volumes") or ():
        if volume.get("persistentVolumeClaim") is not None:
            found.append(volume["persistentVolumeClaim"]["claimName"])
        elif volume.get("ephemeral") is not None:
            found.append(f"{name_of(pod)}-{volume['name']}")
    return found


def refers_to(volume: Object, claim: Object) -> bool:
    """Whether a volume is meant for this claim, bound or reserved by name."""
    reference = volume["spec"].get("claimRef") or {}
    return (
        (reference.get("namespace"), reference.get("name")) == (namespace_of(claim), name_of(claim))
        and reference.get("uid", uid_of(claim)) == uid_of(claim)
    )  # fmt: skip


def class_of(obj: Object) -> str:
    """The class of a volume or claim; "": none."""
    return str(obj["spec"].get("storageClassName") or "")


def size_of(amounts: Object | None) -> Decimal:
    """The bytes of storage in a resource list."""
    return parse_quantity(str((amounts or {}).get("storage", "0")))


def satisfies(volume: Object, claim: Object) -> bool:
    """Whether a volume can be a claim's: size, modes, class and labels."""
    spec, wish = volume["spec"], claim["spec"]
    selector = from_object(wish.get("selector")) or ()
    return (
        size_of(spec.get("capacity")) >= size_of((wish.get("resources") or {}).get("requests"))
        and set(wish.get("accessModes") or ()) <= set(spec.get("accessModes") or ())
        and class_of(volume) == class_of(claim)
        and spec.get("volumeMode", "Filesystem") == wish.get("volumeMode", "Filesystem")
        and matches(selector, labels_of(volume))
    )


def best_volume(volumes: Iterable[Object], claim: Object) -> Object | None:
    """The volume for an unbound claim: one reserved for it, else the smallest that satisfies it."""
    free = []
    for volume in volumes:
        if "deletionTimestamp" in volume["metadata"]:
            continue
        if volume["spec"].get("claimRef"):
            if refers_to(volume, claim):
                return volume
        elif phase_of(volume) == "Available" and satisfies(volume, claim):
            free.append(volume)
    return min(free, key=lambda v: (size_of(v["spec"]["capacity"]), name_of(v)), default=None)

"""A StatefulSet's pods and claims: their names and numbers, and how they are made.

A pod's name is its identity: its hostname, its claims and its place in the order follow from it.
"""

import re
from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct

from netemu.controllers.claims import without_owner
from netemu.controllers.revisions import HASH_LABEL
from netemu.model.meta import (
    Object,
    controller_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)

POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"

_NAME = re.compile(r"(.*)-([0-9]+)\Z", re.DOTALL)


def ordinal_of(pod: Object) -> int:
    """The number at the end of its name; -1 without one."""
    found = _NAME.match(name_of(pod))
    return int(found[2]) if found else -1


def is_member(obj: Object, pod: Object) -> bool:
    """Whether a pod's name says that it belongs to the set."""
    found = _NAME.match(name_of(pod))
    return found is not None and found[1] == name_of(obj)


def revision_of(pod: Object) -> str:
    """The name of the revision it was made of."""
    return labels_of(pod).get(HASH_LABEL, "")


def claim_names(obj: Object, ordinal: int) -> dict[str, str]:
    """The names of one pod's claims, by those of their templates."""
    templates = obj["spec"].get("volumeClaimTemplates") or ()
    return {name_of(item): f"{name_of(item)}-{name_of(obj)}-{ordinal}" for item in templates}


def new_pod(obj: Object, template: Object, revision: str, ordinal: int) -> Object:
    """A pod of that number, made of that template."""
    name, said = f"{name_of(obj)}-{ordinal}", template.get("metadata") or {}
    labels = {**(said.get("labels") or {}), HASH_LABEL: revision, **_identity(name, ordinal)}
    metadata = {
        "generateName": f"{name_of(obj)}-",
        "name": name,
        "namespace": namespace_of(obj),
        "labels": labels,
        **{key: said[key] for key in ("annotations", "finalizers") if said.get(key)},
        "ownerReferences": [owner_reference(obj, "apps/v1", "StatefulSet")],
    }
    spec = {**(template.get("spec") or {}), "hostname": name}
    if obj["spec"].get("serviceName"):
        spec["subdomain"] = obj["spec"]["serviceName"]
    claims = claim_names(obj, ordinal)
    if claims:
        spec["volumes"] = [
            *(
                {"name": volume, "persistentVolumeClaim": {"claimName": claim}}
                for volume, claim in claims.items()
            ),
            *(item for item in spec.get("volumes") or () if item["name"] not in claims),
        ]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _identity(name: str, ordinal: int) -> dict[str, str]:
    return {POD_NAME: name, POD_INDEX: str(ordinal)}


def identified(pod: Object) -> Object:
    """The pod with the labels of its identity; itself if it has them."""
    labels, wanted = labels_of(pod), _identity(name_of(pod), ordinal_of(pod))
    if wanted.items() <= labels.items():
        return pod
    return {**pod, "metadata": {**pod["metadata"], "labels": {**labels, **wanted}}}


def new_claims(obj: Object, ordinal: int) -> Iterator[Object]:
    """The claims of the pod of that number."""
    names = claim_names(obj, ordinal)
    wanted = (obj["spec"].get("selector") or {}).get("matchLabels") or {}
    for template in obj["spec"].get("volumeClaimTemplates") or ():
        said = template["metadata"]
        metadata = {
            "name": names[said["name"]],
            "namespace": namespace_of(obj),
            "labels": {**(said.get("labels") or {}), **wanted},
            **{key: said[key] for key in ("annotations", "finalizers") if said.get(key)},
        }
        yield {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": metadata,
            "spec": template["spec"],
        }


class Retention(Struct, frozen=True):
    """What becomes of claims (KEP-1847)."""

    deleted: bool = False
    """They go with the set."""
    scaled: bool = False
    """They go with a pod that is scaled away."""


def retention_of(obj: Object) -> Retention:
    """A set's policy."""
    said = obj["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    return Retention(said.get("whenDeleted") == "Delete", said.get("whenScaled") == "Delete")


def owned_claim(
    obj: Object, retention: Retention, claim: Object, pod: Object | None, *, condemned: bool
) -> Object:
    """A claim with the owner whose end shall be its own; itself if nothing changes.

    `pod`: the one that has the claim, if it exists; `condemned`: it is being scaled away.
    """
    owner: Object | None = None
    if retention.scaled and condemned and pod is not None:
        owner = owner_reference(pod, "v1", "Pod")
    elif retention.deleted:
        owner = owner_reference(obj, "apps/v1", "StatefulSet")
    before = claim["metadata"].get("ownerReferences") or []
    ours = [item for item in before if _is_ours(obj, name_of(claim), item)]
    if [item["uid"] for item in ours] == ([owner["uid"]] if owner else []):
        return claim
    if owner is not None and _held_by_another(claim, ours):
        return claim
    freed = without_owner(claim, *(item["uid"] for item in ours))
    if owner is None:
        return freed
    owners = [*(freed["metadata"].get("ownerReferences") or ()), owner]
    return {**freed, "metadata": {**freed["metadata"], "ownerReferences": owners}}


def _held_by_another(claim: Object, ours: Collection[Object]) -> bool:
    holder = controller_of(claim)
    return holder is not None and all(item["uid"] != holder["uid"] for item in ours)


def _is_ours(obj: Object, claim: str, reference: Mapping[str, str]) -> bool:
    """Whether a claim's owner was set by this set's policy, perhaps for an earlier pod."""
    if reference["kind"] == "StatefulSet":
        return reference["uid"] == uid_of(obj)
    return reference["kind"] == "Pod" and claim.endswith(f"-{reference['name']}")

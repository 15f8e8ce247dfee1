"""What a pod's volume claims have to say before it gets a node.

Claims of an ordinary class must be bound first. Those of a class that waits for its first consumer
are told the node that was found, and the pod is bound once they are.
"""

from collections.abc import Iterator

from netemu.model.client import Client
from netemu.model.meta import Object, annotations_of, is_deleting, namespace_of
from netemu.model.resources import PERSISTENT_VOLUME_CLAIMS, STORAGE_CLASSES
from netemu.model.storage import SELECTED_NODE, claims_of, class_of, phase_of, waits_for_consumer

UNBOUND = "pod has unbound immediate PersistentVolumeClaims"


def objection(client: Client, pod: Object) -> str:
    """Why the pod can run on no node at all, in upstream's words; "" if nothing is wrong."""
    for name in claims_of(pod):
        claim = client.get(PERSISTENT_VOLUME_CLAIMS, namespace_of(pod), name)
        if claim is None:
            return f'persistentvolumeclaim "{name}" not found'
        if is_deleting(claim):
            return f'persistentvolumeclaim "{name}" is being deleted'
        if phase_of(claim) == "Lost":
            volume = claim["spec"].get("volumeName")
            return (
                f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{volume}"'
            )
        if phase_of(claim) != "Bound" and not _waits(client, claim):
            return UNBOUND
    return ""


def _waits(client: Client, claim: Object) -> bool:
    name = class_of(claim)
    return bool(name) and waits_for_consumer(client.get(STORAGE_CLASSES, "", name))


def unbound(client: Client, pod: Object) -> Iterator[Object]:
    """The claims that wait for this pod's node."""
    for name in claims_of(pod):
        claim = client.get(PERSISTENT_VOLUME_CLAIMS, namespace_of(pod), name)
        if claim is not None and phase_of(claim) != "Bound":
            yield claim


def with_node(claim: Object, node: str) -> Object:
    """The claim, told where its first consumer is going to be; itself if it knows."""
    annotations = annotations_of(claim)
    if annotations.get(SELECTED_NODE) == node:
        return claim
    annotations = {**annotations, SELECTED_NODE: node}
    return {**claim, "metadata": {**claim["metadata"], "annotations": annotations}}

"""Rolls what uses a ConfigMap or Secret when that changes, for workloads that ask for it.

Asked for by ``netemu.dev/reload: "true"`` on a workload, its template or a pod, or by the
annotations of Stakater's Reloader. A Deployment, StatefulSet or DaemonSet rolls as its own strategy
says; a pod of no controller ends gracefully and is made again under its name; one of a ReplicaSet
that has no Deployment (or of a ReplicationController) is deleted, so that its controller makes
another.

What a workload has seen is noted in an annotation of its own, outside the template, so to note it
rolls nothing, and what changed while the cluster was down is noticed. A ConfigMap that comes or
goes is no change, as for Reloader.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from netemu.controllers.actions import Action, Create, Delete, Tell, Update, execute
from netemu.controllers.index import Index
from netemu.controllers.runner import Context
from netemu.model.client import Change
from netemu.model.meta import (
    Object,
    annotations_of,
    controller_of,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
)
from netemu.model.resources import (
    CONFIG_MAPS,
    DAEMON_SETS,
    DEPLOYMENTS,
    PODS,
    REPLICA_SETS,
    SECRETS,
    STATEFUL_SETS,
)

SEEN: Final = "netemu.dev/config-seen"
"""Annotation: the ConfigMaps and Secrets a workload has seen, and the hashes of what they held."""
RELOADED: Final = "netemu.dev/reloaded-from"
"""Annotation of a template: what it was last rolled for."""
HELD: Final = "netemu.dev/reload"
"""Finalizer of a pod that is to be made again; also the annotation that asks for reloads."""
_RELOADER: Final = "reloader.stakater.com"
_WORKLOADS: Final = (DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS)
_SOURCES: Final = {CONFIG_MAPS: "configmap", SECRETS: "secret"}
_REPLACED: Final = frozenset({"ReplicaSet", "ReplicationController"})

Source = tuple[str, str]
"""A kind ("configmap" or "secret") and a name."""


def references(spec: Object) -> frozenset[Source]:
    """The ConfigMaps and Secrets that a pod's spec uses."""
    return frozenset(each for each in _references(spec) if each[1])


def _references(spec: Object) -> Iterator[Source]:
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        for each in container.get("envFrom") or ():
            yield "configmap", (each.get("configMapRef") or {}).get("name", "")
            yield "secret", (each.get("secretRef") or {}).get("name", "")
        for each in container.get("env") or ():
            value = each.get("valueFrom") or {}
            yield "configmap", (value.get("configMapKeyRef") or {}).get("name", "")
            yield "secret", (value.get("secretKeyRef") or {}).get("name", "")
    for volume in spec.get("volumes") or ():
        yield from _mounted(volume, "secretName")
        for each in (volume.get("projected") or {}).get("sources") or ():
            yield from _mounted(each, "name")


def _mounted(volume: Object, secret: str) -> Iterator[Source]:
    yield "configmap", (volume.get("configMap") or {}).get("name", "")
    yield "secret", (volume.get("secret") or {}).get(secret, "")


def asked(obj: Object) -> dict[Source, bool]:
    """What a workload or pod wants to be rolled for; True: only if that is marked as a match."""
    template = obj["spec"].get("template") or {}
    given = {**annotations_of(template), **annotations_of(obj)} if template else annotations_of(obj)
    wanted: dict[Source, bool] = {}
    used = references(template["spec"] if template else obj["spec"])
    if given.get(f"{_RELOADER}/search") == "true":
        wanted.update(dict.fromkeys(used, True))
    auto = "true" in (given.get(HELD), given.get(f"{_RELOADER}/auto"))
    for kind in _SOURCES.values():
        if auto or given.get(f"{kind}.{_RELOADER}/auto") == "true":
            wanted.update({each: False for each in used if each[0] == kind})
        for name in given.get(f"{kind}.{_RELOADER}/reload", "").split(","):
            if name.strip():
                wanted[kind, name.strip()] = False
    return wanted


def hashed(source: Object) -> str:
    """A hash of what a ConfigMap or Secret holds."""
    held = [source.get("data") or {}, source.get("binaryData") or {}]
    return hashlib.sha256(msgspec.json.encode(held, order="sorted")).hexdigest()[:16]


def plan(resource: str, obj: Object, sources: Mapping[Source, Object]) -> list[Action]:
    """Note what a workload sees for the first time, and roll it for what changed since.

    `sources` are those of the ConfigMaps and Secrets it asks for that exist.
    """
    if is_deleting(obj):
        return _again(obj) if resource == PODS else []
    wanted, known = asked(obj), _known(obj)
    now = {
        f"{kind}/{name}": hashed(source)
        for (kind, name), source in sources.items()
        if _counts(source, only_matches=wanted[kind, name])
    }
    names = {f"{kind}/{name}" for kind, name in wanted}
    seen = {**{key: value for key, value in known.items() if key in names}, **now}
    changed = sorted(key for key, value in now.items() if known.get(key, value) != value)
    if changed:
        return [*_roll(resource, obj, seen, changed), _told(resource, obj, changed)]
    return [] if seen == known else [Update(resource, _noting(obj, seen))]


def _counts(source: Object, *, only_matches: bool) -> bool:
    given = annotations_of(source)
    if given.get(f"{_RELOADER}/ignore") == "true":
        return False
    return not only_matches or given.get(f"{_RELOADER}/match") == "true"


def _known(obj: Object) -> dict[str, str]:
    try:
        return msgspec.json.decode(annotations_of(obj).get(SEEN, "{}"), type=dict[str, str])
    except msgspec.DecodeError:
        return {}  # somebody's own; what is there now is seen for the first time


def _noting(obj: Object, seen: Mapping[str, str]) -> Object:
    annotations = {key: value for key, value in annotations_of(obj).items() if key != SEEN}
    if seen:
        annotations[SEEN] = msgspec.json.encode(seen, order="sorted").decode()
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}


def _roll(
    resource: str, obj: Object, seen: Mapping[str, str], changed: Iterable[str]
) -> list[Action]:
    if resource == PODS:
        if controller_of(obj) is not None:
            return [Delete(PODS, obj)]
        finalizers = [*(obj["metadata"].get("finalizers") or ()), HELD]
        held = {**obj, "metadata": {**obj["metadata"], "finalizers": finalizers}}
        return [*([] if HELD in finalizers[:-1] else [Update(PODS, held)]), Delete(PODS, obj)]
    template = obj["spec"]["template"]
    reason = ",".join(f"{key}@{seen[key]}" for key in changed)
    metadata = template.get("metadata") or {}
    annotations = {**(metadata.get("annotations") or {}), RELOADED: reason}
    rolled = {**template, "metadata": {**metadata, "annotations": annotations}}
    return [Update(resource, _noting({**obj, "spec": {**obj["spec"], "template": rolled}}, seen))]


def _told(resource: str, obj: Object, changed: Iterable[str]) -> Tell:
    kind = "pod" if resource == PODS else resource.partition(".")[0].removesuffix("s")
    words = f"Changes detected in {', '.join(changed)}: {kind} {name_of(obj)} is rolled"
    return Tell(obj, "Normal", "Reloaded", words)


def _again(pod: Object) -> list[Action]:
    """A pod that was deleted to be made again, and has ended."""
    finalizers = pod["metadata"].get("finalizers") or ()
    if HELD not in finalizers or pod["metadata"].get("deletionGracePeriodSeconds") != 0:
        return []
    left = [each for each in finalizers if each != HELD]
    let_go = {**pod, "metadata": {**pod["metadata"], "finalizers": left}}
    return [Update(PODS, let_go), Create(PODS, _successor(pod, left))]


def _successor(pod: Object, finalizers: list[str]) -> Object:
    metadata: dict[str, Any] = {
        "name": name_of(pod),
        "namespace": namespace_of(pod),
        "labels": labels_of(pod),
        "annotations": {key: v for key, v in annotations_of(pod).items() if key != SEEN},
    }
    if finalizers:
        metadata["finalizers"] = finalizers
    dropped = ("nodeName", "ephemeralContainers")
    spec = {key: value for key, value in pod["spec"].items() if key not in dropped}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _groups(obj: Object) -> Iterable[tuple[str, str, str]]:
    """The sources that an object asks for."""
    return [(namespace_of(obj), *source) for source in asked(obj)]


Key = tuple[str, str, str]
"""(resource, namespace, name)."""


class ReloadController:
    """Looks at workloads and pods that ask for reloads, whenever what they use changes."""

    resources = (*_WORKLOADS, PODS, CONFIG_MAPS, SECRETS)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._users = Index(context.client, _groups)

    def observe(self, change: Change) -> Iterable[Key]:
        """The workload itself, or all that ask for a ConfigMap or Secret."""
        if change.resource in _SOURCES:
            kind, source = _SOURCES[change.resource], change.object
            group = (namespace_of(source), kind, name_of(source))
            return [entry for entry, _ in self._users.entries(group)]
        self._users.observe(change)
        obj = change.new
        if obj is None or (not _groups(obj) and SEEN not in annotations_of(obj)):
            return ()
        return [(change.resource, *key_of(obj))]

    async def sync(self, key: Key) -> float | None:
        """See to one of them."""
        obj = self._client.get(*key)
        if obj is None or (key[0] == PODS and not self._own(obj)):
            return None
        names = {kind: resource for resource, kind in _SOURCES.items()}
        found = {
            (kind, name): self._client.get(names[kind], namespace_of(obj), name)
            for kind, name in asked(obj)
        }
        there = {source: held for source, held in found.items() if held is not None}
        await execute(self._client, self._recorder, plan(key[0], obj, there))
        return None

    def _own(self, pod: Object) -> bool:
        """Whether a pod is rolled by itself: no workload does it by its template."""
        owner = controller_of(pod)
        if owner is None:
            return True
        if owner["kind"] not in _REPLACED:
            return False
        above = self._client.get(REPLICA_SETS, namespace_of(pod), owner["name"])
        return above is None or controller_of(above) is None

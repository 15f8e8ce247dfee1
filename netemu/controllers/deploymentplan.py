"""What a Deployment needs next: one ReplicaSet per pod template, and pods moved between them.

A plan is one step of upstream's sync (pkg/controller/deployment/sync.go): claim ReplicaSets, give
the newest its revision, create or resize, clean up, write the status. Steps follow each other
because each one's writes make the Deployment due again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from netemu.controllers import deploymentstatus, podtemplate, rollout
from netemu.controllers.actions import Action, Create, Delete, Tell, Update, WriteStatus
from netemu.controllers.claims import adopted, claim, spec_selector, without_owner
from netemu.controllers.pods import has_ended
from netemu.controllers.rollout import Deployment, ReplicaSet, Strategy
from netemu.model import resources
from netemu.model.meta import (
    Object,
    annotations_of,
    controller_of,
    is_deleting,
    namespace_of,
    owner_reference,
    uid_of,
)

_NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
        rollout.REVISION,
        rollout.REVISION_HISTORY,
        rollout.DESIRED_REPLICAS,
        rollout.MAX_REPLICAS,
    }
)
"""Annotations of a Deployment that its ReplicaSets don't get."""

_HISTORY_LIMIT = 2000
"""Characters of the revision-history annotation (upstream: maxRevHistoryLengthInChars)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a plan is made from."""

    deployment: Object
    sets: Sequence[Object]
    """The namespace's ReplicaSets that it owns or might adopt."""
    pods: Sequence[Object] = ()
    """Pods of those ReplicaSets; only Recreate looks at them."""
    taken: frozenset[str] = frozenset()
    """Names of all ReplicaSets in the namespace."""
    now: float


def plan(seen: Observed) -> list[Action]:
    """The next step."""
    obj = seen.deployment
    claims = claim(obj, spec_selector(obj), seen.sets)
    if claims.adopt or claims.release:
        adopt = [adopted(item, obj, "apps/v1", "Deployment") for item in claims.adopt]
        release = [without_owner(item, uid_of(obj)) for item in claims.release]
        return [Update(resources.REPLICA_SETS, item) for item in (*adopt, *release)]
    deployment = rollout.deployment_from(obj)
    new, old = _split(deployment, [rollout.replica_set_from(item) for item in claims.mine])
    return _Step(seen, deployment, new, old).actions()


def _split(
    deployment: Deployment, sets: Iterable[ReplicaSet]
) -> tuple[ReplicaSet | None, list[ReplicaSet]]:
    """The ReplicaSet of the current template (the oldest, should there be two) and the others."""
    template = podtemplate.without_hash(deployment.obj["spec"]["template"])
    new: ReplicaSet | None = None
    old = []
    for item in rollout.oldest_first(sets):
        if new is None and podtemplate.without_hash(item.obj["spec"]["template"]) == template:
            new = item
        else:
            old.append(item)
    return new, old


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of a Deployment, its ReplicaSets sorted out."""

    seen: Observed
    deployment: Deployment
    new: ReplicaSet | None
    old: Sequence[ReplicaSet]

    def actions(self) -> list[Action]:
        deployment, every = self.deployment, [*self.old, *([self.new] if self.new else [])]
        if is_deleting(deployment.obj):
            return self._writes(self.new, {}, rolling=False)
        if deployment.paused or rollout.is_scaling(deployment, every):
            sizes = rollout.scale(deployment, self.new, self.old)
            return self._writes(self.new, sizes, rolling=False, scaling=True)
        if deployment.strategy is Strategy.RECREATE:
            return self._recreate()
        new = self.new or self._created()
        if new is None:
            return self._collision()
        return self._writes(new, rollout.roll(deployment, new, self.old), rolling=True)

    def _recreate(self) -> list[Action]:
        running = rollout.active(self.old)
        if running:
            return self._writes(self.new, {item.uid: 0 for item in running}, rolling=True)
        if self._old_pods_run():
            return self._writes(self.new, {}, rolling=True)
        new = self.new or self._created()
        if new is None:
            return self._collision()
        return self._writes(new, {new.uid: self.deployment.replicas}, rolling=True)

    def _old_pods_run(self) -> bool:
        """Pods of two templates never coexist, so even a terminating one is waited for."""
        if any(item.replicas for item in self.old):
            return True
        mine = self.new.uid if self.new else ""
        for pod in self.seen.pods:
            owner = controller_of(pod)
            if owner is not None and owner["uid"] != mine and not has_ended(pod):
                return True
        return False

    def _created(self) -> ReplicaSet | None:
        """The new ReplicaSet, not stored yet; None when another one has its name."""
        deployment, spec = self.deployment, self.deployment.obj["spec"]
        collisions = (deployment.obj.get("status") or {}).get("collisionCount")
        number = podtemplate.template_hash(spec["template"], collisions)
        name = f"{deployment.name}-{number}"
        if name in self.seen.taken:
            return None
        template: Object = spec["template"]
        wanted: Object = spec.get("selector") or {}
        metadata: Object = template.get("metadata") or {}
        labels: Object = {**(metadata.get("labels") or {}), podtemplate.HASH_LABEL: number}
        matched: Object = {**(wanted.get("matchLabels") or {}), podtemplate.HASH_LABEL: number}
        obj: Object = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": name,
                "namespace": namespace_of(deployment.obj),
                "labels": labels,
                "ownerReferences": [owner_reference(deployment.obj, "apps/v1", "Deployment")],
            },
            "spec": {
                **_min_ready(deployment),
                "selector": {**wanted, "matchLabels": matched},
                "template": {**template, "metadata": {**metadata, "labels": labels}},
            },
        }
        empty = ReplicaSet(obj=obj, uid="", name=name, size=0)
        size = rollout.new_size(deployment, empty, self.old)
        return replace(empty, obj={**obj, "spec": {**obj["spec"], "replicas": size}}, size=size)

    def _collision(self) -> list[Action]:
        """Another template (or somebody else's ReplicaSet) has the name: count, hash again."""
        status = self.deployment.obj.get("status") or {}
        count = int(status.get("collisionCount") or 0) + 1
        return [
            WriteStatus(
                resources.DEPLOYMENTS, self.deployment.obj, {**status, "collisionCount": count}
            )
        ]

    def _writes(
        self,
        new: ReplicaSet | None,
        sizes: rollout.Sizes,
        *,
        rolling: bool,
        scaling: bool = False,
    ) -> list[Action]:
        """Everything that a step writes, once the sizes are known."""
        done: list[Action] = []
        revision: dict[str, str] = {}
        after = []
        for item in self.old:
            size = sizes.get(item.uid, item.size)
            done += self._resized(item, item.obj, size, scaling)
            after.append(replace(item, size=size))
        if new is not None:
            size = sizes.get(new.uid, new.size)
            wanted = self._annotated(new)
            done += self._resized(new, wanted, size, scaling) if new.uid else self._stored(wanted)
            revision = self._revision(wanted)
            new = replace(new, size=size)
            after.append(new)
        if self.deployment.paused or self._was_complete(rolling):
            done += [
                Delete(resources.REPLICA_SETS, item.obj)
                for item in rollout.superfluous(self.deployment, self.old)
            ]
        return done + self._status(new, after, rolling, revision)

    def _was_complete(self, rolling: bool) -> bool:
        status = self.deployment.obj.get("status") or {}
        return rolling and deploymentstatus.is_complete(self.deployment, status)

    def _annotated(self, new: ReplicaSet) -> Object:
        """The newest ReplicaSet with its revision and what it has from the Deployment."""
        given = annotations_of(self.deployment.obj).items()
        copied = {key: value for key, value in given if key not in _NOT_COPIED}
        annotations = {**annotations_of(new.obj), **copied}
        revision = max((item.revision for item in self.old), default=0) + 1
        if new.revision < revision:
            if rollout.REVISION in annotations:
                annotations[rollout.REVISION_HISTORY] = _history(annotations)
            annotations[rollout.REVISION] = str(revision)
        spec = {key: item for key, item in new.obj["spec"].items() if key != "minReadySeconds"}
        return {
            **new.obj,
            "metadata": {**new.obj["metadata"], "annotations": annotations},
            "spec": {**spec, **_min_ready(self.deployment)},
        }

    def _scaled(self, obj: Object, size: int) -> Object:
        """`obj` with that size, and noted for which size of the Deployment it was chosen."""
        deployment = self.deployment
        annotations = {
            **annotations_of(obj),
            rollout.DESIRED_REPLICAS: str(deployment.replicas),
            rollout.MAX_REPLICAS: str(deployment.replicas + deployment.surge),
        }
        return {
            **obj,
            "metadata": {**obj["metadata"], "annotations": annotations},
            "spec": {**obj["spec"], "replicas": size},
        }

    def _resized(
        self, item: ReplicaSet, wanted: Object, size: int, scaling: bool
    ) -> Iterable[Action]:
        if size != item.size or (scaling and size > 0):
            wanted = self._scaled(wanted, size)
        if wanted is item.obj or podtemplate.normal(wanted) == podtemplate.normal(item.obj):
            return
        yield Update(resources.REPLICA_SETS, wanted)
        if size != item.size:
            yield self._told(item.name, item.size, size)

    def _stored(self, wanted: Object) -> Iterable[Action]:
        size = wanted["spec"]["replicas"]
        obj = self._scaled(wanted, size)
        yield Create(resources.REPLICA_SETS, obj)
        if size:
            yield self._told(obj["metadata"]["name"], 0, size)

    def _told(self, name: str, before: int, after: int) -> Tell:
        way = "up" if after > before else "down"
        message = f"Scaled {way} replica set {name} from {before} to {after}"
        return Tell(self.deployment.obj, "Normal", "ScalingReplicaSet", message)

    def _revision(self, newest: Object) -> dict[str, str]:
        """The annotation to set; it comes with the status, so it counts no generation."""
        revision = annotations_of(newest)[rollout.REVISION]
        if annotations_of(self.deployment.obj).get(rollout.REVISION) == revision:
            return {}
        return {rollout.REVISION: revision}

    def _status(
        self,
        new: ReplicaSet | None,
        every: Sequence[ReplicaSet],
        rolling: bool,
        revision: dict[str, str],
    ) -> list[Action]:
        deployment, now = self.deployment, self.seen.now
        before = deployment.obj.get("status") or {}
        status = deploymentstatus.counts(deployment, new, every)
        conditions: deploymentstatus.Conditions = before.get("conditions") or ()
        if not is_deleting(deployment.obj):
            conditions = deploymentstatus.with_pause(deployment, conditions, now)
        conditions = deploymentstatus.with_new(deployment, conditions, new, now)
        conditions = deploymentstatus.with_availability(deployment, conditions, status, now)
        if rolling:
            conditions = deploymentstatus.with_progress(deployment, conditions, status, new, now)
            conditions = deploymentstatus.with_failures(conditions, new, every)
        status["conditions"] = [*conditions]
        if status == before and not revision:
            return []
        return [WriteStatus(resources.DEPLOYMENTS, deployment.obj, status, revision)]


def _min_ready(deployment: Deployment) -> Object:
    seconds = deployment.min_ready_seconds
    return {"minReadySeconds": seconds} if seconds else {}


def _history(annotations: dict[str, str]) -> str:
    """The revisions a ReplicaSet has had, the oldest dropped when there are too many."""
    before = annotations.get(rollout.REVISION_HISTORY)
    revisions = [*(before.split(",") if before else ()), annotations[rollout.REVISION]]
    while len(",".join(revisions)) > _HISTORY_LIMIT:
        del revisions[0]
    return ",".join(revisions)

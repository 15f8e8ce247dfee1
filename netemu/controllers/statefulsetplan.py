"""What a StatefulSet needs next (pkg/controller/statefulset/stateful_set_control.go).

Pods come in the order of their numbers and go in reverse. With OrderedReady nothing is done beyond
the first pod that is not ready, available or gone yet; with Parallel only rolling updates wait. A
pod is never made while another one has its name, whatever became of that one's node.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from netemu.controllers import revisions
from netemu.controllers.actions import Action, Create, Delete, Tell, Update, WriteStatus
from netemu.controllers.claims import adopted, claim, spec_selector, without_owner
from netemu.controllers.pods import available_in, has_ended, is_ready, phase_of
from netemu.controllers.revisions import Revised
from netemu.controllers.statefulpods import (
    claim_names,
    identified,
    is_member,
    new_claims,
    new_pod,
    ordinal_of,
    owned_claim,
    revision_of,
)
from netemu.controllers.statefulsetstatus import status_of
from netemu.controllers.statefulspec import StatefulSet, Strategy, stateful_set_from
from netemu.model import resources
from netemu.model.meta import Object, is_deleting, name_of, namespace_of, uid_of


class Observed(Struct, frozen=True, kw_only=True):
    """What a plan is made from."""

    stateful_set: Object
    pods: Sequence[Object]
    """The namespace's pods that it owns or might adopt."""
    revisions: Sequence[Object]
    """The namespace's ControllerRevisions that it owns or might adopt."""
    claims: Mapping[str, Object]
    """The claims of its pods, by name."""
    taken: frozenset[str] = frozenset()
    """Names of all ControllerRevisions in the namespace."""
    resting: frozenset[str] = frozenset()
    """Names of pods that went only a moment ago and are not used again yet."""
    now: float


def plan(seen: Observed) -> list[Action]:
    """The next step."""
    obj = seen.stateful_set
    claimed = _claimed(seen)
    if claimed:
        return claimed
    mine = [pod for pod in seen.pods if _owned(pod, obj)]
    owned = [item for item in seen.revisions if _owned(item, obj)]
    revised = revisions.revise(obj, "StatefulSet", owned, seen.taken)
    if revised.update is None:
        before = obj.get("status") or {}
        count = int(before.get("collisionCount") or 0) + 1
        status = {"replicas": 0, **before, "collisionCount": count}
        return [WriteStatus(resources.STATEFUL_SETS, obj, status)]
    current = _current(obj, revised)
    step = _Step(seen, stateful_set_from(obj), sorted(mine, key=ordinal_of), revised, current)
    return [*revised.actions, *step.actions()]


def _owned(obj: Object, owner: Object) -> bool:
    references = obj["metadata"].get("ownerReferences") or ()
    return any(item.get("controller") and item["uid"] == uid_of(owner) for item in references)


def _claimed(seen: Observed) -> list[Action]:
    """Adopt what matches and belongs to nobody, let go what matches no more."""
    obj = seen.stateful_set
    wanted = spec_selector(obj)
    members = [pod for pod in seen.pods if is_member(obj, pod)]
    done: list[Action] = []
    for resource, candidates in (
        (resources.PODS, members),
        (resources.CONTROLLER_REVISIONS, seen.revisions),
    ):
        found = claim(obj, wanted, candidates)
        done += [
            Update(resource, adopted(item, obj, "apps/v1", "StatefulSet")) for item in found.adopt
        ]
        if resource == resources.PODS:
            done += [Update(resource, without_owner(item, uid_of(obj))) for item in found.release]
    return done


def _current(obj: Object, revised: Revised) -> Object:
    """The revision that pods had before the current template came; that one if none is known."""
    name = (obj.get("status") or {}).get("currentRevision")
    assert revised.update is not None
    found = (item for item in revised.ordered if name_of(item) == name)
    return next(found, revised.update)


class _Step(Struct, frozen=True):
    """One step of a StatefulSet, its pods in order and its revisions known."""

    seen: Observed
    set: StatefulSet
    pods: Sequence[Object]
    revised: Revised
    current: Object

    def actions(self) -> list[Action]:
        status = self._status()
        if is_deleting(self.set.obj):
            return status
        done: list[Action] = [*self._owners()]
        if self._bring_up(done) and self._take_down(done):
            done += self._update()
        live = {name_of(self.current), self._update_name}
        done += revisions.superfluous(self.revised, self.pods, self.set.history_limit, live)
        return done + status

    @property
    def _update_name(self) -> str:
        assert self.revised.update is not None
        return name_of(self.revised.update)

    def _status(self) -> list[Action]:
        status = status_of(
            self.set.obj,
            self.pods,
            current=name_of(self.current),
            update=self._update_name,
            rolling=self.set.strategy is Strategy.ROLLING_UPDATE,
            now=self.seen.now,
        )
        if status == self.set.obj.get("status"):
            return []
        return [WriteStatus(resources.STATEFUL_SETS, self.set.obj, status)]

    def _owners(self) -> Iterator[Action]:
        """Claims belong to whom the retention policy says; before any pod is deleted."""
        by_number = {ordinal_of(pod): pod for pod in self.pods}
        for ordinal, pod in by_number.items():
            condemned = not self.set.wants(ordinal)
            for name in claim_names(self.set.obj, ordinal).values():
                found = self.seen.claims.get(name)
                if found is None:
                    continue
                wanted = owned_claim(
                    self.set.obj, self.set.retention, found, pod, condemned=condemned
                )
                if wanted is not found:
                    yield Update(resources.PERSISTENT_VOLUME_CLAIMS, wanted)

    def _bring_up(self, done: list[Action]) -> bool:
        """Make what is missing, in order; whether the step may go on."""
        by_number = {ordinal_of(pod): pod for pod in self.pods}
        for ordinal in range(self.set.start, self.set.start + self.set.replicas):
            if not self._bring_up_one(ordinal, by_number.get(ordinal), done):
                return False
        return True

    def _bring_up_one(self, ordinal: int, pod: Object | None, done: list[Action]) -> bool:
        if pod is None:
            done += self._created(ordinal)
            return not self.set.ordered
        if is_deleting(pod):
            return not self.set.ordered
        if has_ended(pod):
            done += self._recreated(pod)
            return not self.set.ordered
        if phase_of(pod) == "Pending":
            done += self._missing_claims(ordinal, name_of(pod))
        if self.set.ordered and not self._is_available(pod):
            return False
        wanted = identified(pod)
        if wanted is not pod:
            done += [Update(resources.PODS, wanted), self._told("update", wanted)]
        return True

    def _is_healthy(self, pod: Object) -> bool:
        return phase_of(pod) == "Running" and is_ready(pod) and not is_deleting(pod)

    def _is_available(self, pod: Object) -> bool:
        pause = self.set.min_ready_seconds
        return self._is_healthy(pod) and available_in(pod, pause, self.seen.now) == 0

    def _created(self, ordinal: int) -> Iterator[Action]:
        """A pod and the claims it needs; while an old claim of that name goes, nothing."""
        names = claim_names(self.set.obj, ordinal).values()
        if any(n in self.seen.claims and is_deleting(self.seen.claims[n]) for n in names):
            return
        name = f"{self.set.name}-{ordinal}"
        if name in self.seen.resting:
            return
        yield from self._missing_claims(ordinal, name)
        revision = self._revision_for(ordinal)
        template = revisions.template_of(revision)
        pod = new_pod(self.set.obj, template, name_of(revision), ordinal)
        yield Create(resources.PODS, pod)
        yield self._told("create", pod)

    def _revision_for(self, ordinal: int) -> Object:
        """Below the partition pods come back at the revision they had."""
        assert self.revised.update is not None
        kept = self.set.strategy is Strategy.ROLLING_UPDATE
        if kept and ordinal < self.set.start + self.set.partition:
            return self.current
        return self.revised.update

    def _missing_claims(self, ordinal: int, pod: str) -> Iterator[Action]:
        for made in new_claims(self.set.obj, ordinal):
            if name_of(made) in self.seen.claims:
                continue
            if self.set.retention.deleted:
                made = owned_claim(self.set.obj, self.set.retention, made, None, condemned=False)
            yield Create(resources.PERSISTENT_VOLUME_CLAIMS, made)
            message = (
                f"create Claim {name_of(made)} Pod {pod} in StatefulSet {self.set.name} success"
            )
            yield Tell(self.set.obj, "Normal", "SuccessfulCreate", message)

    def _recreated(self, pod: Object) -> Iterator[Action]:
        """Make room for a pod that has ended; the next step makes it anew."""
        place = f"{namespace_of(pod)}/{self.set.name}"
        if phase_of(pod) == "Failed":
            message = f"StatefulSet {place} is recreating failed Pod {name_of(pod)}"
            yield Tell(self.set.obj, "Warning", "RecreatingFailedPod", message)
        else:
            message = f"StatefulSet {place} is recreating terminated Pod {name_of(pod)}"
            yield Tell(self.set.obj, "Normal", "RecreatingTerminatedPod", message)
        yield from self._deleted(pod)

    def _deleted(self, pod: Object) -> Iterator[Action]:
        yield Delete(resources.PODS, pod)
        yield self._told("delete", pod)

    def _told(self, verb: str, pod: Object) -> Tell:
        message = f"{verb} Pod {name_of(pod)} in StatefulSet {self.set.name} successful"
        return Tell(self.set.obj, "Normal", f"Successful{verb.capitalize()}", message)

    def _take_down(self, done: list[Action]) -> bool:
        """Delete what is too much, the highest number first; whether the step may go on."""
        condemned = [pod for pod in self.pods if not self.set.wants(ordinal_of(pod))]
        unhealthy = next((pod for pod in condemned if not self._is_healthy(pod)), None)
        for pod in reversed(condemned):
            if is_deleting(pod):
                if self.set.ordered:
                    return False
                continue
            if self.set.ordered and not self._is_available(pod) and pod is not unhealthy:
                return False
            done += self._deleted(pod)
            if self.set.ordered:
                return False
        return True

    def _update(self) -> list[Action]:
        """Delete pods of old templates, as many as may be down, the highest number first."""
        if self.set.strategy is Strategy.ON_DELETE:
            return []
        wanted = [pod for pod in reversed(self.pods) if self.set.wants(ordinal_of(pod))]
        if self.set.unavailable > 1:
            return self._update_many(wanted)
        for pod in wanted:
            if ordinal_of(pod) < self.set.start + self.set.partition:
                break
            if self._is_outdated(pod):
                return [*self._deleted(pod)]
            if not self._is_available(pod):
                break
        return []

    def _is_outdated(self, pod: Object) -> bool:
        return revision_of(pod) != self._update_name and not is_deleting(pod)

    def _update_many(self, wanted: Sequence[Object]) -> list[Action]:
        down = sum(not self._is_available(pod) for pod in wanted)
        down += self.set.replicas - len(wanted)
        targets = [
            pod
            for pod in wanted
            if ordinal_of(pod) >= self.set.start + self.set.partition and self._is_outdated(pod)
        ]
        chosen = targets[: max(0, self.set.unavailable - down)]
        return [action for pod in chosen for action in self._deleted(pod)]

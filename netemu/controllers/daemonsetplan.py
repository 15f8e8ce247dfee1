"""What a DaemonSet needs next: one pod on each node that is meant to have one.

The order of steps is upstream's (pkg/controller/daemon): pods where they belong, then the update,
then the history, then the status. A rolling update either takes old pods away as far as so many may
be missing, or first puts new ones beside them (surge), never both.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from netemu.controllers import revisions
from netemu.controllers.actions import Action, Create, Delete, Tell, Update, WriteStatus
from netemu.controllers.claims import adopted, claim, spec_selector, without_owner
from netemu.controllers.daemonpods import Fit, fit, new_pod, node_of
from netemu.controllers.pods import available_in, created_at, has_ended, is_ready, phase_of
from netemu.controllers.revisions import HASH_LABEL, Revised
from netemu.model import resources
from netemu.model.meta import (
    Object,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)

BURST = 250
"""Pods made or deleted in one turn at most (upstream: BurstReplicas)."""


class Observed(Struct, frozen=True, kw_only=True):
    """What a plan is made from."""

    daemon_set: Object
    pods: Sequence[Object]
    """The namespace's pods that it owns or might adopt."""
    nodes: Sequence[Object]
    revisions: Sequence[Object]
    """The namespace's ControllerRevisions that it owns or might adopt."""
    taken: frozenset[str] = frozenset()
    """Names of all ControllerRevisions in the namespace."""
    held_back: frozenset[str] = frozenset()
    """Nodes on which a failed pod stays for now: the one before it failed a moment ago."""
    now: float


def plan(seen: Observed) -> list[Action]:
    """The next step."""
    obj = seen.daemon_set
    claimed = _claimed(seen)
    if claimed:
        return claimed
    owned = [item for item in seen.revisions if _owned(item, obj)]
    number = revisions.revise(obj, "DaemonSet", owned, seen.taken, HASH_LABEL)
    if number.update is None:
        status = obj.get("status") or {}
        count = int(status.get("collisionCount") or 0) + 1
        return [WriteStatus(resources.DAEMON_SETS, obj, {**status, "collisionCount": count})]
    step = _Step(seen, number, [pod for pod in seen.pods if _owned(pod, obj)])
    return [*number.actions, *step.actions()]


def _owned(obj: Object, owner: Object) -> bool:
    references = obj["metadata"].get("ownerReferences") or ()
    return any(item.get("controller") and item["uid"] == uid_of(owner) for item in references)


def _claimed(seen: Observed) -> list[Action]:
    """Adopt what matches and belongs to nobody, let go what matches no more."""
    obj = seen.daemon_set
    wanted = spec_selector(obj)
    done: list[Action] = []
    for resource, candidates in (
        (resources.PODS, seen.pods),
        (resources.CONTROLLER_REVISIONS, seen.revisions),
    ):
        found = claim(obj, wanted, candidates)
        done += [Update(resource, adopted(i, obj, "apps/v1", "DaemonSet")) for i in found.adopt]
        done += [Update(resource, without_owner(i, uid_of(obj))) for i in found.release]
    return done


class _Step(Struct, frozen=True):
    """One step of a DaemonSet, its pods and its revision known."""

    seen: Observed
    revised: Revised
    pods: Sequence[Object]

    @property
    def _obj(self) -> Object:
        return self.seen.daemon_set

    @property
    def _pause(self) -> int:
        return int(self._obj["spec"].get("minReadySeconds") or 0)

    def actions(self) -> list[Action]:
        by_node: defaultdict[str, list[Object]] = defaultdict(list)
        for pod in self.pods:
            by_node[node_of(pod)].append(pod)
        spec = self._obj["spec"]["template"]["spec"]
        fits = {name_of(node): fit(spec, node) for node in self.seen.nodes}
        status = self._status(by_node, fits)
        if is_deleting(self._obj):
            return status
        done = [*self._placed(by_node, fits)]
        if not done and self._strategy.get("type") != "OnDelete":
            done = self._rolled(by_node, fits)
        return [*done[: 2 * BURST], *self._history(), *status]

    @property
    def _strategy(self) -> Object:
        found: Object = self._obj["spec"].get("updateStrategy") or {}
        return found

    def _history(self) -> list[Action]:
        limit = int(self._obj["spec"].get("revisionHistoryLimit", 10))
        assert self.revised.update is not None
        return revisions.superfluous(self.revised, self.pods, limit, {name_of(self.revised.update)})

    def _is_new(self, pod: Object) -> bool:
        return labels_of(pod).get(HASH_LABEL) == self.revised.number

    def _is_available(self, pod: Object) -> bool:
        return available_in(pod, self._pause, self.seen.now) == 0 and not is_deleting(pod)

    def _created(self, node: str) -> Iterator[Action]:
        template = self._obj["spec"]["template"]
        yield Create(resources.PODS, new_pod(self._obj, template, self.revised.number, node))

    def _placed(
        self, by_node: Mapping[str, Sequence[Object]], fits: Mapping[str, Fit]
    ) -> Iterator[Action]:
        """Pods on nodes that miss one; none where none belongs, nor two."""
        for node, its in fits.items():
            pods = by_node.get(node, ())
            if its.runs and not pods:
                yield from self._created(node)
            elif not its.stays:
                yield from _deleted(pod for pod in pods if not is_deleting(pod))
            else:
                yield from self._continued(node, its, pods)
        for node, pods in by_node.items():
            if node and node not in fits:  # the node is gone; a pod that waits for it never starts
                waiting = (p for p in pods if not p["spec"].get("nodeName") and not is_deleting(p))
                yield from _deleted(waiting)

    def _continued(self, node: str, its: Fit, pods: Sequence[Object]) -> Iterator[Action]:
        alive = [pod for pod in pods if not is_deleting(pod)]
        for pod in alive:
            held = phase_of(pod) == "Failed" and node in self.seen.held_back
            if has_ended(pod) and not held:
                yield self._told_end(pod, node)
                yield from _deleted([pod])
        running = [pod for pod in alive if not has_ended(pod)]
        old = [pod for pod in running if not self._is_new(pod)]
        new = [pod for pod in running if self._is_new(pod)]
        surge = self._surge(len(self.seen.nodes)) > 0
        # With a surge there may be one of each, the old one for as long as the new isn't available.
        groups = (old, new) if surge else (running,)
        for group in groups:
            yield from _deleted(sorted(group, key=_oldest_first)[1:])
        if surge and old and any(self._is_available(pod) for pod in new):
            yield from _deleted(old[:1])

    def _told_end(self, pod: Object, node: str) -> Tell:
        place = f"{namespace_of(pod)}/{name_of(pod)} on node {node}"
        if phase_of(pod) == "Failed":
            message = f"Found failed daemon pod {place}, will try to kill it"
            return Tell(self._obj, "Warning", "FailedDaemonPod", message)
        message = f"Found succeeded daemon pod {place}, will try to delete it"
        return Tell(self._obj, "Normal", "SucceededDaemonPod", message)

    def _surge(self, wanted: int) -> int:
        rolling = self._strategy.get("rollingUpdate") or {}
        return _share(rolling.get("maxSurge", 0), wanted)

    def _unavailable(self, wanted: int) -> int:
        rolling = self._strategy.get("rollingUpdate") or {}
        return _share(rolling.get("maxUnavailable", 1), wanted)

    def _rolled(
        self, by_node: Mapping[str, Sequence[Object]], fits: Mapping[str, Fit]
    ) -> list[Action]:
        """The next pods of the new template: in place of old ones, or beside them."""
        wanted = [node for node, its in fits.items() if its.runs]
        surge = self._surge(len(wanted))
        if surge:
            return self._surged(wanted, by_node, surge)
        return self._replaced(wanted, by_node, self._unavailable(len(wanted)))

    def _replaced(
        self, wanted: Sequence[str], by_node: Mapping[str, Sequence[Object]], most: int
    ) -> list[Action]:
        """Old pods that aren't available go at once; of the others as many as may be missing."""
        missing, broken, candidates = 0, list[Object](), list[Object]()
        for node in wanted:
            pods = by_node.get(node, ())
            available = [pod for pod in pods if self._is_available(pod)]
            old = [pod for pod in pods if not self._is_new(pod) and not is_deleting(pod)]
            missing += not available
            broken += [pod for pod in old if not self._is_available(pod)]
            candidates += [pod for pod in old if self._is_available(pod)]
        return [*_deleted(broken), *_deleted(candidates[: max(0, most - missing)])]

    def _surged(
        self, wanted: Sequence[str], by_node: Mapping[str, Sequence[Object]], most: int
    ) -> list[Action]:
        """New pods beside old ones that serve; in place of old ones that don't, without a limit."""
        surging, broken, candidates = 0, list[Object](), list[str]()
        for node in wanted:
            alive = [pod for pod in by_node.get(node, ()) if not is_deleting(pod)]
            old = [pod for pod in alive if not self._is_new(pod)]
            new = [pod for pod in alive if self._is_new(pod)]
            if not old:
                continue
            if new:
                surging += 1
            elif self._is_available(old[0]):
                candidates.append(node)
            else:
                broken.append(old[0])
        chosen = candidates[: max(0, most - surging)]
        return [*_deleted(broken), *(a for node in chosen for a in self._created(node))]

    def _status(
        self, by_node: Mapping[str, Sequence[Object]], fits: Mapping[str, Fit]
    ) -> list[Action]:
        before = self._obj.get("status") or {}
        desired = current = ready = available = updated = misplaced = 0
        for node, its in fits.items():
            pods = sorted(
                (pod for pod in by_node.get(node, ()) if not has_ended(pod)), key=_oldest_first
            )
            if not its.runs:
                misplaced += bool(pods)
                continue
            desired += 1
            current += bool(pods)
            ready += any(is_ready(pod) for pod in pods)
            available += any(self._is_available(pod) for pod in pods)
            updated += any(self._is_new(pod) for pod in pods)
        numbers = {
            "updatedNumberScheduled": updated,
            "numberAvailable": available,
            "numberUnavailable": desired - available,
        }
        status = {
            "currentNumberScheduled": current,
            "numberMisscheduled": misplaced,
            "desiredNumberScheduled": desired,
            "numberReady": ready,
            "observedGeneration": int(self._obj["metadata"].get("generation") or 0),
            **{key: number for key, number in numbers.items() if number},
        }
        for key in ("collisionCount", "conditions"):
            if before.get(key):
                status[key] = before[key]
        if status == before:
            return []
        return [WriteStatus(resources.DAEMON_SETS, self._obj, status)]


def _deleted(pods: Iterator[Object] | Sequence[Object]) -> Iterator[Action]:
    for pod in pods:
        yield Delete(resources.PODS, pod)


def _oldest_first(pod: Object) -> tuple[bool, bool, float, str]:
    """Of pods that double each other the scheduled, ready, older one stays."""
    return not pod["spec"].get("nodeName"), not is_ready(pod), created_at(pod), name_of(pod)


def _share(wish: int | str, total: int) -> int:
    """A number, or a share of the nodes rounded up."""
    if isinstance(wish, str):
        return math.ceil(int(wish.rstrip("%")) * total / 100)
    return wish

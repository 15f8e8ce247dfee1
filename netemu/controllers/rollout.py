"""The arithmetic of a Deployment: how many replicas each of its ReplicaSets should have.

Pure numbers in, sizes out, in upstream's order of steps (pkg/controller/deployment): a step that
changes a size is the only one of its turn, and the ReplicaSets' own changes bring the next turn.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from netemu.controllers.pods import created_at
from netemu.model.meta import Object, annotations_of, is_deleting, name_of, uid_of

REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"

UNLIMITED = 2**31 - 1
"""A deadline or history limit of this size means none (upstream: math.MaxInt32)."""

Sizes = Mapping[str, int]
"""Wanted replicas by ReplicaSet uid; a ReplicaSet that isn't named keeps its size."""


class Strategy(StrEnum):
    """How old pods give way to new ones."""

    ROLLING_UPDATE = "RollingUpdate"
    RECREATE = "Recreate"


class ReplicaSet(Struct, frozen=True, kw_only=True):
    """What a Deployment needs to know of one of its ReplicaSets."""

    obj: Object
    uid: str
    """"" for one that is about to be created."""
    name: str
    size: int
    """spec.replicas."""
    replicas: int = 0
    ready: int = 0
    available: int = 0
    observed: bool = False
    """Whether its controller has seen its newest spec."""
    created: float = 0.0
    revision: int = 0
    desired: int | None = None
    """The Deployment's replicas when this one was last scaled."""
    maximum: int | None = None


class Deployment(Struct, frozen=True, kw_only=True):
    """What a Deployment asks for."""

    obj: Object
    name: str
    replicas: int
    strategy: Strategy
    surge: int
    """Pods over `replicas` during a rolling update; 0 with Recreate."""
    unavailable: int
    """Pods under `replicas` during a rolling update; 0 with Recreate."""
    min_ready_seconds: int
    paused: bool
    history_limit: int | None
    deadline: int | None
    """Seconds without progress that are tolerated; None: for ever."""


def replica_set_from(obj: Object) -> ReplicaSet:
    """Shrink a ReplicaSet object."""
    status, annotations = obj.get("status") or {}, annotations_of(obj)
    return ReplicaSet(
        obj=obj,
        uid=uid_of(obj),
        name=name_of(obj),
        size=int(obj["spec"].get("replicas", 1)),
        replicas=int(status.get("replicas") or 0),
        ready=int(status.get("readyReplicas") or 0),
        available=int(status.get("availableReplicas") or 0),
        observed=int(status.get("observedGeneration") or 0)
        >= int(obj["metadata"].get("generation") or 0),
        created=created_at(obj),
        revision=_number(annotations.get(REVISION)) or 0,
        desired=_number(annotations.get(DESIRED_REPLICAS)),
        maximum=_number(annotations.get(MAX_REPLICAS)),
    )


def _number(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


def deployment_from(obj: Object) -> Deployment:
    """Shrink a Deployment object."""
    spec = obj["spec"]
    replicas = int(spec.get("replicas", 1))
    wish = spec.get("strategy") or {}
    strategy = Strategy(wish.get("type") or Strategy.ROLLING_UPDATE)
    surge, unavailable = 0, 0
    if strategy is Strategy.ROLLING_UPDATE:
        surge, unavailable = fenceposts(wish.get("rollingUpdate") or {}, replicas)
    return Deployment(
        obj=obj,
        name=name_of(obj),
        replicas=replicas,
        strategy=strategy,
        surge=surge,
        unavailable=min(unavailable, replicas),
        min_ready_seconds=int(spec.get("minReadySeconds") or 0),
        paused=bool(spec.get("paused")),
        history_limit=_limit(spec.get("revisionHistoryLimit", 10)),
        deadline=_limit(spec.get("progressDeadlineSeconds", 600)),
    )


def _limit(value: int | None) -> int | None:
    return None if value is None or value >= UNLIMITED else int(value)


def fenceposts(wish: Mapping[str, int | str], replicas: int) -> tuple[int, int]:
    """maxSurge, rounded up, and maxUnavailable, rounded down; never both 0, else nothing moves."""
    surge = math.ceil(_share(wish.get("maxSurge", "25%"), replicas))
    unavailable = math.floor(_share(wish.get("maxUnavailable", "25%"), replicas))
    return (surge, unavailable) if surge or unavailable else (0, 1)


def _share(value: int | str, total: int) -> float:
    if isinstance(value, str):
        return int(value.rstrip("%")) * total / 100
    return value


def active(sets: Iterable[ReplicaSet]) -> list[ReplicaSet]:
    """Those that should have pods."""
    return [item for item in sets if item.size > 0]


def oldest_first(sets: Iterable[ReplicaSet]) -> list[ReplicaSet]:
    """In order of creation."""
    return sorted(sets, key=lambda item: (item.created, item.name))


def is_scaling(deployment: Deployment, sets: Iterable[ReplicaSet]) -> bool:
    """Whether spec.replicas changed since the active ReplicaSets were last scaled."""
    wishes = (item.desired for item in active(sets))
    return any(wish is not None and wish != deployment.replicas for wish in wishes)


def new_size(deployment: Deployment, new: ReplicaSet, every: Iterable[ReplicaSet]) -> int:
    """How large the new ReplicaSet may become now."""
    if deployment.strategy is Strategy.RECREATE:
        return deployment.replicas
    room = deployment.replicas + deployment.surge - sum(item.size for item in every)
    if room <= 0:
        return new.size
    return new.size + min(room, deployment.replicas - new.size)


def roll(deployment: Deployment, new: ReplicaSet, old: Sequence[ReplicaSet]) -> Sizes:
    """The next step of a rolling update: grow the new one if there is room, else shrink the old."""
    if new.size != deployment.replicas:
        wanted = (
            deployment.replicas
            if new.size > deployment.replicas
            else new_size(deployment, new, [*old, new])
        )
        if wanted != new.size:
            return {new.uid: wanted}
    return _shrink_old(deployment, new, oldest_first(active(old)))


def _shrink_old(deployment: Deployment, new: ReplicaSet, old: Sequence[ReplicaSet]) -> Sizes:
    """Old pods may go as far as enough others are available; unhealthy ones go first."""
    least = deployment.replicas - deployment.unavailable
    spare = sum(item.size for item in old) + new.size - least - (new.size - new.available)
    if not old or spare <= 0:
        return {}
    sizes = {item.uid: item.size for item in old}
    for item in old:
        unhealthy = min(spare, item.size - min(item.available, item.size))
        sizes[item.uid] -= unhealthy
        spare -= unhealthy
    # Counts of available pods may lag behind the sizes just written, so both bound this step.
    spare = min(spare, sum(item.available for item in old) + new.available - least)
    for item in old:
        fewer = min(max(spare, 0), sizes[item.uid])
        sizes[item.uid] -= fewer
        spare -= fewer
    return {item.uid: sizes[item.uid] for item in old if sizes[item.uid] != item.size}


def scale(deployment: Deployment, new: ReplicaSet | None, old: Sequence[ReplicaSet]) -> Sizes:
    """Sizes after a change of spec.replicas, or while paused: no rollout, only proportions."""
    every = [*old, new] if new else [*old]
    running = active(every)
    if len(running) <= 1:
        only = running[0] if running else new or max(old, key=_age, default=None)
        return {only.uid: deployment.replicas} if only else {}
    if new is not None and _is_saturated(deployment, new):
        return {item.uid: 0 for item in active(old)}
    if deployment.strategy is Strategy.RECREATE:
        return {}
    return _in_proportion(deployment, running)


def _age(item: ReplicaSet) -> tuple[float, str]:
    return item.created, item.name


def _is_saturated(deployment: Deployment, new: ReplicaSet) -> bool:
    wanted = deployment.replicas
    return new.size == wanted and new.desired == wanted and new.available == wanted


def _in_proportion(deployment: Deployment, running: Sequence[ReplicaSet]) -> Sizes:
    """Spread the difference over all running ReplicaSets by their share, the largest first.

    Of equals, the newer grows first and the older shrinks first.
    """
    allowed = deployment.replicas + deployment.surge if deployment.replicas else 0
    missing = allowed - sum(item.size for item in running)
    sign = -1 if missing > 0 else 1
    order = sorted(running, key=lambda item: (-item.size, sign * item.created, item.name))
    sizes = {item.uid: item.size for item in order}
    left = missing
    for item in order if missing else ():
        part = _fraction(deployment, item)
        part = min(part, left) if missing > 0 else max(part, left)
        sizes[item.uid] += part
        left -= part
    sizes[order[0].uid] = max(0, sizes[order[0].uid] + left)
    return sizes


def _fraction(deployment: Deployment, item: ReplicaSet) -> int:
    """How much this ReplicaSet should grow or shrink to keep its share."""
    if deployment.replicas == 0:
        return -item.size
    status = deployment.obj.get("status") or {}
    before = item.maximum or int(status.get("replicas") or 0) or item.size
    return int(item.size * (deployment.replicas + deployment.surge) / before + 0.5) - item.size


def superfluous(deployment: Deployment, old: Iterable[ReplicaSet]) -> list[ReplicaSet]:
    """Old ReplicaSets past the history limit that nothing runs in any more."""
    if deployment.history_limit is None:
        return []
    alive = [item for item in old if not is_deleting(item.obj)]
    alive.sort(key=lambda item: (item.revision, item.created, item.name))
    over = len(alive) - deployment.history_limit
    return [
        item
        for item in alive[: max(0, over)]
        if item.replicas == 0 and item.size == 0 and item.observed
    ]

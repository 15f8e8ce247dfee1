"""What a StatefulSet asks for, shrunk once from its JSON."""

import math
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from netemu.controllers.statefulpods import Retention, claim_names, ordinal_of, retention_of
from netemu.model.meta import Object, name_of


class Strategy(StrEnum):
    """How pods get a new template."""

    ROLLING_UPDATE = "RollingUpdate"
    ON_DELETE = "OnDelete"


class StatefulSet(Struct, frozen=True, kw_only=True):
    """What a StatefulSet asks for."""

    obj: Object
    name: str
    replicas: int
    start: int
    """The first number."""
    ordered: bool
    """OrderedReady; else Parallel."""
    strategy: Strategy
    partition: int
    """Pods of lower numbers keep the old template."""
    unavailable: int
    """How many pods a rolling update may have down at once."""
    min_ready_seconds: int
    history_limit: int
    retention: Retention

    def wants(self, ordinal: int) -> bool:
        """Whether there is to be a pod of that number."""
        return self.start <= ordinal < self.start + self.replicas


def stateful_set_from(obj: Object) -> StatefulSet:
    """Shrink a StatefulSet object."""
    spec = obj["spec"]
    replicas = int(spec.get("replicas", 1))
    wish = spec.get("updateStrategy") or {}
    rolling = wish.get("rollingUpdate") or {}
    return StatefulSet(
        obj=obj,
        name=name_of(obj),
        replicas=replicas,
        start=int((spec.get("ordinals") or {}).get("start") or 0),
        ordered=spec.get("podManagementPolicy") != "Parallel",
        strategy=Strategy(wish.get("type") or Strategy.ROLLING_UPDATE),
        partition=int(rolling.get("partition") or 0),
        unavailable=_unavailable(rolling.get("maxUnavailable", 1), replicas),
        min_ready_seconds=int(spec.get("minReadySeconds") or 0),
        history_limit=int(spec.get("revisionHistoryLimit", 10)),
        retention=retention_of(obj),
    )


def _unavailable(wish: int | str, replicas: int) -> int:
    """maxUnavailable, rounded down, but never 0 (KEP-961)."""
    if isinstance(wish, str):
        return max(1, math.floor(int(wish.rstrip("%")) * replicas / 100))
    return max(1, wish)


def claims_needed(obj: Object, pods: Sequence[Object]) -> set[str]:
    """The names of all claims a plan may look at."""
    wanted = stateful_set_from(obj)
    ordinals = {ordinal_of(pod) for pod in pods}
    ordinals |= set(range(wanted.start, wanted.start + wanted.replicas))
    return {name for ordinal in ordinals for name in claim_names(obj, ordinal).values()}

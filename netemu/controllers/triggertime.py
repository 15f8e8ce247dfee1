"""When the change happened that endpoints show: an annotation that programming latency is measured
by (upstream: k8s.io/endpointslice/util/trigger_time_tracker.go).
"""

from collections.abc import Iterable

from msgspec.structs import replace

from netemu.clock import rfc3339
from netemu.controllers.actions import Action, Create, Update
from netemu.controllers.pods import created_at
from netemu.controllers.targets import TRIGGER_TIME, Target
from netemu.model.meta import Key, Object, annotations_of


class TriggerTimes:
    """What was seen of each Service and its pods last time."""

    def __init__(self) -> None:
        self._seen: dict[Key, tuple[float, dict[str, float]]] = {}

    def observe(self, key: Key, service: Object, targets: Iterable[Target]) -> float | None:
        """When the oldest change since the last look happened; None if there was none."""
        created = created_at(service)
        times = {target.name: target.since for target in targets}
        before = self._seen.get(key)
        self._seen[key] = created, times
        if before is None:
            return created or None
        changes = [time for name, time in times.items() if time > before[1].get(name, 0.0)]
        if created > before[0]:
            changes.append(created)
        return min(changes, default=None)

    def forget(self, key: Key) -> None:
        """The Service is gone."""
        self._seen.pop(key, None)


def stamped(action: Action, when: float | None) -> Action:
    """Note the time on an object about to be written; a time that was there before goes."""
    if not isinstance(action, Create | Update):
        return action
    annotations = annotations_of(action.obj)
    kept = {key: value for key, value in annotations.items() if key != TRIGGER_TIME}
    if when is not None:
        kept[TRIGGER_TIME] = rfc3339(when)
    metadata = {**action.obj["metadata"], "annotations": kept}
    return replace(action, obj={**action.obj, "metadata": metadata})

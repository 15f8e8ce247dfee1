"""DNS programming latency: from a change of a pod to its visibility in answers.

The SLI of Kubernetes' scalability group, measured as CoreDNS does: for headless Services, whose
names change with their endpoints, by the time that the slice controller noted on the slice. Pods'
conditions have whole seconds, so what is below one is as exact as that.
"""

from collections.abc import Iterable
from typing import Final

from netemu.clock import Clock, parse_rfc3339
from netemu.metrics import Metrics, exponential
from netemu.model.client import Change, Client
from netemu.model.latest import Latest
from netemu.model.meta import Object, annotations_of, labels_of, namespace_of
from netemu.model.resources import ENDPOINT_SLICES
from netemu.model.service import SERVICE_NAME
from netemu.model.snapshot import Snapshot

TRIGGER_TIME: Final = "endpoints.kubernetes.io/last-change-trigger-time"
BOUNDS: Final = exponential(0.001, 2, 20)
"""Seconds; CoreDNS', from a millisecond to 17 minutes."""


class Programming:
    """Measures the changes that were just made visible."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._clock = clock
        self._seconds = metrics.histogram(
            "coredns_kubernetes_dns_programming_duration_seconds",
            "Histogram of the time (in seconds) it took to program a dns instance.",
            BOUNDS,
            ("service_kind",),
        )

    async def follow(self, client: Client, latest: Latest[Snapshot]) -> None:
        """Measure for as long as it runs; what there was before is no change."""
        changes = client.watch(ENDPOINT_SLICES)
        before = {_version(obj) for obj in client.list(ENDPOINT_SLICES)}
        try:
            while True:
                batch = await changes.batch()
                fresh = [each for each in batch if each.old or _version(each.object) not in before]
                self.visible(fresh, latest.value)
        finally:
            changes.close()

    def visible(self, changes: Iterable[Change], snapshot: Snapshot) -> None:
        """`snapshot` is being answered from, and shows `changes`."""
        for change in changes:
            since = _trigger_time(change, snapshot)
            if since is not None:
                seconds = max(0.0, self._clock.now() - since)
                self._seconds.of("headless_with_selector").observe(seconds)


def _version(obj: Object) -> str:
    version: str = obj["metadata"]["resourceVersion"]
    return version


def _trigger_time(change: Change, snapshot: Snapshot) -> float | None:
    """When the change happened that a slice of a headless Service shows; None for other changes."""
    if change.resource != ENDPOINT_SLICES or change.new is None:
        return None
    text = annotations_of(change.new).get(TRIGGER_TIME)
    if text is None or (
        change.old is not None and annotations_of(change.old).get(TRIGGER_TIME) == text
    ):
        return None
    service = labels_of(change.new).get(SERVICE_NAME, "")
    entry = snapshot.services.get((namespace_of(change.new), service))
    if entry is None or not entry.service.headless:
        return None
    try:
        return parse_rfc3339(text)
    except ValueError:  # whoever makes slices may write what he likes
        return None

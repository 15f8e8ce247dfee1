"""What the proxy measures: under kube-proxy's names where it has them, else ``netemu_service_…``.

Sources of names and buckets: pkg/proxy/metrics/metrics.go. Sums per endpoint are read from the
routes when somebody asks.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Final

from netemu.clock import parse_rfc3339
from netemu.metrics import Family, Metrics, Value, exponential
from netemu.model.meta import Key
from netemu.model.snapshot import EMPTY, Snapshot
from netemu.proxy.choose import written
from netemu.proxy.ledger import Row
from netemu.proxy.policy import lacking
from netemu.proxy.route import Route, Tally
from netemu.proxy.site import Backend

SYNC_BUCKETS: Final = exponential(0.001, 2, 15)
PROGRAMMING_BUCKETS: Final = (
    0.25,
    0.5,
    *map(float, range(1, 60)),
    *map(float, range(60, 120, 5)),
    *map(float, range(120, 330, 30)),
)
LABELS: Final = ("namespace", "service", "port", "protocol")

Routes = Callable[[], Mapping[Backend, Route]]


class ProxyMetrics:
    """The proxy's series, in a collection of their own."""

    def __init__(
        self,
        routes: Routes,
        translated: Callable[[], Iterable[Row]] = tuple,
        started: float = 0.0,
    ) -> None:
        """`translated`: the connections that the kernel carries; `started`: when the proxy did, in
        seconds since the epoch.
        """
        self._started = started
        self.all = Metrics()
        self.sync_seconds = self.all.histogram(
            "kubeproxy_sync_proxy_rules_duration_seconds",
            "SyncProxyRules latency in seconds",
            SYNC_BUCKETS,
        ).of()
        self.programming_seconds = self.all.histogram(
            "kubeproxy_network_programming_duration_seconds",
            "In Cluster Network Programming Latency in seconds",
            PROGRAMMING_BUCKETS,
        ).of()
        self.last_sync = self.all.gauge(
            "kubeproxy_sync_proxy_rules_last_timestamp_seconds",
            "The last time proxy rules were successfully synced",
        ).of()
        self.last_queued = self.all.gauge(
            "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds",
            "The last time a sync of proxy rules was queued",
        ).of()
        self.service_changes = self.all.counter(
            "kubeproxy_sync_proxy_rules_service_changes_total",
            "Cumulative proxy rules Service changes",
        ).of()
        self.endpoint_changes = self.all.counter(
            "kubeproxy_sync_proxy_rules_endpoint_changes_total",
            "Cumulative proxy rules Endpoint changes",
        ).of()
        for kind in ("Service", "Endpoint"):  # whatever changes is followed in the same turn
            self.all.gauge(
                f"kubeproxy_sync_proxy_rules_{kind.lower()}_changes_pending",
                f"Pending proxy rules {kind} changes",
            ).of()
        self._lacking = self.all.gauge(
            "kubeproxy_sync_proxy_rules_no_local_endpoints_total",
            "Number of services with a Local traffic policy and no endpoints",
            ("traffic_policy",),
        )
        self._seen = EMPTY
        self.healthz = self.all.counter(
            "kubeproxy_proxy_healthz_total", "Cumulative proxy healthz HTTP status", ("code",)
        )
        self.livez = self.all.counter(
            "kubeproxy_proxy_livez_total", "Cumulative proxy livez HTTP status", ("code",)
        )
        self._routes = routes
        self._translated = translated
        self._sums = _Sums(self.all)
        self._refused = self.all.counter(
            "netemu_service_unserved_total",
            "Connections for which no endpoint could be reached",
            LABELS,
        )
        self.all.before_reading(self._read)

    def note_changes(
        self, before: Snapshot, after: Snapshot, changed: Iterable[Key], time: float
    ) -> None:
        """Count changes, and how long endpoints took to get here from what caused them."""
        self._seen = after
        for key in changed:
            old, new = before.services.get(key), after.services.get(key)
            if (old and old.service) != (new and new.service):
                self.service_changes.add()
            known = frozenset(old.slices if old else ())
            for part in new.slices if new else ():
                if part not in known:
                    self.endpoint_changes.add()
                    self._observe_delay(part.triggered, time)

    def at(self, node: str) -> str:
        """What there is to read at a node; "" for no node in particular."""
        counts = [lacking(entry, node) for entry in self._seen.services.values()] if node else []
        for policy, count in zip(("internal", "external"), zip(*counts, strict=True), strict=False):
            self._lacking.of(policy).set(sum(count))
        return self.all.text()

    def _observe_delay(self, triggered: str, now: float) -> None:
        if triggered:
            since = parse_rfc3339(triggered)
            if since >= self._started:  # what was before nobody could have programmed
                self.programming_seconds.observe(max(0.0, now - since))

    def _read(self) -> None:
        self._sums.clear()
        self._refused.clear()
        for backend, route in self._routes().items():
            if not route.connections:
                continue
            labels = (*backend.service, backend.port, str(backend.protocol))
            self._sums.set(labels, route.tallies.items())
            if route.failed:
                self._refused.of(*labels).add(route.failed)  # both address families
        with suppress(OSError):  # better some figures than none
            for row in self._translated():
                self._sums.add_open(row)


class _Sums:
    """Sums per endpoint."""

    def __init__(self, metrics: Metrics) -> None:
        labels = (*LABELS, "endpoint")

        def counter(name: str, about: str) -> Family[Value]:
            return metrics.counter(f"netemu_service_{name}_total", about, labels)

        self._open = metrics.gauge(
            "netemu_service_open_connections", "Connections and flows that are open", labels
        )
        self._families: tuple[tuple[Family[Value], Callable[[Tally], int]], ...] = (
            (self._open, lambda tally: tally.open),
            (counter("connections", "Connections and flows"), lambda tally: tally.connections),
            (
                counter("received_bytes", "Bytes from clients, of what has ended"),
                lambda tally: tally.received,
            ),
            (
                counter("sent_bytes", "Bytes to clients, of what has ended"),
                lambda tally: tally.sent,
            ),
            (
                counter("errors", "Connections and flows that ended by a reset or a refusal"),
                lambda tally: tally.broken,
            ),
        )

    def add_open(self, row: Row) -> None:
        """One more that is open, carried by the kernel; what has ended only the relay counts."""
        self._open.of(*(str(row[name]) for name in (*LABELS, "endpoint"))).add(1)

    def clear(self) -> None:
        for family, _ in self._families:
            family.clear()

    def set(
        self, labels: tuple[str, ...], tallies: Iterable[tuple[tuple[str, int], Tally]]
    ) -> None:
        for (address, port), tally in tallies:
            for family, read in self._families:
                family.of(*labels, written((address, port))).set(read(tally))

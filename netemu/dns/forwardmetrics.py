"""What `Forwarder` counted, under CoreDNS' names: what its caches did, and how often all servers
were down.
"""

from collections.abc import Callable, Mapping
from typing import Final

from netemu.dns.metrics import SERVER, VIEW, ZONE
from netemu.metrics import Metrics

_CACHE: Final = (SERVER, ZONE, VIEW)


def measure_forwarder(metrics: Metrics, counts: Callable[[], Mapping[str, int]]) -> None:
    """Tell of `counts` whenever the metrics are read."""
    cached = ("server", "zones", "view")
    evicted = metrics.counter(
        "coredns_cache_evictions_total",
        "The count of cache evictions.",
        ("server", "type", "zones", "view"),
    )
    series = {
        "prefetch": metrics.counter(
            "coredns_cache_prefetch_total",
            "The number of times the cache has prefetched a cached item.",
            cached,
        ).of(*_CACHE),
        "stale": metrics.counter(
            "coredns_cache_served_stale_total",
            "The number of requests served from stale cache entries.",
            cached,
        ).of(*_CACHE),
        "evicted success": evicted.of(SERVER, "success", ZONE, VIEW),
        "evicted denial": evicted.of(SERVER, "denial", ZONE, VIEW),
        "broken": metrics.counter(
            "coredns_forward_healthcheck_broken_total",
            "Counter of the number of complete failures of the healthchecks.",
        ).of(),
    }

    def refresh() -> None:
        told = counts()
        for what, value in series.items():
            value.value = told.get(what, 0)

    metrics.before_reading(refresh)

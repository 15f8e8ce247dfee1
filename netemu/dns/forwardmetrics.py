"""What became of questions to other servers, under CoreDNS' names: each exchange with one, what the
caches did, and how often all servers were down.
"""

from collections.abc import Callable, Mapping
from typing import Final

from netemu.dns.metrics import SERVER, TIME_BOUNDS, VIEW, ZONE
from netemu.dns.observation import Exchanged
from netemu.dns.presentation import rcode_name
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


class ExchangeMetrics:
    """Counts questions that were put to other servers."""

    def __init__(self, metrics: Metrics) -> None:
        self._exchanges = metrics.histogram(
            "coredns_proxy_request_duration_seconds",
            "Histogram of the time each request took.",
            TIME_BOUNDS,
            ("proxy_name", "to", "rcode"),
        )
        self._failed_exchanges = metrics.counter(
            "coredns_proxy_healthcheck_failures_total",
            "Counter of the number of failed healthchecks.",
            ("proxy_name", "to"),
        )
        self._misses = metrics.counter(
            "coredns_proxy_conn_cache_misses_total",
            "Counter of connection cache misses per upstream and protocol.",
            ("proxy_name", "to", "proto"),
        )

    def observe(self, exchange: Exchanged) -> None:
        """Count a question put to another server; one it didn't answer has failed."""
        address, port = exchange.server
        to = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        # Each question has a connection of its own, so none was there before.
        self._misses.of("forward", to, exchange.protocol).add()
        if exchange.rcode is None:
            self._failed_exchanges.of("forward", to).add()
        else:
            rcode = rcode_name(exchange.rcode)
            self._exchanges.of("forward", to, rcode).observe(exchange.seconds)

"""What CoreDNS serves beside DNS: ``/metrics``, ``/health`` and ``/ready``, each on its own port.

And the metrics that are read from what is there instead of being counted.
"""

import platform
from collections.abc import Callable, Iterable
from http import HTTPStatus
from time import perf_counter
from typing import Final

import netemu
from netemu.dns.chain import Block, Configuration
from netemu.dns.forward import Group
from netemu.dns.metrics import SERVER, VIEW
from netemu.dns.presentation import shown
from netemu.metrics import CONTENT_TYPE, Metrics, exponential
from netemu.model.latest import Latest
from netemu.model.snapshot import Snapshot
from netemu.pages import Page, Pages

METRICS_PORT: Final = 9153
HEALTH_PORT: Final = 8080
READY_PORT: Final = 8181

SLIM_BOUNDS: Final = exponential(0.00025, 10, 5)
"""Seconds; CoreDNS' ``plugin.SlimTimeBuckets``."""


def metrics_pages(metrics: Metrics) -> Pages:
    """``/metrics``."""
    return {"/metrics": lambda: Page(metrics.text(), content_type=CONTENT_TYPE)}


def health_pages(metrics: Metrics) -> Pages:
    """``/health``: whoever answers is well. How long that takes is measured, also each time the
    metrics are read, where CoreDNS asks itself every second.
    """
    seconds = metrics.histogram(
        "coredns_health_request_duration_seconds",
        "Histogram of the time (in seconds) each request took.",
        SLIM_BOUNDS,
    ).of()
    metrics.counter(
        "coredns_health_request_failures_total", "The number of times the health check failed."
    ).of()

    def health() -> Page:
        started = perf_counter()
        page = Page("OK")
        seconds.observe(perf_counter() - started)
        return page

    metrics.before_reading(lambda: (health(), None)[1])
    return {"/health": health}


def ready_pages(latest: Latest[Snapshot]) -> Pages:
    """``/ready``: 503 with the plugins that aren't ready, until the first list is in."""

    def ready() -> Page:
        if latest.value.synced:
            return Page("OK")
        return Page("kubernetes", HTTPStatus.SERVICE_UNAVAILABLE)

    return {"/ready": ready}


def describe(
    metrics: Metrics,
    configuration: Callable[[], Configuration],
    groups: Callable[[], Iterable[Group]],
    failed: Callable[[], int],
) -> None:
    """Measure the build, the plugins that are on, and what is known of other servers; `failed` are
    the Corefiles that couldn't be used.
    """
    metrics.gauge(
        "coredns_build_info",
        "A metric with a constant '1' value labeled by version, revision, and goversion from which "
        "CoreDNS was built.",
        ("version", "revision", "goversion"),
    ).of(netemu.__version__, "", f"Python {platform.python_version()}").set(1)
    where = ("server", "zone", "view")
    enabled = metrics.gauge(
        "coredns_plugin_enabled",
        "A metric that indicates whether a plugin is enabled on per server and zone basis.",
        (*where, "name"),
    )
    entries = metrics.gauge(
        "coredns_cache_entries",
        "The number of elements in the cache.",
        ("server", "type", "zones", "view"),
    )
    rejected = metrics.counter(
        "coredns_forward_max_concurrent_rejects_total",
        "Counter of the number of queries rejected because the concurrent queries were at maximum.",
    ).of()
    hosts = metrics.gauge(
        "coredns_hosts_entries", "The combined number of entries in hosts and Corefile."
    ).of()
    reloads = metrics.counter(
        "coredns_reload_failed_total", "Counter of the number of failed reload attempts."
    ).of()

    version = metrics.gauge(
        "coredns_reload_version_info",
        "A metric with a constant '1' value labeled by hash, and value which type of hash "
        "generated.",
        ("hash", "value"),
    )

    def refresh() -> None:
        version.clear()
        version.of("sha512", configuration().digest).set(1)
        hosts.set(sum(map(_entries, configuration().blocks)))
        reloads.value = failed()
        enabled.clear()
        for block in configuration().blocks:
            for zone in block.zones:
                for name in plugins(block):
                    enabled.of(SERVER, shown(zone), VIEW, name).set(1)
        entries.clear()
        for group in groups():
            if group.cache is not None:
                origin = shown(group.forward.origin)
                for kind, size in zip(("success", "denial"), group.cache.sizes, strict=True):
                    entries.of(SERVER, kind, origin, VIEW).add(size)
        rejected.value = max(rejected.value, sum(group.rejected for group in groups()))

    metrics.before_reading(refresh)


def _entries(block: Block) -> int:
    """As CoreDNS counts them: each address of each name, and each name of each address."""
    if block.hosts is None:
        return 0
    tables = (*block.hosts.addresses.values(), *block.hosts.names.values())
    return sum(map(len, tables))


HANDLERS: Final = frozenset(
    [
        *("autopath", "cache", "errors", "forward", "hosts", "kubernetes", "loadbalance", "log"),
        *("loop", "prometheus", "rewrite", "template", "transfer"),
    ]
)
"""The plugins that handle queries: of others CoreDNS doesn't tell that they are on."""


def plugins(block: Block) -> list[str]:
    """The plugins of a server block that handle queries, by name."""
    return sorted(HANDLERS.intersection(block.named))

"""What the DNS server did, under the names that CoreDNS' dashboards ask for.

Replies are counted where they are sent, an addition each (see `tallies`); what they mean (type,
size, plugin) is worked out when somebody reads the metrics.
"""

from typing import Final

from netemu.dns.observation import Batch, Observation, Observers
from netemu.dns.presentation import rcode_name, type_name
from netemu.dns.records import Source
from netemu.dns.tallies import OPT, Kind
from netemu.metrics import OTHER, Metrics, exponential

SERVER: Final = "dns://:53"
ZONE: Final = "."
"""The server block that takes every name."""
VIEW: Final = ""
_HERE: Final = (SERVER, ZONE, VIEW)

TIME_BOUNDS: Final = exponential(0.00025, 2, 16)
"""Seconds; CoreDNS' ``plugin.TimeBuckets``."""
SIZE_BOUNDS: Final = (
    *(0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291),
    *(16_000, 32_000, 48_000, 64_000),
)
"""Octets; CoreDNS'."""

LABELLED_TYPES: Final = frozenset(
    [
        "A",
        "AAAA",
        "ANY",
        "AXFR",
        "CNAME",
        "DNSKEY",
        "DS",
        "HTTPS",
        "IXFR",
        "MX",
        "NS",
        "NSEC",
        "NSEC3",
        "PTR",
        "RRSIG",
        "SOA",
        "SRV",
        "TXT",
    ]
)
"""Types with a label of their own; all others are "other"."""
PLUGINS: Final = {
    Source.KEPT: "kubernetes",
    Source.CLUSTER: "kubernetes",
    Source.HOSTS: "hosts",
    Source.TEMPLATE: "template",
    Source.FORWARD: "forward",
    Source.CACHE: "cache",
    Source.SERVER: "",
}
"""The plugin of CoreDNS that would have written such a reply."""

_OPT_AT: Final = slice(4, 7)


class DnsMetrics:
    """Counts observations."""

    def __init__(self, metrics: Metrics, observers: Observers) -> None:
        self._observers = observers
        where = ("server", "zone", "view")
        self._requests = metrics.counter(
            "coredns_dns_requests_total",
            "Counter of DNS requests made per zone, protocol and family.",
            (*where, "proto", "family", "type"),
        )
        self._responses = metrics.counter(
            "coredns_dns_responses_total",
            "Counter of response status codes.",
            (*where, "rcode", "plugin"),
        )
        self._seconds = metrics.histogram(
            "coredns_dns_request_duration_seconds",
            "Histogram of the time (in seconds) each request took per zone.",
            TIME_BOUNDS,
            where,
        ).of(*_HERE)
        self._request_bytes = metrics.histogram(
            "coredns_dns_request_size_bytes",
            "Size of the request in bytes, per zone and protocol.",
            SIZE_BOUNDS,
            (*where, "proto"),
        )
        self._response_bytes = metrics.histogram(
            "coredns_dns_response_size_bytes",
            "Size of the returned response in bytes.",
            SIZE_BOUNDS,
            (*where, "proto"),
        )
        self._dnssec = metrics.counter(
            "coredns_dns_do_requests_total",
            "Counter of DNS requests with DO bit set per zone.",
            where,
        )
        cached = ("server", "zones", "view")
        self._cache_requests = metrics.counter(
            "coredns_cache_requests_total", "The count of cache requests.", cached
        )
        self._cache_hits = metrics.counter(
            "coredns_cache_hits_total",
            "The count of cache hits.",
            ("server", "type", "zones", "view"),
        )
        self._cache_misses = metrics.counter(
            "coredns_cache_misses_total",
            "The count of cache misses. Deprecated, derive misses from cache hits/requests "
            "counters.",
            cached,
        )
        self._templates = metrics.counter(
            "coredns_template_matches_total",
            "Counter of template regex matches.",
            (*where, "class", "type"),
        )
        self._walked = metrics.counter(
            "coredns_autopath_success_total", "Counter of requests that did autopath.", ("server",)
        ).of(SERVER)
        self._panics = metrics.counter(
            "coredns_panics_total", "A metrics that counts the number of panics."
        ).of()
        observers.tallies.overflowing = self._work_out
        metrics.before_reading(self._work_out)

    def observe(self, seen: Observation) -> None:
        """Take the time of one reply; it is counted by whoever sent it."""
        self._seconds.observe(seen.seconds)

    def observe_batch(self, batch: Batch) -> None:
        """Count several; each of them took at most as long as all of them."""
        self._seconds.observe_many(batch.seconds, len(batch.queries))

    def _work_out(self) -> None:
        """Move the tallies into the series."""
        self._panics.value = self._observers.panics
        self._walked.value = self._observers.walked
        for kind, times in self._observers.tallies.taken():
            self._count(kind, times)

    def _count(self, kind: Kind, times: int) -> None:
        last, size, reply_size, code, protocol, by_ipv6, source = kind
        asked, dnssec_ok = _type_and_do(last)
        family = "2" if by_ipv6 else "1"
        self._requests.of(*_HERE, protocol, family, asked).add(times)
        name, _, what = (source or Source.KEPT).partition("/")
        plugin = PLUGINS[Source(name)]
        if plugin in ("cache", "forward"):
            self._cache_requests.of(*_HERE).add(times)
            found = self._cache_hits.of(SERVER, what, ZONE, VIEW) if what else None
            (found or self._cache_misses.of(*_HERE)).add(times)
        if plugin == "template":
            self._templates.of(*_HERE, "IN", asked).add(times)
        self._responses.of(*_HERE, rcode_name(code & 0xF), plugin).add(times)
        self._request_bytes.of(*_HERE, protocol).observe_many(size, times)
        self._response_bytes.of(*_HERE, protocol).observe_many(reply_size, times)
        if dnssec_ok:
            self._dnssec.of(*_HERE).add(times)


def _type_and_do(last: bytes) -> tuple[str, bool]:
    if last[_OPT_AT] == OPT:
        kind, dnssec_ok = last[:2], last[-4] > 0x7F
    else:
        kind, dnssec_ok = last[-4:-2], False
    name = type_name(int.from_bytes(kind, "big"))
    return name if name in LABELLED_TYPES else OTHER, dnssec_ok

"""What the DNS server did, under the names that CoreDNS' dashboards ask for.

A reply costs one addition in a table of equal ones; what it means (type, size, plugin) is worked
out when somebody reads the metrics, or when the table is full.
"""

from typing import Final, TypeAlias

from netemu.dns.observation import Exchanged, Observation, Observe
from netemu.dns.presentation import rcode_name, type_name
from netemu.dns.records import Source
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
QUICK: Final = TIME_BOUNDS[0]
MOST_KINDS: Final = 500
"""Different replies in the table before it is worked out; a millisecond's work."""

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

LAST: Final = 15
"""Octets at a query's end that tell its type: type, class and an OPT record without options."""
_OPT_AT: Final = slice(4, 7)
_OPT: Final = b"\0\0\x29"

Kind: TypeAlias = tuple[bytes, int, int, int, str, bool, str | None]
"""The query's last octets (see `LAST`), sizes of query and reply, the octet with the response code,
protocol, whether by IPv6, and the source; None for a kept reply.
"""


class DnsMetrics:
    """Counts observations."""

    def __init__(self, metrics: Metrics) -> None:
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
        self._panics = metrics.counter(
            "coredns_panics_total", "A metrics that counts the number of panics."
        ).of()
        self._kinds: dict[Kind, int] = {}
        self._quick_seconds = [0.0]
        self._slow = 0
        self.observe: Observe = self._observer()
        """Count one reply; bound once, as it is called for each."""
        metrics.before_reading(self._work_out)

    def _observer(self) -> Observe:
        kinds, quick_seconds, slow = self._kinds, self._quick_seconds, self._observe_slow
        # Names of this function are found in half the time of others, and this runs for each reply.
        kept, last, quick = Source.KEPT, slice(-LAST, None), QUICK

        def observe(seen: Observation) -> None:
            client, _, protocol, packet, reply, seconds, source = seen
            if source is kept:
                end, origin = packet[last], None
            else:
                end, origin = _last_of(seen), _source_of(seen)
            kind = (end, len(packet), len(reply), reply[3], protocol, ":" in client, origin)
            try:
                kinds[kind] += 1
            except KeyError:
                self._add(kind)
            if seconds > quick:
                slow(seconds)
            else:
                quick_seconds[0] += seconds

        return observe

    def observe_exchange(self, exchange: Exchanged) -> None:
        """Count a question put to another server; one it didn't answer has failed."""
        to = "{}:{}".format(*exchange.server)
        if exchange.rcode is None:
            self._failed_exchanges.of("forward", to).add()
        else:
            rcode = rcode_name(exchange.rcode)
            self._exchanges.of("forward", to, rcode).observe(exchange.seconds)

    def observe_panic(self) -> None:
        """Count a surprise: an exception that was answered SERVFAIL."""
        self._panics.add()

    def _add(self, kind: Kind) -> None:
        if len(self._kinds) >= MOST_KINDS:
            self._work_out()
        self._kinds[kind] = 1

    def _observe_slow(self, seconds: float) -> None:
        self._slow += 1
        self._seconds.observe(seconds)

    def _work_out(self) -> None:
        """Move the table into the series."""
        total = sum(self._kinds.values())
        for kind, times in self._kinds.items():
            self._count(kind, times)
        self._kinds.clear()
        self._seconds.counts[0] += total - self._slow
        self._seconds.sum += self._quick_seconds[0]
        self._quick_seconds[0], self._slow = 0.0, 0

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
        self._responses.of(*_HERE, rcode_name(code & 0xF), plugin).add(times)
        self._request_bytes.of(*_HERE, protocol).observe_many(size, times)
        self._response_bytes.of(*_HERE, protocol).observe_many(reply_size, times)
        if dnssec_ok:
            self._dnssec.of(*_HERE).add(times)


def _last_of(seen: Observation) -> bytes:
    """The last octets that a query without EDNS options would have; none if it couldn't be read."""
    question = seen.question
    if question is None:
        return b""
    do = 0x80 if seen.dnssec_ok else 0
    kind, klass = question.type.to_bytes(2, "big"), question.klass.to_bytes(2, "big")
    return kind + klass + _OPT + bytes((0, 0, 0, 0, do, 0, 0, 0))


def _source_of(seen: Observation) -> str:
    """The source; of what was cached also whether it says something or denies it."""
    if seen.source is not Source.CACHE:
        return str(seen.source)
    says = seen.reply[6:8] != b"\0\0" and not seen.rcode
    return f"{seen.source}/{'success' if says else 'denial'}"


def _type_and_do(last: bytes) -> tuple[str, bool]:
    if last[_OPT_AT] == _OPT:
        kind, dnssec_ok = last[:2], last[-4] > 0x7F
    else:
        kind, dnssec_ok = last[-4:-2], False
    name = type_name(int.from_bytes(kind, "big"))
    return name if name in LABELLED_TYPES else OTHER, dnssec_ok

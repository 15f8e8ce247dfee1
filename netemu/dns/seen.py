"""The server seen: its metrics, its query log and the pages that CoreDNS serves, put together.

Watching costs each kept reply about a tenth of a microsecond; whatever else is to be known is
worked out when somebody asks.
"""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from msgspec import Struct

from netemu.clock import Clock
from netemu.dns.forwardmetrics import ExchangeMetrics, measure_forwarder
from netemu.dns.metrics import DnsMetrics
from netemu.dns.pages import describe, health_pages, metrics_pages, ready_pages
from netemu.dns.programming import Programming
from netemu.dns.querylog import QueryLog
from netemu.dns.questions import DnsQuestions, ResolverOf
from netemu.dns.records import Name
from netemu.dns.server import Dns
from netemu.metrics import Metrics
from netemu.pages import serve_pages


class Seen(Struct, frozen=True):
    """What is known of one server."""

    dns: Dns
    zone: Name
    metrics: Metrics
    """Others may add theirs."""
    counted: DnsMetrics
    log: QueryLog
    programming: Programming

    def questions(self, resolver_of: ResolverOf) -> DnsQuestions:
        """What the command line may ask."""
        dns = self.dns
        return DnsQuestions(
            self.log, dns.latest, lambda: dns.configuration.value, self.zone, resolver_of
        )


@contextmanager
def see(dns: Dns, zone: Name, clock: Clock) -> Iterator[Seen]:
    """Watch `dns` inside the block."""
    metrics = Metrics()
    counted, log = DnsMetrics(metrics, dns.observers), QueryLog(dns.latest, zone, clock.now)
    forwarder = dns.forwarder
    describe(
        metrics,
        lambda: dns.configuration.value,
        lambda: forwarder.groups if forwarder is not None else (),
        lambda: dns.configurer.failed,
    )
    measure_forwarder(metrics, lambda: forwarder.counts if forwarder is not None else {})
    leave = (
        dns.observers.subscribe(counted.observe, counted.observe_batch),
        dns.observers.subscribe(log.observe, log.observe_batch),
        dns.observers.subscribe_exchanges(ExchangeMetrics(metrics).observe),
        dns.latest.subscribe(log.follow),
    )
    try:
        yield Seen(dns, zone, metrics, counted, log, Programming(metrics, clock))
    finally:
        for end in leave:
            end()


@asynccontextmanager
async def serve_metrics(
    seen: Seen,
    *,
    metrics: socket.socket | None = None,
    health: socket.socket | None = None,
    ready: socket.socket | None = None,
) -> AsyncIterator[None]:
    """Serve ``/metrics``, ``/health`` and ``/ready`` on those listening sockets inside the block;
    the sockets are closed afterwards.
    """
    served = (
        (metrics, metrics_pages(seen.metrics)),
        (health, health_pages(seen.metrics)),
        (ready, ready_pages(seen.dns.latest)),
    )
    async with AsyncExitStack() as stack:
        for sock, pages in served:
            if sock is not None:
                await stack.enter_async_context(serve_pages(sock, pages))
        yield

from netemu.dns.forwardmetrics import ExchangeMetrics, measure_forwarder
from netemu.dns.observation import Exchanged
from netemu.metrics import Metrics

COUNTS = {"prefetch": 1, "stale": 2, "evicted success": 3, "evicted denial": 4, "broken": 5}
HERE = 'server="dns://:53"'
EXPECTED = (
    f'coredns_cache_prefetch_total{{{HERE},zones=".",view=""}} 1\n',
    f'coredns_cache_served_stale_total{{{HERE},zones=".",view=""}} 2\n',
    f'coredns_cache_evictions_total{{{HERE},type="success",zones=".",view=""}} 3\n',
    f'coredns_cache_evictions_total{{{HERE},type="denial",zones=".",view=""}} 4\n',
    "coredns_forward_healthcheck_broken_total 5\n",
)


def test_what_was_counted_is_told_under_coredns_names() -> None:
    metrics, counts = Metrics(), dict[str, int]()
    measure_forwarder(metrics, lambda: counts)
    assert "coredns_forward_healthcheck_broken_total 0\n" in metrics.text()
    counts |= COUNTS
    text = metrics.text()
    for line in EXPECTED:
        assert line in text


def test_other_servers_are_seen() -> None:
    metrics = Metrics()
    exchanges = ExchangeMetrics(metrics)
    exchanges.observe(Exchanged(("192.0.2.53", 53), 3, 0.01))
    exchanges.observe(Exchanged(("2001:db8::53", 53), None, 2.0))
    lines = metrics.text().splitlines()
    servers = ("192.0.2.53", "[2001:db8::53]")
    to, other = (f'proxy_name="forward",to="{each}:53"' for each in servers)
    assert f'coredns_proxy_request_duration_seconds_count{{{to},rcode="NXDOMAIN"}} 1' in lines
    assert f"coredns_proxy_healthcheck_failures_total{{{other}}} 1" in lines

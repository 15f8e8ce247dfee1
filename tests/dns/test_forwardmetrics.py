from netemu.dns.forwardmetrics import measure_forwarder
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

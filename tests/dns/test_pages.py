from dataclasses import replace
from hashlib import sha512

import netemu
from netemu.dns import cache
from netemu.dns.forward import Group
from netemu.dns.forwarding import Cache, Forward
from netemu.dns.pages import describe, health_pages, metrics_pages, plugins, ready_pages
from netemu.metrics import Metrics
from netemu.model.latest import Latest
from netemu.model.snapshot import EMPTY
from netemu.pages import reply
from tests.dns.cluster import configured
from tests.support.clock import FakeClock


def test_health_is_told_at_once() -> None:
    metrics = Metrics()
    pages = health_pages(metrics)
    assert reply(b"GET /health HTTP/1.1\r\n\r\n", pages).endswith(b"\r\n\r\nOK")
    # That one, and the one of the reading itself.
    text = metrics.text()
    assert "coredns_health_request_duration_seconds_count 2\n" in text
    assert 'coredns_health_request_duration_seconds_bucket{le="0.00025"} ' in text
    assert 'coredns_health_request_duration_seconds_bucket{le="2.5"} 2\n' in text
    assert "coredns_health_request_failures_total 0\n" in text


def test_ready_waits_for_the_first_list() -> None:
    latest = Latest(EMPTY)
    pages = ready_pages(latest)
    before = reply(b"GET /ready HTTP/1.1\r\n\r\n", pages)
    assert before.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert before.endswith(b"\r\n\r\nkubernetes")
    latest.replace(replace(EMPTY, synced=True))
    assert reply(b"GET /ready HTTP/1.1\r\n\r\n", pages).endswith(b"\r\n\r\nOK")


def test_metrics_are_told_as_prometheus_wants_them() -> None:
    metrics = Metrics()
    metrics.counter("a_total", "A.").of().add()
    whole = reply(b"GET /metrics HTTP/1.1\r\n\r\n", metrics_pages(metrics))
    assert b"\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n" in whole
    assert whole.endswith(b"\r\n\r\n# HELP a_total A.\n# TYPE a_total counter\na_total 1\n")


def test_build_plugins_and_caches_are_described() -> None:
    metrics, groups = Metrics(), list[Group]()
    describe(metrics, lambda: configured(), lambda: groups, lambda: 0)
    text = metrics.text()
    assert f'coredns_build_info{{version="{netemu.__version__}",revision="",goversion=' in text
    where = 'server="dns://:53",zone=".",view=""'
    assert f'coredns_plugin_enabled{{{where},name="kubernetes"}} 1\n' in text
    assert f'coredns_plugin_enabled{{{where},name="forward"}} 1\n' in text
    assert "autopath" not in text
    assert "coredns_forward_max_concurrent_rejects_total 0\n" in text
    forward = Forward(servers=(("192.0.2.53", 53),), cache=Cache())
    groups.append(Group(forward, cache.Cache(Cache(), FakeClock()), {}, rejected=3))
    text = metrics.text()
    assert 'coredns_cache_entries{server="dns://:53",type="denial",zones=".",view=""} 0\n' in text
    assert "coredns_forward_max_concurrent_rejects_total 3\n" in text
    groups.clear()  # another configuration: a counter never goes back
    assert "coredns_forward_max_concurrent_rejects_total 3\n" in metrics.text()


def test_plugins_go_by_coredns_names() -> None:
    corefile = """.:53 {
        log
        errors
        health
        ready
        reload
        prometheus
        loadbalance
        cache
        hosts {
            192.0.2.1 a.b
        }
    }"""
    (block,) = configured(corefile).blocks
    # CoreDNS tells of those that handle queries.
    named = ["cache", "errors", "hosts", "loadbalance", "log", "prometheus"]
    assert plugins(block) == named
    (block,) = configured(". {\n forward . 192.0.2.53\n loop\n}\n").blocks
    assert plugins(block) == ["forward", "loop"]


def test_the_corefile_in_force_has_a_hash() -> None:
    metrics, made = Metrics(), configured(". {\n errors\n}\n")
    describe(metrics, lambda: made, lambda: (), lambda: 0)
    digest = sha512(b". {\n errors\n}\n").hexdigest()
    assert f'coredns_reload_version_info{{hash="sha512",value="{digest}"}} 1\n' in metrics.text()


def test_static_names_and_failed_corefiles_are_counted() -> None:
    metrics, failed = Metrics(), [0]
    lines = "192.0.2.1 a.b c.d\n 192.0.2.2 a.b\n 2001:db8::1 a.b\n"
    made = configured(f".:53 {{\n hosts {{\n {lines} }}\n}}\n")
    describe(metrics, lambda: made, lambda: (), lambda: failed[0])
    # Three addresses of a.b and one of c.d; two, one and one names of the addresses.
    assert "coredns_hosts_entries 8\n" in metrics.text()
    assert "coredns_reload_failed_total 0\n" in metrics.text()
    failed[0] = 2
    assert "coredns_reload_failed_total 2\n" in metrics.text()

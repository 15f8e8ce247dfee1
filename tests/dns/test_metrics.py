import random

import pytest

import netemu.dns.metrics as module
from netemu.dns import wire
from netemu.dns.metrics import DnsMetrics
from netemu.dns.observation import Batch, Observation, Observers
from netemu.dns.records import Source
from netemu.dns.tallies import MOST_KINDS, made_kind
from netemu.metrics import Metrics
from tests.dns.cluster import packet, replies_to, reply_to, responder, service, snapshot_of

SVC = "default.svc.cluster.local"
HERE = 'server="dns://:53",zone=".",view=""'


class Counting:
    """Metrics, and the text they come to."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.observers = observers = Observers()
        self.dns = DnsMetrics(self.metrics, observers)
        observers.subscribe(self.dns.observe, self.dns.observe_batch)
        self.udp = responder(observers=observers)
        self.udp6 = responder(observers=observers, by_ipv6=True)
        self.tcp = responder(stream=True, observers=observers)

    def lines(self, name: str) -> list[str]:
        found = [line for line in self.metrics.text().splitlines() if line.startswith(name)]
        return [line.replace(f"{HERE},", "").replace(HERE, "") for line in found]


def seen(
    query: bytes = b"", *, seconds: float = 0.0, source: Source = Source.CLUSTER, **more: str
) -> Observation:
    query = query or packet(f"web.{SVC}")
    reply = query[:2] + b"\x84\0" + query[4:6] + b"\0\1" + bytes(4) + query[12:] + bytes(16)
    client = more.get("client", "10.244.0.5")
    return Observation(client, 1, more.get("protocol", "udp"), query, reply, seconds, source)


def count(counting: Counting, seen: Observation) -> None:
    """Count a reply as the responder does that sent it."""
    try:
        query = wire.parse(seen.packet)
    except (wire.Malformed, wire.Unanswerable):
        query = None
    how = len(seen.packet), seen.reply, seen.protocol, seen.source
    kind = made_kind(query, *how, by_ipv6=":" in seen.client)
    counting.observers.tallies.of(kind).count += 1
    counting.dns.observe(seen)


def test_requests_are_counted_by_type_protocol_and_family() -> None:
    counting = Counting()
    for kind in ("A", "A", "AAAA", "SRV", "LOC"):
        replies_to(counting.udp, packet(f"web.{SVC}", kind))
    replies_to(counting.tcp, packet(f"web.{SVC}"))
    for _ in range(2):
        replies_to(counting.udp6, packet(f"web.{SVC}"), ("fd00::1", 7))
    assert counting.lines("coredns_dns_requests_total") == [
        'coredns_dns_requests_total{proto="tcp",family="1",type="A"} 1',
        'coredns_dns_requests_total{proto="udp",family="1",type="A"} 2',
        'coredns_dns_requests_total{proto="udp",family="1",type="AAAA"} 1',
        'coredns_dns_requests_total{proto="udp",family="1",type="SRV"} 1',
        'coredns_dns_requests_total{proto="udp",family="1",type="other"} 1',
        'coredns_dns_requests_total{proto="udp",family="2",type="A"} 2',
    ]


def test_responses_are_counted_by_code_and_plugin() -> None:
    counting = Counting()
    for name in (f"web.{SVC}", f"web.{SVC}", f"gone.{SVC}"):
        replies_to(counting.udp, packet(name))
    replies_to(counting.udp, packet("www.example.org"))
    replies_to(counting.udp, b"\0\1\1\0\0\2" + bytes(6))
    assert counting.lines("coredns_dns_responses_total") == [
        'coredns_dns_responses_total{rcode="FORMERR",plugin=""} 1',
        'coredns_dns_responses_total{rcode="NOERROR",plugin="kubernetes"} 2',
        'coredns_dns_responses_total{rcode="NXDOMAIN",plugin="kubernetes"} 1',
        'coredns_dns_responses_total{rcode="REFUSED",plugin=""} 1',
    ]


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("edns", [0, 1232])
def test_kept_replies_count_like_the_first(kept: bool, edns: int) -> None:
    counting = Counting()
    query = packet(f"web.{SVC}", "AAAA", edns=edns)
    for _ in range(3 if kept else 1):
        replies_to(counting.udp, query)
    (line,) = counting.lines("coredns_dns_requests_total")
    assert line.endswith(f'type="AAAA"}} {3 if kept else 1}')


def test_the_do_bit_is_counted() -> None:
    counting = Counting()
    query = bytearray(packet(f"web.{SVC}", edns=1232))
    replies_to(counting.udp, bytes(query))
    query[-4] = 0x80
    for _ in range(2):
        replies_to(counting.udp, bytes(query))
    assert counting.lines("coredns_dns_do_requests_total") == ["coredns_dns_do_requests_total{} 2"]


def test_each_reply_of_a_batch_took_as_long_as_the_batch() -> None:
    counting = Counting()
    counting.dns.observe_batch(Batch(0.0003, [b"", b""], [b"", b""], b""))
    lines = counting.lines("coredns_dns_request_duration_seconds")
    assert lines[:2] == [
        'coredns_dns_request_duration_seconds_bucket{le="0.00025"} 0',
        'coredns_dns_request_duration_seconds_bucket{le="0.0005"} 2',
    ]


def test_sizes_and_times_fall_into_coredns_buckets() -> None:
    counting = Counting()
    for seconds in (0.125e-3, 0.25e-3, 0.375e-3, 3.0, 100.0):
        count(counting, seen(seconds=seconds))
    lines = counting.lines("coredns_dns_request_duration_seconds")
    assert lines[:2] == [
        'coredns_dns_request_duration_seconds_bucket{le="0.00025"} 2',
        'coredns_dns_request_duration_seconds_bucket{le="0.0005"} 3',
    ]
    assert lines[15:] == [
        'coredns_dns_request_duration_seconds_bucket{le="8.192"} 4',
        'coredns_dns_request_duration_seconds_bucket{le="+Inf"} 5',
        "coredns_dns_request_duration_seconds_sum{} 103.00075",
        "coredns_dns_request_duration_seconds_count{} 5",
    ]
    sizes = counting.lines("coredns_dns_response_size_bytes")
    assert sizes[0] == 'coredns_dns_response_size_bytes_bucket{proto="udp",le="0"} 0'
    assert sizes[1] == 'coredns_dns_response_size_bytes_bucket{proto="udp",le="100"} 5'
    assert sizes[13].startswith('coredns_dns_response_size_bytes_bucket{proto="udp",le="64000"}')


def test_the_cache_is_seen() -> None:
    counting = Counting()
    for source in (Source.FORWARD, Source.CACHE, Source.CACHE, Source.HOSTS):
        count(counting, seen(source=source))
    denied = seen(source=Source.CACHE)
    denied = denied._replace(reply=denied.reply[:3] + b"\3" + denied.reply[4:])
    count(counting, denied)
    where = 'server="dns://:53",zones=".",view=""'
    cache = [line.replace(where, "") for line in counting.lines("coredns_cache")]
    assert cache == [
        'coredns_cache_hits_total{server="dns://:53",type="denial",zones=".",view=""} 1',
        'coredns_cache_hits_total{server="dns://:53",type="success",zones=".",view=""} 2',
        "coredns_cache_misses_total{} 1",
        "coredns_cache_requests_total{} 4",
    ]


def test_panics_are_counted() -> None:
    counting = Counting()
    assert counting.lines("coredns_panics") == ["coredns_panics_total 0"]
    bad = snapshot_of([], [service("bad", "no address")], [])
    reply_to(responder(bad, observers=counting.observers), packet(f"bad.{SVC}"))
    assert counting.lines("coredns_panics") == ["coredns_panics_total 1"]


def test_however_many_kinds_there_are_nothing_is_lost() -> None:
    counting, rng = Counting(), random.Random(7)
    for number in range(3 * MOST_KINDS):
        query = rng.randbytes(12 + number % 400)
        count(counting, Observation("x", 1, "udp", query, bytes(12), 0.0, Source.CLUSTER))
    (line,) = counting.lines("coredns_dns_request_duration_seconds_count")
    assert line.endswith(f" {3 * MOST_KINDS}")
    requests = counting.lines("coredns_dns_requests_total")
    assert sum(int(line.rpartition(" ")[2]) for line in requests) == 3 * MOST_KINDS
    assert len(requests) <= 1 + len(module.LABELLED_TYPES)

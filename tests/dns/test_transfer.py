"""Zones as secondary servers get them."""

from collections import Counter
from typing import Any

import dnslib
import pytest

from netemu.dns import transfer
from netemu.dns.responder import Responder
from netemu.model.snapshot import EMPTY
from tests.dns.cluster import CLIENT, packet, reply_to, responder

SVC = "default.svc.cluster.local"
OPEN = """. {
    kubernetes cluster.local in-addr.arpa ip6.arpa
    transfer cluster.local in-addr.arpa {
        to * 192.0.2.1
    }
}"""


def messages(one: Responder, query: bytes, client: tuple[str, int] = CLIENT) -> list[bytes]:
    found: list[bytes] = []
    one.handle(query, client, lambda reply: found.append(bytes(reply)), found.extend)
    return found


def zone(name: str = "cluster.local", kind: str = "AXFR") -> list[Any]:
    one = responder(corefile=OPEN, stream=True)
    replies = [dnslib.DNSRecord.parse(octets) for octets in messages(one, packet(name, kind))]
    assert all(reply.header.aa and not reply.header.tc for reply in replies)
    return [rr for reply in replies for rr in reply.rr]


@pytest.mark.parametrize("kind", ["AXFR", "IXFR"])
def test_a_zone_begins_and_ends_with_its_soa(kind: str) -> None:
    records = zone(kind=kind)
    assert [n for n, rr in enumerate(records) if rr.rtype == dnslib.QTYPE.SOA] == [
        0,
        len(records) - 1,
    ]
    assert records[0] == records[-1]


def test_everything_in_it_is_what_a_query_is_told() -> None:
    one, seen = responder(corefile=OPEN, stream=True), Counter[str]()
    for rr in zone()[1:-1]:
        kind = dnslib.QTYPE[rr.rtype]
        told = reply_to(one, packet(str(rr.rname).rstrip("."), kind))
        assert str(rr.rdata) in {str(each.rdata) for each in told.rr}, rr
        seen[kind] += 1
        seen[str(rr)] += 1
    assert max(count for line, count in seen.items() if "\t" in line or " " in line) == 1
    assert {"A", "AAAA", "SRV", "CNAME", "TXT", "NS"} <= set(seen)


def test_endpoint_names_are_in_it() -> None:
    lines = [f"{rr.rname} {rr.rdata}" for rr in zone()]
    for line in (
        f"web.{SVC}. 10.96.0.7",
        f"db-0.db.{SVC}. 10.244.0.10",
        f"10-244-0-11.db.{SVC}. 10.244.0.11",
        f"_http._tcp.web.{SVC}. 0 100 80 web.{SVC}.",
        f"ext-web.{SVC}. web.{SVC}.",
        'dns-version.cluster.local. "1.1.0"',
        "cluster.local. kube-dns.kube-system.svc.cluster.local.",
    ):
        assert line in lines
    assert not any(line.startswith(f"ext-web.{SVC}. 10.") for line in lines)
    assert not any(f"db-2.db.{SVC}" in line for line in lines)


def test_the_reverse_zone_has_pointers() -> None:
    records = zone("in-addr.arpa")
    assert f"7.0.96.10.in-addr.arpa. web.{SVC}." in [f"{rr.rname} {rr.rdata}" for rr in records]
    assert {dnslib.QTYPE[rr.rtype] for rr in records} == {"SOA", "NS", "PTR"}


def test_a_large_zone_takes_several_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = zone()
    monkeypatch.setattr(transfer, "RECORDS_A_MESSAGE", 7)
    assert zone() == whole
    found = messages(responder(corefile=OPEN, stream=True), packet("cluster.local", "AXFR"))
    assert len(found) == -(-len(whole) // 7)


REFUSALS = {
    "unless it is configured": ("", "cluster.local", CLIENT),
    "a name below the apex": (OPEN, SVC, CLIENT),
    "a foreign zone": (OPEN, "example.org", CLIENT),
    "a zone that isn't named": (OPEN, "ip6.arpa", CLIENT),
    "a client that isn't named": (OPEN.replace("* ", ""), "cluster.local", CLIENT),
}


@pytest.mark.parametrize(("corefile", "name", "client"), REFUSALS.values(), ids=REFUSALS.keys())
def test_it_is_refused(corefile: str, name: str, client: tuple[str, int]) -> None:
    one = responder(corefile=corefile, stream=True)
    (octets,) = messages(one, packet(name, "AXFR"), client)
    assert dnslib.DNSRecord.parse(octets).header.rcode == 5


def test_who_is_named_gets_it() -> None:
    one = responder(corefile=OPEN.replace("* ", ""), stream=True)
    found = messages(one, packet("cluster.local", "AXFR"), ("192.0.2.1", 5))
    assert {dnslib.DNSRecord.parse(octets).header.rcode for octets in found} == {0}


def test_never_over_udp_and_never_before_the_first_list() -> None:
    query = packet("cluster.local", "AXFR")
    assert reply_to(responder(corefile=OPEN), query).header.rcode == 5
    (octets,) = messages(responder(EMPTY, corefile=OPEN, stream=True), query)
    assert dnslib.DNSRecord.parse(octets).header.rcode == 5

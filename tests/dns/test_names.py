from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.dns.names import (
    EndpointName,
    Fixed,
    NamespaceName,
    PodName,
    PortName,
    ReverseName,
    ServiceName,
    Target,
    dashed,
    locate,
    undashed,
)
from netemu.dns.records import Name, name_from

ZONE = name_from("cluster.local")

MEANINGS: dict[str, Target] = {
    "cluster.local": Fixed.APEX,
    "svc.cluster.local": Fixed.EMPTY,
    "dns-version.cluster.local": Fixed.VERSION,
    "ns.dns.cluster.local": Fixed.NAME_SERVER,
    "a.svc.cluster.local": NamespaceName("a"),
    "a.pod.cluster.local": NamespaceName("a"),
    "b.a.svc.cluster.local": ServiceName(("a", "b")),
    "svc.svc.svc.cluster.local": ServiceName(("svc", "svc")),
    "pod.pod.svc.cluster.local": ServiceName(("pod", "pod")),
    "c.b.a.svc.cluster.local": EndpointName(("a", "b"), "c"),
    "_tcp.b.a.svc.cluster.local": PortName(("a", "b"), "", "tcp"),
    "_http._tcp.b.a.svc.cluster.local": PortName(("a", "b"), "http", "tcp"),
    "http._tcp.b.a.svc.cluster.local": Fixed.MISSING,
    "_._tcp.b.a.svc.cluster.local": Fixed.MISSING,
    "x._http._tcp.b.a.svc.cluster.local": Fixed.MISSING,
    "10-0-0-1.a.pod.cluster.local": PodName("a", "10.0.0.1"),
    "x.10-0-0-1.a.pod.cluster.local": Fixed.MISSING,
    "x.cluster.local": Fixed.MISSING,
    "1.0.0.10.in-addr.arpa": ReverseName("10.0.0.1"),
    "01.0.0.10.in-addr.arpa": Fixed.MISSING,
    "1." + "0." * 31 + "ip6.arpa": ReverseName("::1"),
    "ns.dns.ip6.arpa": Fixed.NAME_SERVER,
}


@pytest.mark.parametrize(("text", "target"), MEANINGS.items())
def test_names_are_read_from_the_right(text: str, target: Target) -> None:
    found = locate(name_from(text), ZONE)
    assert found is not None
    assert found[1] == target


def test_the_zone_is_given_in_the_spelling_of_the_name() -> None:
    assert locate(name_from("a.svc.Cluster.LOCAL"), ZONE) == (
        (b"Cluster", b"LOCAL"),
        NamespaceName("a"),
    )


def test_a_zone_begins_with_a_label() -> None:
    for text in ("a.svc.mycluster.local", "cluster.local.example.net", "local"):
        assert locate(name_from(text), ZONE) is None
    assert locate((), ZONE) is None


def test_dots_within_a_label_separate_nothing() -> None:
    for rest in ((b"b.a", b"svc"), (b"b.a.svc",), (b"a.svc",), (b"1.0", b"0", b"10")):
        found = locate((*rest, *ZONE), ZONE)
        assert found in ((ZONE, Fixed.MISSING), (ZONE, NamespaceName("b.a")))
    assert locate((b"0.1", b"0", b"10", b"in-addr", b"arpa"), ZONE) == (
        (b"in-addr", b"arpa"),
        Fixed.MISSING,
    )


def test_a_label_of_any_octets_is_a_label() -> None:
    for octet in range(256):
        label = bytes([octet]) * 63
        found = locate((label, b"a", b"svc", *ZONE), ZONE)
        assert found == (ZONE, ServiceName(("a", label.lower().decode("latin-1"))))


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_an_address_with_dashes_is_an_address_again(address: IPv4Address | IPv6Address) -> None:
    label = dashed(str(address))
    assert len(label) <= 63
    assert not label.endswith("-")
    assert ip_address(undashed(label)) == address


@pytest.mark.parametrize(
    "label",
    [
        "",
        "-",
        "256-1-1-1",
        "1-2-3",
        "01-2-3-4",
        "fe80--1%eth0",
        "1.2.3.4",
        "a::b",
        "x-y",
        "٣-1-1-1",
    ],
)
def test_other_labels_are_no_addresses(label: str) -> None:
    assert undashed(label) == ""


LABELS = st.one_of(
    st.sampled_from([b"svc", b"pod", b"a", b"_tcp", b"in-addr", b"ip6", b"arpa", *ZONE]),
    st.binary(min_size=1, max_size=63),
)


@given(st.lists(LABELS, max_size=36).map(tuple))
def test_every_name_means_something_or_nothing(name: Name) -> None:
    found = locate(name, ZONE)
    if found is not None:
        origin, _ = found
        assert name[len(name) - len(origin) :] == origin

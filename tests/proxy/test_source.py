"""Whose address an endpoint sees."""

from ipaddress import IPv4Network, IPv6Network

import pytest

from netemu.model.service import TrafficPolicy
from netemu.proxy.policy import Door, Place
from netemu.proxy.source import Sources
from tests.proxy.harness import to

SOURCES = Sources(
    IPv4Network("10.244.0.0/16"), (IPv4Network("10.96.0.0/12"), IPv4Network("172.30.0.0/24"))
)
INTERNAL = Door()
NODE_PORT = Door(external=True, place=Place("node-1"))
LOCAL = Door(TrafficPolicy.LOCAL, external=True)
POD, NODE, VIRTUAL, OUTSIDE = "10.244.1.3", "172.30.0.11", "10.96.0.5", "192.0.2.1"

CASES = [
    ("a pod keeps its address on the way to a clusterIP", INTERNAL, POD, True),
    ("a node doesn't need to", INTERNAL, NODE, False),
    (
        "one of the cluster's network starts from the virtual address",
        INTERNAL,
        VIRTUAL,
        False,
    ),
    ("the host is masqueraded", INTERNAL, OUTSIDE, False),
    ("a node port masquerades pods", NODE_PORT, POD, False),
    ("and the outside", NODE_PORT, OUTSIDE, False),
    ("external traffic that stays local keeps a pod's address", LOCAL, POD, True),
    ("and the outside's", LOCAL, OUTSIDE, True),
    ("but not the cluster network's own", LOCAL, NODE, False),
]


@pytest.mark.parametrize(
    ("door", "client", "kept"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_the_client_is_seen_where_kubernetes_shows_it(door: Door, client: str, kept: bool) -> None:
    assert SOURCES.kept_at(door, client) is kept


def test_what_leads_nowhere_in_particular_keeps_nothing() -> None:
    assert not SOURCES.kept(to(("10.244.0.2", 80)), POD)


SOURCES6 = Sources(
    IPv6Network("fd00:10:244::/56"),
    (IPv6Network("fd00:10:96::/112"), IPv6Network("fd00:172:30::/64")),
)
OF_IPV6 = {
    POD: "fd00:10:244:1::3",
    NODE: "fd00:172:30::b",
    VIRTUAL: "fd00:10:96::5",
    OUTSIDE: "2001:db8::1",
}


@pytest.mark.parametrize(
    ("door", "client", "kept"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_the_same_holds_for_ipv6(door: Door, client: str, kept: bool) -> None:
    assert SOURCES6.kept_at(door, OF_IPV6[client]) is kept
    assert SOURCES6.near(OF_IPV6[NODE])
    assert not SOURCES6.near(OF_IPV6[POD])

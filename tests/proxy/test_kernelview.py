"""What the kernel has is told in the words of Services (the whole way: `test_modes`)."""

import socket
import struct

from netemu.model.nft import IPV4, IPV6, Member, Tracked
from netemu.model.service import Protocol
from netemu.proxy.kernelview import Stuck, rows, stuck
from netemu.proxy.site import Backend

WEB = Backend(("default", "web"), "http", Protocol.TCP)
CLIENT, FRONT, POD = ("10.244.0.9", 40000), ("10.96.0.5", 80), ("10.244.0.2", 8080)
FRONTS = {(*FRONT, "TCP"): WEB}


def tracked(**other: object) -> Tracked:
    facts = {
        "protocol": socket.IPPROTO_TCP,
        "client": CLIENT,
        "front": FRONT,
        "back": POD,
        "since": 97.5,
        "received": 10,
        "sent": 20,
    }
    return Tracked(**{**facts, **other})  # type: ignore[arg-type]  # a table of its fields


def test_a_translated_connection_has_a_row() -> None:
    assert list(rows([tracked()], FRONTS, 100.0)) == [
        {
            "protocol": "TCP",
            "client": "10.244.0.9:40000",
            "namespace": "default",
            "service": "web",
            "port": "http",
            "endpoint": "10.244.0.2:8080",
            "seconds": 2.5,
            "received": 10,
            "sent": 20,
        }
    ]


def test_what_is_no_services_or_not_translated_has_none() -> None:
    others = [
        tracked(front=("10.96.0.6", 80)),
        tracked(protocol=socket.IPPROTO_UDP),
        tracked(protocol=socket.IPPROTO_ICMP),
        tracked(back=FRONT),
    ]
    assert list(rows(others, FRONTS, 100.0)) == []


def test_an_age_that_is_not_known_is_nothing() -> None:
    [row] = rows([tracked(since=None)], FRONTS, 100.0)
    assert row["seconds"] == 0


def test_clients_are_told_by_the_pool_they_are_remembered_for() -> None:
    def member(pool: int, client: str, pod: str, family: socket.AddressFamily) -> Member:
        key = struct.pack("=I", pool) + socket.inet_pton(family, client)
        return Member(key, socket.inet_pton(family, pod) + struct.pack("!Hxx", 8080), 9.0)

    four, six = socket.AF_INET, socket.AF_INET6
    known = member(7, "10.244.0.9", "10.244.0.2", four)
    gone = member(8, "10.244.0.9", "10.244.0.2", four)
    assert list(stuck([known, gone], {7: WEB}, IPV4)) == [Stuck(WEB, "10.244.0.9", POD, 9.0)]
    [longer] = stuck([member(7, "fd00::9", "fd00::2", six)], {7: WEB}, IPV6)
    assert (longer.client, longer.endpoint) == ("fd00::9", ("fd00::2", 8080))

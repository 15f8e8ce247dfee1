import socket
import struct

import pytest

from netemu.fabric.cluster import LOOPBACK
from netemu.fabric.conntrack import Conntrack
from netemu.fabric.nftables import Nftables
from netemu.fabric.rtnetlink import Netlink
from netemu.model.nft import FAMILIES, AddChain, AddRule, AddTable, Equal, Hook, Load, Masked, Read
from tests.support.forked import in_bare_network, needs_root

pytestmark = needs_root


def track_connections(version: int) -> None:
    """The kernel does from the first rule on that asks about them."""
    rules = Nftables("trial", version)
    asks = Read(Load.STATUS), Masked(struct.pack("=I", 32)), Equal(bytes(4), negated=True)
    hook = Hook("filter", "output", 0)
    rules.apply([AddTable(), AddChain("all", hook), AddRule("all", asks)])
    rules.close()


@pytest.mark.parametrize(
    ("version", "loopback"), [(4, "127.0.0.1"), (6, "::1")], ids=["IPv4", "IPv6"]
)
def test_flows_are_listed_and_forgotten_by_what_was_addressed(version: int, loopback: str) -> None:
    family = FAMILIES[version]

    def inside() -> tuple[bool, int, bool, int]:
        Netlink().up(LOOPBACK)
        track_connections(version)
        table = Conntrack(version)
        with (
            socket.socket(family, socket.SOCK_DGRAM) as server,
            socket.socket(family, socket.SOCK_DGRAM) as client,
        ):
            server.bind((loopback, 0))
            front = server.getsockname()[:2]
            client.sendto(b"?", front)
            known = any(flow.front == flow.back == front for flow in table.flows())
            others = table.forget(socket.IPPROTO_TCP, lambda flow: flow.front == front)
            client_known = client.getsockname()[1]
            gone = table.forget(
                socket.IPPROTO_UDP,
                lambda flow: flow.client[1] == client_known and flow.front == flow.back == front,
            )
            left = any(flow.front == front for flow in table.flows())
        table.close()
        return known, others, left, gone

    assert in_bare_network(inside) == (True, 0, False, 1)

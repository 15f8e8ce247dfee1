import errno
import socket
from collections.abc import Iterator

import pytest

from netemu.fabric.host import HostSockets, LocalSockets, of_one_family
from netemu.fabric.namespaces import Namespace, unshare
from tests.support import forked
from tests.support.forked import needs_root
from tests.support.ports import PLAIN_PORTS, free_ports

Both = HostSockets | LocalSockets


@pytest.fixture(params=[HostSockets, LocalSockets])
def sockets(request: pytest.FixtureRequest) -> Iterator[Both]:
    made: Both = request.param()
    yield made
    made.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_listener_accepts(sockets: Both, address: str) -> None:
    with sockets.listen(address, 0) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection((address, port)) as client:
            listener.setblocking(True)
            accepted, peer = listener.accept()
            with accepted:
                assert peer[:2] == client.getsockname()[:2]
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_sockets_do_not_block(sockets: Both) -> None:
    with (
        sockets.listen("127.0.0.1", 0) as listener,
        sockets.bind_udp("127.0.0.1", 0) as bound,
        sockets.connector(socket.SOCK_STREAM) as connector,
    ):
        assert not any(each.getblocking() for each in (listener, bound, connector))


def test_a_port_is_listened_on_once(sockets: Both) -> None:
    with sockets.listen("127.0.0.1", 0) as listener:
        with pytest.raises(OSError) as refusal:  # noqa: PT011
            sockets.listen("127.0.0.1", listener.getsockname()[1])
        assert refusal.value.errno == errno.EADDRINUSE


def test_a_udp_port_is_bound_once(sockets: Both) -> None:
    with sockets.bind_udp("127.0.0.1", 0) as bound:
        with pytest.raises(OSError) as refusal:  # noqa: PT011
            sockets.bind_udp("127.0.0.1", bound.getsockname()[1])
        assert refusal.value.errno == errno.EADDRINUSE


def test_all_ipv6_addresses_leave_ipv4_alone(sockets: Both) -> None:
    [port] = free_ports(PLAIN_PORTS, 1)
    with sockets.listen("::", port), sockets.listen("0.0.0.0", port) as other:
        assert other.getsockname()[1] == port


def test_a_connector_is_of_the_kind_asked_for(sockets: Both) -> None:
    with sockets.connector(socket.SOCK_DGRAM) as connector:
        assert connector.type == socket.SOCK_DGRAM
        assert connector.family == socket.AF_INET


@needs_root
def test_host_sockets_stay_where_they_were_made() -> None:
    def inside() -> tuple[int, int]:
        host, before = HostSockets(), socket.socket()
        unshare(Namespace.NET)
        listener = host.listen("127.0.0.1", 0)
        address = listener.getsockname()
        # In the new namespace not even the loopback device is up.
        return before.connect_ex(address), socket.socket().connect_ex(address)

    assert forked.in_own_network(inside) == (0, errno.ENETUNREACH)


FOUR, SIX = ["192.0.2.1", "192.0.2.2"], ["2001:db8::1"]


@pytest.mark.parametrize(
    ("found", "routed", "expected"),
    [
        ([*SIX, *FOUR], {*SIX, *FOUR}, FOUR),
        ([*SIX, *FOUR], {*SIX, FOUR[1]}, FOUR[1:]),
        ([*SIX, *FOUR], {*SIX}, SIX),
        (SIX, set(), SIX),
        ([*SIX, *FOUR], set(), FOUR),
        ([], set(), []),
    ],
)
def test_hosts_outside_are_reached_by_the_family_that_leads_somewhere(
    found: list[str], routed: set[str], expected: list[str]
) -> None:
    assert of_one_family(found, routed.__contains__) == expected


async def test_names_have_addresses(sockets: Both) -> None:
    assert set(await sockets.resolve("127.0.0.1")) == {"127.0.0.1"}
    assert set(await sockets.resolve("::1")) == {"::1"}
    with pytest.raises(OSError, match="not known|No address|failure"):
        await sockets.resolve("nobody.invalid")

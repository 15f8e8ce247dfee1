"""Clients in one network, told apart by the hostname namespace of their process."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from netemu.fabric.cluster import LOOPBACK
from netemu.fabric.namespaces import Namespace, unshare
from netemu.fabric.owners import Owners, socket_inode
from netemu.fabric.rtnetlink import Netlink
from tests.support.forked import in_bare_network, needs_root


@pytest.mark.parametrize(("kind", "loopback"), [(4, "127.0.0.1"), (6, "::1")])
def test_a_socket_is_found_by_its_address(kind: int, loopback: str) -> None:
    family = socket.AF_INET6 if kind == 6 else socket.AF_INET
    with socket.create_server((loopback, 0), family=family) as server:
        with socket.create_connection(server.getsockname()[:2]) as client:
            found = socket_inode(client.getsockname()[:2])
            assert found == os.fstat(client.fileno()).st_ino
        assert socket_inode((loopback, 1)) is None


def test_so_is_one_of_datagrams_bound_to_no_address() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("", 0))
        address = "127.0.0.1", client.getsockname()[1]
        assert socket_inode(address, datagrams=True) == os.fstat(client.fileno()).st_ino
        assert socket_inode(address) is None


@contextmanager
def client(open_one: Callable[[], socket.socket]) -> Iterator[tuple[int, tuple[str, int]]]:
    """A process with a hostname namespace of its own, and the address of a client in it."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        unshare(Namespace.UTS)
        held = open_one()
        name, port = held.getsockname()
        os.write(writer, f"{os.stat('/proc/self/ns/uts').st_ino} {name} {port}".encode())
        signal.pause()
    inode, name, port = os.read(reader, 100).decode().split()
    try:
        yield int(inode), (name, int(port))
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(reader)
        os.close(writer)


@needs_root
def test_clients_are_on_the_node_of_their_sandbox() -> None:
    def inside() -> list[str]:
        Netlink().up(LOOPBACK)
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = server.getsockname()

            def connected() -> socket.socket:
                return socket.create_connection(address)

            with client(connected) as one, client(connected) as two, client(connected) as other:
                owners = Owners({one[0]: "172.30.0.11", two[0]: "172.30.0.12"})
                found = [owners.of(each[1]) for each in (one, two, one, other)]
                return [*found, owners.of(("127.0.0.1", 1))]

    expected = ["172.30.0.11", "172.30.0.12", "172.30.0.11", "", ""]
    assert in_bare_network(inside) == expected


def test_without_sandboxes_there_is_nobody_to_tell_apart() -> None:
    sandboxes: dict[int, str] = {}
    owners = Owners(sandboxes)
    assert not owners
    sandboxes[1] = "172.30.0.11"
    assert owners

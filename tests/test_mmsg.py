"""Socket addresses as the kernel writes them."""

import socket

from netemu.mmsg import ADDRESS_OCTETS, name_octets, peer_at


def name4(address: str, port: int) -> bytes:
    made = socket.AF_INET.to_bytes(2, "little") + port.to_bytes(2, "big")
    return (made + socket.inet_pton(socket.AF_INET, address)).ljust(ADDRESS_OCTETS, b"\0")


def name6(address: str, port: int, scope: int) -> bytes:
    made = socket.AF_INET6.to_bytes(2, "little") + port.to_bytes(2, "big") + bytes(4)
    return made + socket.inet_pton(socket.AF_INET6, address) + scope.to_bytes(4, "little")


def test_socket_addresses_are_read() -> None:
    clients = name4("10.244.0.5", 4000) + name6("fe80::1", 4001, 7)
    assert peer_at(clients, 0) == ("10.244.0.5", 4000)
    assert peer_at(clients, 1) == ("fe80::1", 4001, 0, 7)


def test_those_of_ipv6_are_the_longest() -> None:
    assert name_octets(socket.AF_INET) < name_octets(socket.AF_INET6) == ADDRESS_OCTETS

import socket
import struct
import threading

import pytest

from netemu.programs import place


def test_without_host_the_system_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOST", raising=False)
    assert place.hostname() == socket.gethostname()
    assert place.resolve("127.0.0.1") == "127.0.0.1"


def test_a_listener_takes_the_pods_own_address_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "127.41.0.1")
    with place.listener(0) as sock:
        assert sock.getsockname()[0] == "127.41.0.1"
    monkeypatch.delenv("HOST")
    with place.listener(0) as sock, socket.create_connection(("127.0.0.1", sock.getsockname()[1])):
        pass


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (("10.0.0.1", 5), "10.0.0.1:5"),
        (("::ffff:10.0.0.1", 5, 0, 0), "10.0.0.1:5"),
        (("fd00::1", 5, 0, 0), "[fd00::1]:5"),
    ],
)
def test_peers_are_shown_as_agnhost_does(address: tuple[object, ...], shown: str) -> None:
    assert place.peer(address) == shown


def test_names_are_searched_as_a_resolver_does(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(10)

        def answer() -> None:
            for _ in range(2):
                packet, client = sock.recvfrom(512)
                name = question(packet)
                asked.append(name)
                found = name == "redis.svc.cluster.local"
                head = packet[:2] + struct.pack("!5H", 0x8180, 1, 1 if found else 0, 0, 0)
                record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 5, 4) + bytes([10, 96, 0, 7])
                sock.sendto(head + packet[12:] + (record if found else b""), client)

        thread = threading.Thread(target=answer)
        thread.start()
        monkeypatch.setenv("HOST", "127.41.0.1")
        monkeypatch.setenv("NETEMU_DNS", f"127.0.0.1:{sock.getsockname()[1]}")
        monkeypatch.setenv("NETEMU_SEARCH", "default.svc.cluster.local svc.cluster.local")
        assert place.resolve("redis") == "10.96.0.7"
        thread.join()
    assert asked == ["redis.default.svc.cluster.local", "redis.svc.cluster.local"]


def question(packet: bytes) -> str:
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1 : at + 1 + packet[at]].decode())
        at += 1 + packet[at]
    return ".".join(labels)


def test_a_name_nobody_knows_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "127.41.0.1")
    monkeypatch.setenv("NETEMU_DNS", "127.0.0.1:9")
    monkeypatch.setenv("NETEMU_SEARCH", "")
    with pytest.raises(socket.gaierror):
        place.resolve("nobody")

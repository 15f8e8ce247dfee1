import socket
import struct
import threading

import pytest

from netemu.programs.srv import lookup, own_domain, parse

QUESTION = b"\x05kubia\x03svc\0\0\x21\0\x01"


def record(target: bytes, port: int = 80) -> bytes:
    """An SRV record of the name in the question; its target as it is encoded."""
    data = struct.pack("!HHH", 0, 33, port) + target
    return b"\xc0\x0c" + struct.pack("!HHIH", 33, 1, 5, len(data)) + data


def reply(*records: bytes, number: bytes = b"\0\1") -> bytes:
    return number + struct.pack("!5H", 0x8180, 1, len(records), 0, 0) + QUESTION + b"".join(records)


def test_names_are_read_whole_and_compressed() -> None:
    whole, compressed = b"\x01a\x05kubia\x03svc\0", b"\x01b\xc0\x0c"
    assert parse(reply(record(whole), record(compressed, 8080))) == [
        ("a.kubia.svc", 80),
        ("b.kubia.svc", 8080),
    ]


def test_no_records_are_no_peers() -> None:
    assert parse(reply()) == []


@pytest.mark.parametrize(
    "damaged",
    [b"", reply(record(b"\xc0\xff")), reply(record(b"\x01a\0"))[:-3], reply(record(b"\xc0\x3c"))],
    ids=["empty", "outside", "cut", "in a circle"],
)
def test_what_is_damaged_is_an_error(damaged: bytes) -> None:
    with pytest.raises(OSError, match="damaged"):
        parse(damaged)


def test_a_name_server_is_asked() -> None:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def answer() -> None:
        query, client = server.recvfrom(512)
        server.sendto(b"xx" + reply()[2:], client)  # somebody else's
        server.sendto(reply(record(b"\x01a\0"), number=query[:2]), client)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        assert lookup("kubia.svc", server.getsockname()) == [("a", 80)]
    finally:
        thread.join()
        server.close()


def test_the_domain_is_what_follows_the_hosts_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETEMU_FQDN", "kubia-0.kubia.default.svc.cluster.local")
    assert own_domain() == "kubia.default.svc.cluster.local"

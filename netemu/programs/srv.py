"""SRV records by a query over UDP: how a StatefulSet's pod finds its peers.

The system's resolver functions know addresses only, so this asks the name server itself.
"""

import os
import random
import socket
import struct

DNS_SECONDS = 2.0
"""How long to wait for an answer, before the one retry."""

_SRV = 33
_EDNS = b"\0\0\x29\x10\0\0\0\0\0\0\0"
"""Room for 4096 bytes of answer (RFC 6891); twenty peers don't fit 512."""


def own_domain() -> str:
    """The domain of the pod's governing Service, "" without one."""
    name = os.environ.get("NETEMU_FQDN") or _full_name()
    return name.partition(".")[2]


def _full_name() -> str:
    """The longest name that /etc/hosts has for this host."""
    own = socket.gethostname()
    try:
        with open("/etc/hosts", encoding="utf-8") as file:
            words = [word for line in file for word in line.partition("#")[0].split()[1:]]
    except OSError:
        return ""
    return max((word for word in words if word.startswith(f"{own}.")), key=len, default="")


def name_server() -> tuple[str, int]:
    """Whom to ask. Raises OSError."""
    given = os.environ.get("NETEMU_DNS", "")
    if given:
        host, _, port = given.rpartition(":")
        return host, int(port)
    with open("/etc/resolv.conf", encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if words[:1] == ["nameserver"] and len(words) > 1:
                return words[1], 53
    raise OSError("there is no name server in /etc/resolv.conf")


def lookup(name: str, server: tuple[str, int]) -> list[tuple[str, int]]:
    """(host name, port) of each SRV record. Raises OSError when nobody answers."""
    number = random.randrange(65536)
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    header = struct.pack("!6H", number, 0x100, 1, 0, 0, 1)
    query = header + labels + struct.pack("!BHH", 0, _SRV, 1) + _EDNS
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(DNS_SECONDS)
        sock.connect(server)
        reply = _asked(sock, query)
    return parse(reply)


def _asked(sock: socket.socket, query: bytes) -> bytes:
    for attempt in (1, 2):
        sock.send(query)
        try:
            reply = sock.recv(4096)
            while reply[:2] != query[:2]:
                reply = sock.recv(4096)
        except TimeoutError:
            if attempt == 2:
                raise
        else:
            return reply
    raise AssertionError("the second attempt ends it")


def parse(reply: bytes) -> list[tuple[str, int]]:
    """The SRV records in the answer section of a reply. Raises OSError if it is damaged."""
    try:
        questions, answers = struct.unpack_from("!HH", reply, 4)
        offset = 12
        for _ in range(questions):
            offset = _name(reply, offset)[1] + 4
        found = []
        for _ in range(answers):
            offset = _name(reply, offset)[1]
            kind, _, _, size = struct.unpack_from("!HHIH", reply, offset)
            offset += 10
            if kind == _SRV:
                (port,) = struct.unpack_from("!H", reply, offset + 4)
                found.append((_name(reply, offset + 6)[0], port))
            offset += size
    except (struct.error, IndexError, UnicodeError) as error:
        raise OSError(f"the name server's answer is damaged: {error}") from error
    return found


def _name(reply: bytes, offset: int) -> tuple[str, int]:
    """A name and where what follows it begins; it may end elsewhere (RFC 1035, 4.1.4)."""
    labels: list[str] = []
    after = -1
    while size := reply[offset]:
        if size >= 0xC0:
            after = offset + 2 if after < 0 else after
            target = (size & 0x3F) << 8 | reply[offset + 1]
            if target >= offset:
                raise IndexError("a name leads forward")
            offset = target
        else:
            labels.append(reply[offset + 1 : offset + 1 + size].decode("ascii"))
            offset += 1 + size
    return ".".join(labels), offset + 1 if after < 0 else after

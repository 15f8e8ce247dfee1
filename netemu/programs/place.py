"""Where a program runs: its address, its hostname, and how it finds other names.

In a pod of its own network that is what the system says. In loopback mode there is one network
for everybody, so the pod is told: HOST and POD_IP (listen there and nowhere else), HOSTNAME, and
NETEMU_DNS with NETEMU_SEARCH in place of /etc/resolv.conf.
"""

import os
import socket
import struct

DNS_SECONDS = 2.0
"""How long to wait for one answer."""


def hostname() -> str:
    """The pod's hostname."""
    if "HOST" in os.environ and "HOSTNAME" in os.environ:
        return os.environ["HOSTNAME"]
    return socket.gethostname()


def listener(port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """A socket on all of the pod's addresses, IPv4 and (where there is any) IPv6."""
    own = os.environ.get("HOST", "")
    family = socket.AF_INET if own or not socket.has_dualstack_ipv6() else socket.AF_INET6
    sock = socket.socket(family, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind((own, port))
    if kind == socket.SOCK_STREAM:
        sock.listen(1024)
    return sock


def peer(address: tuple[object, ...]) -> str:
    """A client's address as agnhost prints it: ``ip:port`` or ``[ip]:port``."""
    ip = str(address[0]).removeprefix("::ffff:")
    return f"[{ip}]:{address[1]}" if ":" in ip else f"{ip}:{address[1]}"


def resolve(name: str) -> str:
    """An address of `name`. Raises socket.gaierror."""
    server = os.environ.get("NETEMU_DNS", "")
    if "HOST" not in os.environ or not server or _is_address(name):
        return str(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)[0][4][0])
    import random  # late: with all it needs it takes a tenth of a pod's start

    host, _, port = server.rpartition(":")
    for candidate in _candidates(name):
        addresses = ask(candidate, (host, int(port)))
        if addresses:
            return random.choice(addresses)
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def connect(host: str, port: int, timeout: float | None = None) -> socket.socket:
    """A TCP connection to a name or address. Raises OSError."""
    return socket.create_connection((resolve(host), port), timeout)


def _is_address(name: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in name else socket.AF_INET, name)
    except OSError:
        return False
    return True


def _candidates(name: str) -> list[str]:
    """The names to try, as a resolver with ndots:5 does."""
    if name.endswith("."):
        return [name.rstrip(".")]
    searched = [f"{name}.{domain}" for domain in os.environ.get("NETEMU_SEARCH", "").split()]
    return [name, *searched] if name.count(".") >= 5 else [*searched, name]


def ask(name: str, server: tuple[str, int]) -> list[str]:
    """The A records of a name; [] when there are none or nobody answers."""
    number = struct.unpack("=H", os.urandom(2))[0]
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    query = struct.pack("!6H", number, 0x100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(DNS_SECONDS)
        sock.connect(server)
        try:
            sock.send(query)
            reply = sock.recv(4096)
        except OSError:
            return []
    if len(reply) < len(query) or reply[:2] != query[:2]:
        return []
    return _addresses(reply, len(query), struct.unpack("!H", reply[6:8])[0])


def _addresses(reply: bytes, offset: int, count: int) -> list[str]:
    """The IPv4 addresses in the answer section, which begins at `offset`."""
    found = []
    for _ in range(count):
        while reply[offset] and reply[offset] < 0xC0:
            offset += reply[offset] + 1
        offset += 2 if reply[offset] else 1
        kind, _, _, size = struct.unpack("!HHIH", reply[offset : offset + 10])
        offset += 10
        if kind == 1 and size == 4:
            found.append(socket.inet_ntoa(reply[offset : offset + 4]))
        offset += size
    return found

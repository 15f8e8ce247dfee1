"""Connections that a kubelet makes to the containers of its own node.

They bear a mark, because a node that is cut off from the cluster still reaches its own pods: the
routing rule of the cut lets marked packets through.
"""

import asyncio
import socket
from typing import Any

from netemu.fabric.cut import OWN_NODE


async def dial(
    host: str, port: int, *, tls: Any = None, limit: int = 64 * 1024
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect, with `tls` (a context, made late) if given. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    family, kind, protocol, _, address = found[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        if family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, OWN_NODE)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, OWN_NODE)
        await loop.sock_connect(sock, address)
        name = host if tls is not None else None
        return await asyncio.open_connection(sock=sock, ssl=tls, server_hostname=name, limit=limit)
    except BaseException:
        sock.close()
        raise

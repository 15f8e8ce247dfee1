"""A kubelet's own connections."""

import asyncio
import socket

import pytest

from netemu.fabric.cut import OWN_NODE
from netemu.node.dialing import dial


@pytest.mark.parametrize(
    ("host", "option"),
    [
        ("127.0.0.1", (socket.IPPROTO_IP, socket.IP_TOS)),
        ("::1", (socket.IPPROTO_IPV6, socket.IPV6_TCLASS)),
    ],
)
async def test_they_bear_the_mark_that_passes_a_cut(host: str, option: tuple[int, int]) -> None:
    async with await asyncio.start_server(lambda r, w: w.close(), host, 0) as server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await dial(host, port)
        sock = writer.get_extra_info("socket")
        assert sock.getsockopt(*option) == OWN_NODE
        writer.close()
        await writer.wait_closed()


async def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            await dial("127.0.0.1", taken.getsockname()[1])

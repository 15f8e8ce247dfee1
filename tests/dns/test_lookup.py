import asyncio
import socket

import dnslib
import pytest

from netemu.dns.lookup import addresses
from netemu.tasks import task_group

ANSWER = (
    "one.example. 5 IN CNAME two.example.\n"
    "two.example. 5 IN A 10.0.0.1\ntwo.example. 5 IN A 10.0.0.2"
)


async def answering(sock: socket.socket, reply: bytes | None) -> None:
    loop = asyncio.get_running_loop()
    while True:
        packet, client = await loop.sock_recvfrom(sock, 512)
        if reply is None:
            answer = dnslib.DNSRecord.parse(packet).reply()
            answer.add_answer(*dnslib.RR.fromZone(ANSWER))
            await loop.sock_sendto(sock, answer.pack(), client)
        else:
            await loop.sock_sendto(sock, reply, client)


@pytest.mark.parametrize("reply", [None, b"nonsense"])
async def test_it_gives_the_addresses_at_the_end_of_the_chain(reply: bytes | None) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        async with task_group() as tasks:
            tasks.start(answering(sock, reply), name="server")
            asked = asyncio.to_thread(addresses, "one.example", "127.0.0.1", port)
            if reply is None:
                assert await asked == ["10.0.0.1", "10.0.0.2"]
            else:
                with pytest.raises(OSError, match="no DNS"):
                    await asked

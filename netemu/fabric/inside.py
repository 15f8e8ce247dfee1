"""Sockets in a network that isn't the caller's.

A socket belongs for life to the network of the thread that made it; so a thread is started that
moves there, makes one, and ends.
"""

import asyncio
import os
import socket
from threading import Thread

from netemu.fabric.namespaces import Namespace, setns


async def tcp_socket(path: str, family: socket.AddressFamily) -> socket.socket:
    """An unconnected, non-blocking TCP socket in the network that a file stands for.

    Raises OSError.
    """
    loop = asyncio.get_running_loop()
    made: asyncio.Future[socket.socket] = loop.create_future()

    def work() -> None:
        try:
            found = _make(path, family)
        except OSError as error:
            loop.call_soon_threadsafe(_refuse, made, error)
        else:
            loop.call_soon_threadsafe(_give, made, found)

    Thread(target=work, name="socket in another network", daemon=True).start()
    return await made


def _make(path: str, family: socket.AddressFamily) -> socket.socket:
    network = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        setns(network, Namespace.NET)
    finally:
        os.close(network)
    return socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)


def _give(made: "asyncio.Future[socket.socket]", found: socket.socket) -> None:
    if made.done():
        found.close()  # nobody waits any more
    else:
        made.set_result(found)


def _refuse(made: "asyncio.Future[socket.socket]", error: OSError) -> None:
    if not made.done():
        made.set_exception(error)

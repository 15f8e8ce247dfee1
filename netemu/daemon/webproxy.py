"""An HTTP proxy that knows the cluster's names, for commands run in loopback mode.

There such a command shares the host's resolver, which knows no Service. What it is given instead is
http_proxy: curl, wget and most HTTP libraries then leave the name to us (RFC 9112 §3.2.2, RFC 9110
§9.3.6). The user name in the proxy's URL is the namespace whose search list counts.
"""

import asyncio
import base64
import binascii
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from netemu.dns.lookup import addresses
from netemu.tasks import task_group

HEAD_LIMIT = 64 * 1024
"""Bytes of a request's head."""
CHUNK = 64 * 1024
"""Bytes moved at a time; asyncio's own limits hold a slow reader's sender back."""
CONNECT_SECONDS = 10.0
IDLE_SECONDS = 600.0
"""How long a connection on which nothing happens is kept."""

_ENDED = (
    "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {size}\r\n"
    "Connection: close\r\n\r\n{text}"
)


class Refused(Exception):
    """The request can't be served; the arguments are an HTTP status and the reason."""


@asynccontextmanager
async def serve_web_proxy(sock: socket.socket, dns: str, zone: str) -> AsyncIterator[None]:
    """Serve on a listening socket; names are asked of `dns` (host:port)."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _serve(reader, writer, dns, zone)
        except Refused as refused:
            status, text = refused.args
            writer.write(_ENDED.format(status=status, size=len(text), text=text).encode())
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # one of the two went away
        finally:
            writer.close()

    async with await asyncio.start_server(converse, sock=sock, limit=HEAD_LIMIT):
        yield


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dns: str, zone: str
) -> None:
    async with asyncio.timeout(CONNECT_SECONDS):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        host, port, passed_on = _understood(head)
        address = await _resolve(host, _namespace(head), dns, zone)
        try:
            back, forth = await asyncio.open_connection(address, port)
        except OSError as error:
            raise Refused("502 Bad Gateway", f"{host}:{port}: {error.strerror}\n") from None
    if passed_on:
        forth.write(passed_on.encode("latin-1"))
    else:
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    try:
        async with task_group() as tasks:
            out = tasks.start(_pass(reader, forth), name="web proxy out")
            await _pass(back, writer)
            out.cancel()
    finally:
        forth.close()


def _understood(head: str) -> tuple[str, int, str]:
    """Host, port, and the head to pass on ("" for a tunnel). Raises Refused."""
    line, _, fields = head.partition("\r\n")
    words = line.split(" ")
    if len(words) != 3:
        raise Refused("400 Bad Request", "not a request\n")
    method, target, version = words
    try:
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        host, port = url.hostname, url.port
    except ValueError:
        raise Refused("400 Bad Request", f"{target} is no address\n") from None
    if not host or (method != "CONNECT" and url.scheme != "http"):
        raise Refused("400 Bad Request", "this is a proxy: ask for http://HOST/PATH\n")
    if method == "CONNECT":
        return host, port or 443, ""
    kept = re.sub(r"(?im)^(proxy-[^:]*|connection|keep-alive):[^\r\n]*\r\n", "", fields)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return host, port or 80, f"{method} {path} {version}\r\nConnection: close\r\n{kept}"


def _namespace(head: str) -> str:
    """The user name by which the client came."""
    found = re.search(r"(?im)^proxy-authorization: *basic +(\S+)", head)
    if found:
        with suppress(binascii.Error, UnicodeDecodeError):
            return base64.b64decode(found[1]).decode().partition(":")[0] or "default"
    return "default"


async def _resolve(host: str, namespace: str, dns: str, zone: str) -> str:
    """An address of a name, found as a pod's resolver would. Raises Refused."""
    if re.fullmatch(r"[\d.]+", host):
        return host
    server, _, port = dns.rpartition(":")
    searched = (f"{host}.{end}" for end in (f"{namespace}.svc.{zone}", f"svc.{zone}", zone))
    names = [host.rstrip(".")] if host.endswith(".") else [*searched, host]
    for name in names:
        with suppress(OSError, UnicodeError):
            found = await asyncio.to_thread(addresses, name, server, int(port))
            if found:
                return found[0]
    raise Refused("502 Bad Gateway", f"could not resolve {host}\n")


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Move bytes until the sender has said all, and tell the receiver so."""
    while True:
        async with asyncio.timeout(IDLE_SECONDS):
            data = await reader.read(CHUNK)
            if not data:
                break
            writer.write(data)
            await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()

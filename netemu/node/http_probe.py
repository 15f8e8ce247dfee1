"""The client of HTTP probes and hooks: one GET, a new connection each time, nothing kept.

It asks as the kubelet does (User-Agent, ``Connection: close``, redirects on the same host followed,
certificates not verified) and words failures as Go's client does, because events show them.
"""

import asyncio
import os
import re
import socket
from typing import Any
from urllib.parse import urljoin, urlsplit

from msgspec.structs import replace

from netemu.node.dialing import dial
from netemu.node.probe import HttpGet, Outcome, Result

HEAD_LIMIT = 64 * 1024
"""Bytes of a reply's head."""
BODY_LIMIT = 10 * 1024
"""Bytes of a reply's body that are read (the kubelet's bound)."""
REDIRECTS = 10
TIMED_OUT = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |\r|\n)")
_MOVED = (301, 302, 303, 307, 308)
_NO_TLS = ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
"""What OpenSSL's versions call an answer in plain text; Go looks for "HTTP/" in it."""


def authority(host: str, port: int) -> str:
    """``host:port``, with brackets around IPv6."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def url_of(get: HttpGet, host: str, port: int) -> str:
    """The URL that messages show."""
    return f"{get.scheme}://{authority(host, port)}{get.path}"


def dial_error(host: str, port: int, error: OSError) -> str:
    """How Go words a failed connect."""
    if isinstance(error, socket.gaierror):
        return f"dial tcp: lookup {host}: no such host"
    return f"dial tcp {authority(host, port)}: connect: {_words(error)}"


def _words(error: OSError) -> str:
    """The system's words; asyncio's own errors of a connection that ends have none."""
    return os.strerror(error.errno).lower() if error.errno else str(error) or "EOF"


async def http_get(get: HttpGet, host: str, port: int) -> Outcome:
    """GET once, following redirects; 200 to 399 is success."""
    current, redirects = get, 0
    while True:
        outcome, location, body = await _get(current, host, port)
        if not location:
            return outcome
        target = urlsplit(urljoin(url_of(current, host, port), location))
        if target.hostname != host.lower():
            shown = body.decode(errors="replace")
            return Outcome(Result.WARNING, f"Probe terminated redirects, Response body: {shown}")
        redirects += 1
        if redirects >= REDIRECTS:
            return Outcome(Result.FAILURE, f'Get "{target.geturl()}": stopped after 10 redirects')
        port = target.port or (443 if target.scheme == "https" else 80)
        path = (target.path or "/") + (f"?{target.query}" if target.query else "")
        current = replace(current, scheme=target.scheme, path=path)


async def _get(get: HttpGet, host: str, port: int) -> tuple[Outcome, str, bytes]:
    """One request: what it shows, where it leads, and its body."""
    url = url_of(get, host, port)
    try:
        reader, writer = await dial(host, port, tls=_tls(get.scheme), limit=HEAD_LIMIT)
    except OSError as error:
        refused = isinstance(error, ConnectionRefusedError)
        return _failed(f'Get "{url}": {_unconnected(host, port, error)}', refused), "", b""
    body = b""
    try:
        writer.write(_request(get, host, port))
        head = await reader.readuntil(b"\r\n\r\n")
        body = await _read_body(reader)
    except asyncio.IncompleteReadError as error:
        head = error.partial
    except asyncio.LimitOverrunError:
        words = f"net/http: server response headers exceeded {HEAD_LIMIT} bytes; aborted"
        return _failed(f'Get "{url}": {words}'), "", b""
    except OSError as error:
        sock = writer.get_extra_info("sockname")
        return _failed(f'Get "{url}": {_read_error(sock, host, port, error)}'), "", b""
    finally:
        writer.close()
    return *_judged(url, head), body


def _unconnected(host: str, port: int, error: OSError) -> str:
    """A failed connect, or a failed handshake: an SSLError's number isn't the system's."""
    reason = str(getattr(error, "reason", None) or "")
    if reason in _NO_TLS:
        return "http: server gave HTTP response to HTTPS client"
    if reason:
        return f"remote error: tls: {reason.lower().replace('_', ' ')}"
    if not error.errno:
        return _words(error)  # connected, but the handshake came to no end
    return dial_error(host, port, error)


def _read_error(sock: tuple[Any, ...] | None, host: str, port: int, error: OSError) -> str:
    """How Go words a connection that broke: with both its ends."""
    ours = authority(*sock[:2]) if sock else ""
    return f"read tcp {ours}->{authority(host, port)}: read: {_words(error)}"


def _judged(url: str, head: bytes) -> tuple[Outcome, str]:
    if not head:
        return _failed(f'Get "{url}": EOF'), ""
    status = _STATUS.match(head)
    if status is None:
        line = head.split(b"\r\n")[0][:60].decode(errors="replace")
        broken = "net/http: HTTP/1.x transport connection broken: malformed HTTP response"
        return _failed(f'Get "{url}": {broken} "{line}"'), ""
    code = int(status[1])
    location = _header(head, b"location") if code in _MOVED else ""
    if 200 <= code < 400:
        return Outcome(Result.SUCCESS), location
    return _failed(f"HTTP probe failed with statuscode: {code}"), ""


def _failed(message: str, refused: bool = False) -> Outcome:
    return Outcome(Result.FAILURE, message, refused)


async def _read_body(reader: asyncio.StreamReader) -> bytes:
    """Read to the end, so that the server doesn't see its answer cut off."""
    found = b""
    while len(found) < BODY_LIMIT and (data := await reader.read(BODY_LIMIT - len(found))):
        found += data
    return found


def _header(head: bytes, name: bytes) -> str:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip().decode("latin-1")
    return ""


def _request(get: HttpGet, host: str, port: int) -> bytes:
    headers = {
        "host": ("Host", authority(host, port)),
        "user-agent": ("User-Agent", "kube-probe/1.32"),
        "accept": ("Accept", "*/*"),
        "connection": ("Connection", "close"),
    }
    for name, value in get.headers:
        headers[name.lower()] = (name, value)
    lines = [f"GET {get.path} HTTP/1.1", *(f"{n}: {v}" for n, v in headers.values() if v)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _tls(scheme: str) -> object:
    if scheme != "https":
        return None
    import ssl  # late: few pods have such a probe

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context

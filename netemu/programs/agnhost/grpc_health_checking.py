"""``agnhost grpc-health-checking``: grpc.health.v1 over plain HTTP/2, with nothing but sockets.

Every call is taken for Health/Check. Of HTTP/2 (RFC 9113) only what such a call needs is here:
headers are skipped, since no decision depends on them, and replies fit any window.
"""

import socket
import struct
import threading
import time
from collections.abc import Iterator

from netemu.programs import place, web
from netemu.programs.agnhost import flags

DEFAULTS: flags.Flags = {
    "port": 5000,
    "http-port": 8080,
    "delay-unhealthy-sec": -1,
    "service": "",
}

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING, GOAWAY = 0, 1, 4, 6, 7
"""Types of frames."""
END_STREAM = ACK = 0x1
END_HEADERS, PADDED = 0x4, 0x8
FRAME_LIMIT = 16 * 1024
"""Bytes of a frame (RFC 9113 §4.2: what everybody must accept)."""
MESSAGE_LIMIT = 64 * 1024
"""Bytes of a request that are kept."""

SERVING, NOT_SERVING = 1, 2
NOT_FOUND = "5"
"""A grpc-status (google.rpc.Code)."""


class Health:
    """Whether it serves."""

    def __init__(self, service: str, delay: float) -> None:
        self.service = service
        self.serving = True
        self._until = time.monotonic() + delay if delay >= 0 else None

    def status(self, service: str) -> int | None:
        """A service's status; None: there is none of that name."""
        if service not in ("", self.service):
            return None
        if self._until is not None and time.monotonic() >= self._until:
            self.serving, self._until = False, None
        return SERVING if self.serving else NOT_SERVING


def main(argv: list[str]) -> int:
    """Serve until SIGTERM."""
    options, _ = flags.parse_or_exit(argv, DEFAULTS)
    health = Health(str(options["service"]), float(options["delay-unhealthy-sec"]))
    listener = place.listener(int(options["port"]))
    threading.Thread(target=_accept, args=(listener, health), daemon=True).start()

    def answer(request: web.Request) -> web.Reply:
        if request.path not in ("/make-serving", "/make-not-serving"):
            return web.text("404 page not found\n", 404)
        health.serving = request.path == "/make-serving"
        return web.text("ok")

    return web.serve(answer, int(options["http-port"])).run()


def _accept(listener: socket.socket, health: Health) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_serve, args=(connection, health), daemon=True).start()


def _serve(connection: socket.socket, health: Health) -> None:
    with connection, connection.makefile("rb") as stream:
        try:
            if stream.read(len(PREFACE)) != PREFACE:
                return
            connection.sendall(frame(SETTINGS, 0, 0, b""))
            calls: dict[int, bytes] = {}
            while header := stream.read(9):
                size = int.from_bytes(header[:3], "big")
                if size > FRAME_LIMIT:
                    return
                payload = stream.read(size)
                for reply in replies(header, payload, calls, health):
                    connection.sendall(reply)
        except OSError:
            return


def frame(kind: int, flag: int, number: int, payload: bytes) -> bytes:
    """One frame of a stream (0: of the connection)."""
    return len(payload).to_bytes(3, "big") + struct.pack("!BBI", kind, flag, number) + payload


def replies(
    header: bytes, payload: bytes, calls: dict[int, bytes], health: Health
) -> Iterator[bytes]:
    """What a frame is answered with; `calls` keeps what came of each call until now."""
    kind, flag, number = struct.unpack("!BBI", header[3:9])
    if kind in (SETTINGS, PING):
        if not flag & ACK:
            yield frame(kind, ACK, 0, payload if kind == PING else b"")
        return
    if kind not in (DATA, HEADERS):
        return
    before = calls.get(number, b"")
    calls[number] = (before + _content(flag, payload))[:MESSAGE_LIMIT] if kind == DATA else before
    if flag & END_STREAM:
        yield from answered(number, health.status(_service(calls.pop(number))))


def _content(flag: int, payload: bytes) -> bytes:
    return payload[1 : len(payload) - payload[0]] if flag & PADDED and payload else payload


def _service(message: bytes) -> str:
    """Field 1 of a HealthCheckRequest behind gRPC's flag and length; names are short."""
    body = message[5:]
    return body[2 : 2 + body[1]].decode(errors="replace") if body[:1] == b"\x0a" else ""


def answered(number: int, status: int | None) -> Iterator[bytes]:
    """A call's reply: headers, the message, and the trailers with the call's end."""
    beginning = b"\x88" + literal("content-type", "application/grpc")  # :status 200, RFC 7541 A
    if status is None:
        end = literal("grpc-status", NOT_FOUND) + literal("grpc-message", "unknown service")
        yield frame(HEADERS, END_HEADERS | END_STREAM, number, beginning + end)
        return
    yield frame(HEADERS, END_HEADERS, number, beginning)
    message = bytes([0x08, status])
    yield frame(DATA, 0, number, b"\0" + len(message).to_bytes(4, "big") + message)
    yield frame(HEADERS, END_HEADERS | END_STREAM, number, literal("grpc-status", "0"))


def literal(name: str, value: str) -> bytes:
    """A header field without indexing, both strings plain and short (RFC 7541 §6.2.2)."""
    return b"\0" + b"".join(bytes([len(text)]) + text.encode() for text in (name, value))

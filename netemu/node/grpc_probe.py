"""gRPC probes: one call of grpc.health.v1.Health/Check over plain HTTP/2, judged as the kubelet
does (pkg/probe/grpc).
"""

import asyncio
from typing import TYPE_CHECKING

from netemu.node.http_probe import authority, dial_error
from netemu.node.probe import Grpc, Outcome, Result

if TYPE_CHECKING:
    from h2.connection import H2Connection
    from h2.events import Event

PATH = "/grpc.health.v1.Health/Check"
CHUNK = 16 * 1024
"""Bytes read at once; a health reply is a few."""
REPLY_LIMIT = 64 * 1024
"""Bytes of a reply that are taken at most."""

SERVING = 1
STATUSES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
UNIMPLEMENTED = "12"
"""A grpc-status (google.rpc.Code)."""


class Reply:
    """What came back until now."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        """Of the beginning and of the end, which has the call's status."""
        self.body = b""
        self.ended = False
        self.broken = ""


async def grpc_check(probe: Grpc, host: str, port: int) -> Outcome:
    """Ask once; the caller bounds the time."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        refused = isinstance(error, ConnectionRefusedError)
        words = f"GRPC probe failed to dial: {dial_error(host, port, error)}"
        return Outcome(Result.FAILURE, words, refused)
    try:
        reply = await _call(probe.service, authority(host, port), reader, writer)
    except OSError as error:
        return Outcome(Result.FAILURE, f"health rpc probe failed: {error}")
    finally:
        writer.close()
    return judged(reply)


async def _call(
    service: str, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Reply:
    # Late: few pods have such a probe, and everybody would wait for the import.
    from h2.config import H2Configuration
    from h2.connection import H2Connection
    from h2.exceptions import ProtocolError

    connection = H2Connection(H2Configuration(client_side=True))
    connection.initiate_connection()
    stream = connection.get_next_available_stream_id()
    connection.send_headers(stream, _headers(host))
    connection.send_data(stream, request(service), end_stream=True)
    reply = Reply()
    try:
        while not reply.ended:
            writer.write(connection.data_to_send())
            await writer.drain()
            data = await reader.read(CHUNK)
            if not data:
                raise ConnectionResetError
            for event in connection.receive_data(data):
                _take(event, connection, reply)
    except ProtocolError as error:
        reply.broken = str(error)
    except ConnectionError:
        reply.broken = "connection closed before the reply came"
    return reply


def _headers(host: str) -> list[tuple[str, str]]:
    return [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", PATH),
        (":authority", host),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "kube-probe/1.32"),
    ]


def request(service: str) -> bytes:
    """A HealthCheckRequest in gRPC's framing: a flag, the length, and field 1, the name."""
    name = service.encode()
    message = b"\x0a" + _varint(len(name)) + name if name else b""
    return b"\0" + len(message).to_bytes(4, "big") + message


def _varint(number: int) -> bytes:
    found = b""
    while number > 0x7F:
        found += bytes([number & 0x7F | 0x80])
        number >>= 7
    return found + bytes([number])


def _take(event: "Event", connection: "H2Connection", reply: Reply) -> None:
    from h2 import events

    match event:
        case events.ResponseReceived() | events.TrailersReceived():
            reply.headers |= {_text(key): _text(value) for key, value in event.headers or ()}
        case events.DataReceived():
            reply.body = (reply.body + (event.data or b""))[:REPLY_LIMIT]
            connection.acknowledge_received_data(
                event.flow_controlled_length or 0, event.stream_id or 0
            )
        case events.StreamEnded():
            reply.ended = True
        case events.StreamReset() | events.ConnectionTerminated():
            reply.ended = True
            reply.broken = "the server reset the call"
        case _:
            pass


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode(errors="replace")


def judged(reply: Reply) -> Outcome:
    """What a reply means, in the kubelet's words."""
    status, words = reply.headers.get("grpc-status"), reply.headers.get("grpc-message", "")
    if status == UNIMPLEMENTED:
        text = "this server does not implement the grpc health protocol (grpc.health.v1.Health)"
        return Outcome(Result.FAILURE, f"{text}: {words}")
    if reply.broken or status not in (None, "0"):
        return Outcome(Result.FAILURE, f"health rpc probe failed: {reply.broken or words}")
    health = serving_status(reply.body)
    if health != SERVING:
        name = STATUSES[health] if health < len(STATUSES) else str(health)
        return Outcome(Result.FAILURE, f'service unhealthy (responded with "{name}")')
    return Outcome(Result.SUCCESS, "service healthy")


def serving_status(body: bytes) -> int:
    """Field 1 of a HealthCheckResponse in gRPC's framing; 0 (UNKNOWN) where it is absent."""
    message = body[5:]
    return message[1] if len(message) >= 2 and message[0] == 0x08 else 0

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded

from netemu.node.grpc_probe import grpc_check, request, serving_status
from netemu.node.probe import Grpc, Outcome, Result, probe_from

HOST = "127.0.0.1"


@dataclass
class Server:
    """Answers every call alike."""

    body: bytes = b"\0\0\0\0\x02\x08\x01"
    trailers: list[tuple[str, str]] = field(default_factory=lambda: [("grpc-status", "0")])
    hang_up: bool = False
    asked: list[str] = field(default_factory=list)
    sent: bytes = b""
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await self._talk(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        self.gone.set()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = H2Connection(H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        while not self.hang_up and (data := await reader.read(4096)):
            for event in connection.receive_data(data):
                if isinstance(event, RequestReceived):
                    headers = dict(event.headers or ())
                    self.asked.append(str(headers[b":path"], "ascii"))
                elif isinstance(event, DataReceived):
                    self.sent += event.data or b""
                elif isinstance(event, StreamEnded):
                    self._answer(connection, event.stream_id or 0)
            writer.write(connection.data_to_send())

    def _answer(self, connection: H2Connection, stream: int) -> None:
        start = [(":status", "200"), ("content-type", "application/grpc")]
        if self.body:
            connection.send_headers(stream, start)
            connection.send_data(stream, self.body)
            connection.send_headers(stream, self.trailers, end_stream=True)
        else:  # "trailers only", as for every error
            connection.send_headers(stream, [*start, *self.trailers], end_stream=True)


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[int]:
    listener = await asyncio.start_server(server.serve, HOST, 0)
    async with listener:
        yield listener.sockets[0].getsockname()[1]


async def check(server: Server, service: str = "") -> Outcome:
    async with running(server) as port:
        outcome = await grpc_check(Grpc(port, service), HOST, port)
        await server.gone.wait()
        return outcome


async def test_a_serving_service_is_healthy_and_was_asked_by_name() -> None:
    server = Server()
    assert await check(server, "web") == Outcome(Result.SUCCESS, "service healthy")
    assert server.asked == ["/grpc.health.v1.Health/Check"]
    assert server.sent == b"\0\0\0\0\x05\x0a\x03web"


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (Server(body=b"\0\0\0\0\x02\x08\x02"), 'service unhealthy (responded with "NOT_SERVING")'),
        (Server(body=b"\0\0\0\0\0"), 'service unhealthy (responded with "UNKNOWN")'),
        (
            Server(body=b"", trailers=[("grpc-status", "12"), ("grpc-message", "unknown service")]),
            (
                "this server does not implement the grpc health protocol (grpc.health.v1.Health): "
                "unknown service"
            ),
        ),
        (
            Server(body=b"", trailers=[("grpc-status", "5"), ("grpc-message", "no such service")]),
            "health rpc probe failed: no such service",
        ),
        (
            Server(hang_up=True),
            "health rpc probe failed: connection closed before the reply came",
        ),
    ],
    ids=["not serving", "unknown", "unimplemented", "not found", "hangs up"],
)
async def test_anything_else_is_a_failure_in_the_kubelets_words(server: Server, words: str) -> None:
    assert await check(server) == Outcome(Result.FAILURE, words)


async def test_where_nobody_listens_the_program_noticed_nothing() -> None:
    async with running(Server()) as port:
        pass
    outcome = await grpc_check(Grpc(port), HOST, port)
    assert (outcome.result, outcome.refused) == (Result.FAILURE, True)
    assert outcome.message.startswith("GRPC probe failed to dial: ")


async def test_a_server_that_speaks_something_else_is_a_failure() -> None:
    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"x" * 100)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(speak, HOST, 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        outcome = await grpc_check(Grpc(port), HOST, port)
    assert outcome.result is Result.FAILURE
    assert outcome.message.startswith("health rpc probe failed: ")


@pytest.mark.parametrize(("body", "status"), [(b"", 0), (b"\0\0\0\0\x02\x08\x03", 3)])
def test_the_status_in_a_reply(body: bytes, status: int) -> None:
    assert serving_status(body) == status


def test_a_long_name_and_none() -> None:
    assert request("") == b"\0\0\0\0\0"
    assert request("n" * 200)[5:8] == b"\x0a\xc8\x01"


def test_a_probe_of_a_container() -> None:
    probe = probe_from({"livenessProbe": {"grpc": {"port": 9, "service": "s"}}}, "livenessProbe")
    assert probe is not None
    assert probe.handler == Grpc(9, "s")

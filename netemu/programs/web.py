"""A small HTTP server for the built-in programs: one function answers every request."""

import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from netemu.programs import place

BODY_LIMIT = 64 * 1024 * 1024
"""Bytes of a request body that are read at most."""
LINGER_SECONDS = 0.2
"""How long a server that is asked to end still accepts: proxies need a moment to leave it out, and
the kernel resets whoever waits to be accepted when it closes."""
FINISH_SECONDS = 10.0
"""How long a server that is asked to end waits for answers that are being made."""


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    """Without the query."""
    target: str
    """As sent."""
    query: dict[str, str]
    """The query string's and a form body's parameters; the first of a name counts."""
    headers: dict[str, list[str]]
    """Values by lower-case name."""
    body: bytes
    client: str
    """``ip:port``."""


def overridden(target: str) -> Request:
    """The request that asks for `target` (path and query) and comes from nobody."""
    url = urlsplit(target)
    query = dict(reversed(parse_qsl(url.query, keep_blank_values=True)))
    return Request("GET", url.path, target, query, {}, b"", "")


@dataclass(frozen=True)
class Reply:
    """What it gets."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Answer = Callable[[Request], Reply]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: "Server"

    def handle_one_request(self) -> None:
        """Read one request and answer it, whatever its method."""
        try:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline:
                self.close_connection = True
            elif self.parse_request():
                with self.server.at_work():
                    self._reply(self.server.answer(self._request()))
        except OSError:
            self.close_connection = True

    def _request(self) -> Request:
        url = urlsplit(self.path)
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(min(length, BODY_LIMIT)) if length > 0 else b""
        pairs = parse_qsl(url.query, keep_blank_values=True)
        if self.headers.get_content_type() == "application/x-www-form-urlencoded":
            pairs += parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
        headers: dict[str, list[str]] = {}
        for name, value in self.headers.items():
            headers.setdefault(name.lower(), []).append(value)
        query = dict(reversed(pairs))
        client = place.peer(self.client_address)
        return Request(self.command, url.path, self.path, query, headers, body, client)

    def _reply(self, reply: Reply) -> None:
        self.send_response(reply.status)
        headers = {"Content-Type": "text/plain; charset=utf-8", **reply.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        if self.server.close:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Programs log for themselves."""


class Server(ThreadingHTTPServer):
    """Serves from a socket that already listens, so nobody is refused once `serve` returned."""

    daemon_threads = True

    def __init__(self, sock: socket.socket, answer: Answer, close: bool) -> None:
        self.address_family = sock.family
        self.answer = answer
        self.close = close
        self.busy = 0
        self.idle = threading.Condition()
        super().__init__(sock.getsockname()[:2], Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = sock

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Count a request that is being answered."""
        with self.idle:
            self.busy += 1
        try:
            yield
        finally:
            with self.idle:
                self.busy -= 1
                self.idle.notify_all()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say what went wrong on stderr in one line, and go on."""
        print(f"{client_address}: {sys.exc_info()[1]!r}", file=sys.stderr, flush=True)

    def start(self) -> None:
        """Serve in a thread, which ends with the program."""
        # Without the usual poll: an idle server must cost nothing, and nobody calls shutdown().
        forever = partial(self.serve_forever, poll_interval=None)  # type: ignore[arg-type]  # select
        threading.Thread(target=forever, daemon=True).start()

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; what is being answered is finished. The exit code is 0."""
        self.start()
        wait_for_end()
        time.sleep(LINGER_SECONDS)
        self.socket.close()
        with self.idle:
            self.idle.wait_for(lambda: self.busy == 0, FINISH_SECONDS)
        return 0


def serve(answer: Answer, port: int, *, close: bool = False) -> Server:
    """Answer HTTP on `port` of the pod's addresses, in threads; `close` ends each connection."""
    return Server(place.listener(port), answer, close)


def wait_for_end() -> None:
    """Return when the program is asked to end: SIGTERM or SIGINT, blocked since its start."""
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


def text(words: str, status: int = 200) -> Reply:
    """A plain answer."""
    return Reply(words.encode(), status)

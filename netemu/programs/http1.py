"""HTTP/1.1 as a server reads and writes it, by hand.

The standard library's modules for it take a starting pod longer to import than all else it does,
and three times as long to answer.
"""

import socket
import time
from collections.abc import Mapping
from typing import NamedTuple

from netemu.programs import place

BODY_LIMIT = 64 * 1024 * 1024
"""Bytes of a request's body."""
HEAD_LIMIT = 64 * 1024
"""Bytes of a request's first line and headers."""
READ_BYTES = 64 * 1024
BODILESS = frozenset({204, 304})
"""Answers that have no body by definition (RFC 9110, 6.4.1), besides those below 200."""


class Request(NamedTuple):
    """What a client asked."""

    method: str
    path: str
    """Without the query."""
    target: str
    """As sent."""
    query: Mapping[str, str]
    """The query string's and a form body's parameters; the first of a name counts."""
    headers: Mapping[str, list[str]]
    """Values by lower-case name."""
    body: bytes
    client: str
    """``ip:port``."""


class Reply(NamedTuple):
    """What it gets."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = {}


class BadRequest(Exception):
    """What isn't HTTP, or too much of it; `status` is the answer."""

    def __init__(self, status: int = 400) -> None:
        super().__init__(status)
        self.status = status


def parameters(*encoded: str) -> dict[str, str]:
    """Those of query strings or form bodies; the first of a name counts."""
    if not any(encoded):
        return {}
    from urllib.parse import parse_qsl  # late: most requests have none

    pairs = [pair for text in encoded for pair in parse_qsl(text, keep_blank_values=True)]
    return dict(reversed(pairs))


def request_line(line: str) -> list[str]:
    """Method, target and version. Raises BadRequest."""
    words = line.split(" ")
    if len(words) != 3 or not words[0] or not words[2].startswith("HTTP/"):
        raise BadRequest
    if not words[2].startswith("HTTP/1."):
        raise BadRequest(505)
    return words


class Head:
    """What a request begins with."""

    def __init__(self, text: str) -> None:
        """Raises BadRequest."""
        first, *lines = text.replace("\r\n", "\n").split("\n")
        self.method, self.target, self.version = request_line(first)
        self.headers: dict[str, list[str]] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name or name[-1].isspace():
                raise BadRequest
            self.headers.setdefault(name.lower(), []).append(value.strip())

    def first(self, name: str) -> str:
        """The first value of a header, in lower case; "" if there is none."""
        return self.headers[name][0].lower() if name in self.headers else ""

    @property
    def length(self) -> int:
        """Bytes of the body. Raises BadRequest."""
        text = self.first("content-length") or "0"
        if not text.isascii() or not text.isdigit():
            raise BadRequest
        if int(text) > BODY_LIMIT:
            raise BadRequest(413)
        return int(text)

    @property
    def closes(self) -> bool:
        """Whether the connection is to end with the answer."""
        wish = self.first("connection")
        return "close" in wish or (self.version == "HTTP/1.0" and "keep-alive" not in wish)


class Connection:
    """One client."""

    def __init__(self, sock: socket.socket, address: tuple[object, ...]) -> None:
        self.client = place.peer(address)
        self._sock = sock
        self._read = b""
        """What was read and belongs to what comes next."""

    def head(self) -> Head | None:
        """The next request's; None when there is none any more. Raises OSError, BadRequest."""
        text = self._until(b"\r\n\r\n", b"\n\n")
        return None if text is None else Head(text.decode("latin-1"))

    def request(self, head: Head) -> Request:
        """The request, with its body. Raises OSError, BadRequest."""
        if head.first("expect") == "100-continue":
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        chunked = head.first("transfer-encoding") == "chunked"
        body = self._chunks() if chunked else self._exactly(head.length)
        path, _, query = head.target.partition("?")
        if not path.startswith(("/", "*")) and "://" in path:  # as proxies are asked
            path = "/" + path.partition("://")[2].partition("/")[2]
        form = ""
        if head.first("content-type").startswith("application/x-www-form-urlencoded"):
            form = body.decode(errors="replace")
        asked = parameters(query, form)
        return Request(head.method, path, head.target, asked, head.headers, body, self.client)

    def send(self, reply: Reply, *, head: Head | None, close: bool) -> None:
        """Answer. Raises OSError."""
        bodiless = reply.status < 200 or reply.status in BODILESS
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
        headers = {"Content-Type": "text/plain; charset=utf-8", "Date": date, **reply.headers}
        if not bodiless:
            headers["Content-Length"] = str(len(reply.body))
        if close:
            headers["Connection"] = "close"
        elif head is not None and head.version == "HTTP/1.0":
            headers["Connection"] = "keep-alive"
        lines = [f"HTTP/1.1 {reply.status} {phrase(reply.status)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        data = "\r\n".join((*lines, "", "")).encode("latin-1", errors="replace")
        asks_all = head is None or head.method != "HEAD"
        self._sock.sendall(data + reply.body if asks_all and not bodiless else data)

    def refuse(self, error: BadRequest) -> None:
        """Answer what is no request. Raises OSError."""
        words = f"{error.status} {phrase(error.status)}"
        self.send(text(words, error.status), head=None, close=True)
        # Closed with something unread, the answer would be lost to a reset.
        self._sock.shutdown(socket.SHUT_WR)
        self._sock.settimeout(1.0)
        while self._sock.recv(READ_BYTES):
            pass

    def _until(self, *ends: bytes) -> bytes | None:
        while True:
            read = self._read = self._read.lstrip(b"\r\n")  # which clients may send in between
            first = min(((at, each) for each in ends if (at := read.find(each)) >= 0), default=None)
            if first is not None:
                at, end = first
                self._read = read[at + len(end) :]
                return read[:at]
            if len(read) > HEAD_LIMIT:
                raise BadRequest(431)
            line, newline, _ = read.partition(b"\n")
            if newline:  # what is no request is refused at once, as Go does
                request_line(line.rstrip(b"\r").decode("latin-1"))
            if not self._more():
                return None

    def _exactly(self, size: int) -> bytes:
        parts, left = [self._read[:size]], size - len(self._read)
        self._read = self._read[size:]
        while left > 0:
            if not self._more():
                raise ConnectionResetError
            parts.append(self._read[:left])
            self._read, left = self._read[left:], left - len(self._read)
        return b"".join(parts)

    def _chunks(self) -> bytes:
        """A body that says piece by piece how long it is (RFC 9112, 7.1)."""
        parts: list[bytes] = []
        total = 0
        while True:
            size = self._line().partition(b";")[0].strip()
            try:
                length = int(size, 16)
            except ValueError:
                raise BadRequest from None
            if length <= 0:
                break
            total += length
            if total > BODY_LIMIT:
                raise BadRequest(413)
            parts.append(self._exactly(length))
            self._line()
        while self._line():  # trailers
            pass
        return b"".join(parts)

    def _line(self) -> bytes:
        while b"\n" not in self._read:
            if len(self._read) > HEAD_LIMIT:
                raise BadRequest
            if not self._more():
                raise ConnectionResetError
        line, _, self._read = self._read.partition(b"\n")
        return line.rstrip(b"\r")

    def _more(self) -> bool:
        data = self._sock.recv(READ_BYTES)
        self._read += data
        return bool(data)


def text(words: str, status: int = 200) -> Reply:
    """A plain answer."""
    return Reply(words.encode(), status)


def phrase(status: int) -> str:
    """What a status is called."""
    if status == 200:
        return "OK"
    from http import HTTPStatus  # late: most answers don't need it

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""

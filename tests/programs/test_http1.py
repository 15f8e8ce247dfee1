"""HTTP/1.1 by hand: what is read, what is refused, what is sent."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from netemu.programs import http1
from netemu.programs.http1 import BadRequest, Connection, Head, Reply


@contextmanager
def conversing(said: bytes) -> Iterator[tuple[Connection, socket.socket]]:
    """A connection whose client has said that and no more, and the client's end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        theirs.settimeout(5)
        yield Connection(ours, ("192.0.2.1", 5)), theirs


def asked(said: bytes) -> http1.Request:
    with conversing(said) as (connection, _):
        head = connection.head()
        assert head is not None
        return connection.request(head)


FORM = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n"
CHUNKS = b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
READ = {
    "a plain one": (b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", ("GET", "/a", {}, b"")),
    "bare newlines": (b"GET /a HTTP/1.1\nHost: x\n\n", ("GET", "/a", {}, b"")),
    "empty lines before": (b"\r\n\r\nGET /a HTTP/1.1\r\n\r\n", ("GET", "/a", {}, b"")),
    "without headers": (b"GET / HTTP/1.0\r\n\r\n", ("GET", "/", {}, b"")),
    "a query": (b"GET /a?b=1&b=2&c= HTTP/1.1\r\n\r\n", ("GET", "/a", {"b": "1", "c": ""}, b"")),
    "as a proxy is asked": (b"GET http://web/a/b HTTP/1.1\r\n\r\n", ("GET", "/a/b", {}, b"")),
    "of all": (b"OPTIONS * HTTP/1.1\r\n\r\n", ("OPTIONS", "*", {}, b"")),
    "a body": (
        b"PUT /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc and more",
        ("PUT", "/a", {}, b"abc"),
    ),
    "a form": (
        b"POST /a?b=1 HTTP/1.1\r\n" + FORM + b"\r\nb=2&c=3",
        ("POST", "/a", {"b": "1", "c": "3"}, b"b=2&c=3"),
    ),
    "two ends of lines in the body": (
        b"PUT /a HTTP/1.1\nContent-Length: 6\n\nab\r\n\r\n",
        ("PUT", "/a", {}, b"ab\r\n\r\n"),
    ),
    "chunks": (
        b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
        ("PUT", "/", {}, b"abc0123456789"),
    ),
}


@pytest.mark.parametrize(("said", "expected"), READ.values(), ids=READ)
def test_requests_are_read(said: bytes, expected: tuple[object, ...]) -> None:
    request = asked(said)
    assert (request.method, request.path, request.query, request.body) == expected


def test_headers_are_kept_by_lower_case_name_and_the_client_by_its_address() -> None:
    request = asked(b"GET / HTTP/1.1\r\nX-A: 1\r\nx-a:  2 \r\nHost: web\r\n\r\n")
    assert request.headers == {"x-a": ["1", "2"], "host": ["web"]}
    assert request.client == "192.0.2.1:5"


def test_what_is_no_request_is_refused_before_its_client_has_said_all() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"hostName\n")
        with pytest.raises(BadRequest):
            Connection(ours, ("192.0.2.1", 5)).head()


def test_requests_may_follow_at_once() -> None:
    said = b"PUT /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiGET /b HTTP/1.1\r\n\r\n"
    with conversing(said) as (connection, _):
        paths = []
        while (head := connection.head()) is not None:
            paths.append(connection.request(head).path)
    assert paths == ["/a", "/b"]


REFUSED = {
    "no request": (b"hello\r\n\r\n", 400),
    "a header without a name": (b"GET / HTTP/1.1\r\n: x\r\n\r\n", 400),
    "a header without a colon": (b"GET / HTTP/1.1\r\nhost web\r\n\r\n", 400),
    "a space before the colon (RFC 9112, 5.1)": (b"GET / HTTP/1.1\r\nhost : x\r\n\r\n", 400),
    "another version": (b"PRI * HTTP/2.0\r\n\r\n", 505),
    "a length that is none": (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
    "too long a body": (b"GET / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
    "a chunk that is none": (
        b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        400,
    ),
    "headers without end": (b"GET / HTTP/1.1\r\nA: " + b"x" * (http1.HEAD_LIMIT + 1), 431),
}


@pytest.mark.parametrize(("said", "status"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_request_is_refused(said: bytes, status: int) -> None:
    with pytest.raises(BadRequest) as refusal:
        asked(said)
    assert refusal.value.status == status


def test_a_refusal_is_told_though_something_was_left_unread() -> None:
    with conversing(b"hello\r\n\r\nand a lot more") as (connection, client):
        with pytest.raises(BadRequest) as refusal:
            connection.head()
        connection.refuse(refusal.value)
        told = client.recv(1000)
    assert told.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert told.endswith(b"\r\n\r\n400 Bad Request")


def test_a_client_that_asks_may_go_on_with_its_body() -> None:
    said = b"PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"
    with conversing(said) as (connection, client):
        head = connection.head()
        assert head is not None
        assert connection.request(head).body == b"hi"
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_a_body_cut_short_is_no_request() -> None:
    with pytest.raises(ConnectionResetError):
        asked(b"PUT / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc")


ENDS = {
    "HTTP/1.1": ("GET / HTTP/1.1", False),
    "HTTP/1.1, to be closed": ("GET / HTTP/1.1\nConnection: Close", True),
    "HTTP/1.0": ("GET / HTTP/1.0", True),
    "HTTP/1.0, to be kept": ("GET / HTTP/1.0\nConnection: keep-alive", False),
}


@pytest.mark.parametrize(("head", "closes"), ENDS.values(), ids=ENDS)
def test_connections_end_when_clients_say_so(head: str, closes: bool) -> None:
    assert Head(head).closes is closes


def sent(reply: Reply, head: str, *, close: bool = False) -> tuple[list[str], str]:
    with conversing(b"") as (connection, client):
        connection.send(reply, head=Head(head), close=close)
        top, _, body = client.recv(10_000).decode().partition("\r\n\r\n")
    lines = [line for line in top.split("\r\n") if not line.startswith("Date: ")]
    return lines, body


PLAIN = "Content-Type: text/plain; charset=utf-8"
SENT = {
    "a text": (
        (http1.text("hi"), "GET / HTTP/1.1"),
        (["HTTP/1.1 200 OK", PLAIN, "Content-Length: 2"], "hi"),
    ),
    "only its head": (
        (http1.text("hi"), "HEAD / HTTP/1.1"),
        (["HTTP/1.1 200 OK", PLAIN, "Content-Length: 2"], ""),
    ),
    "another kind": (
        (Reply(b"{}", 404, {"Content-Type": "application/json"}), "GET / HTTP/1.1"),
        (["HTTP/1.1 404 Not Found", "Content-Type: application/json", "Content-Length: 2"], "{}"),
    ),
    "what has no body": (
        (http1.text("hi", 204), "GET / HTTP/1.1"),
        (["HTTP/1.1 204 No Content", PLAIN], ""),
    ),
    "a status without a name": (
        (http1.text("", 799), "GET / HTTP/1.1"),
        (["HTTP/1.1 799 ", PLAIN, "Content-Length: 0"], ""),
    ),
    "to an old client that stays": (
        (http1.text("hi"), "GET / HTTP/1.0\nConnection: keep-alive"),
        (["HTTP/1.1 200 OK", PLAIN, "Content-Length: 2", "Connection: keep-alive"], "hi"),
    ),
}


@pytest.mark.parametrize(("given", "expected"), SENT.values(), ids=SENT)
def test_answers_are_sent(given: tuple[Reply, str], expected: tuple[list[str], str]) -> None:
    assert sent(*given) == expected


def test_an_answer_says_that_it_is_the_last() -> None:
    lines, _ = sent(http1.text("hi"), "GET / HTTP/1.1", close=True)
    assert lines[-1] == "Connection: close"

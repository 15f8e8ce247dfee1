"""The server of the built-in programs, in this process."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from netemu.programs import web
from tests.support.programs import get


@contextmanager
def serving(answer: web.Answer) -> Iterator[tuple[web.Server, str]]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        server = web.Server(sock, answer, False)
        server.start()
        try:
            yield server, "http://{}:{}/".format(*sock.getsockname())
        finally:
            sock.shutdown(socket.SHUT_RDWR)


def test_answers_that_take_their_time_hold_nobody_up() -> None:
    slow, others = threading.Event(), 3 * web.SPARE

    def answer(request: web.Request) -> web.Reply:
        if request.path == "/slow":
            slow.wait(10)
        return web.text(request.path)

    with serving(answer) as (_, url):
        waiting = [threading.Thread(target=get, args=(f"{url}slow",)) for _ in range(others)]
        for each in waiting:
            each.start()
        assert get(f"{url}quick") == (200, "/quick")
        slow.set()
        for each in waiting:
            each.join()


def test_threads_are_kept_for_later_connections_but_not_all() -> None:
    together = threading.Barrier(3 * web.SPARE)

    def answer(request: web.Request) -> web.Reply:
        together.wait(10)
        return web.text("")

    before = threading.active_count()
    with serving(answer) as (_, url):
        clients = [threading.Thread(target=get, args=(url,)) for _ in range(3 * web.SPARE)]
        for each in clients:
            each.start()
        for each in clients:
            each.join()
        for each in threading.enumerate():  # those that end, do so now
            if each.name.endswith("(_work)"):
                each.join(0.05)
        assert threading.active_count() - before <= web.SPARE + 1


def test_a_program_that_fails_ends_that_connection_only() -> None:
    def answer(request: web.Request) -> web.Reply:
        if request.path == "/bad":
            raise ValueError
        return web.text("good")

    with serving(answer) as (server, url):
        with socket.create_connection(server.socket.getsockname()) as client:
            client.sendall(b"GET /bad HTTP/1.1\r\n\r\n")
            assert client.recv(100) == b""
        assert get(f"{url}good") == (200, "good")

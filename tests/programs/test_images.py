"""The built-in programs, each run as a pod runs it."""

import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.programs import SECONDS, command, get, running

HOST = "127.37.0.1"


def test_echo_answers_its_hostname_and_version() -> None:
    with running("echo", "v2", host=HOST, port=3000):
        assert get(f"http://{HOST}:3000/") == (200, "pod-1 v2\n")


def test_kubia_v3_fails_from_its_fifth_request_on() -> None:
    with running("kubia", "v3", host=HOST, port=8080):
        statuses = [get(f"http://{HOST}:8080/")[0] for _ in range(7)]
    assert statuses == [200, 200, 200, 200, 500, 500, 500]


def test_kubia_v1_stays_good_and_names_itself() -> None:
    with running("kubia", "v1", host=HOST, port=8080):
        replies = {get(f"http://{HOST}:8080/") for _ in range(7)}
    assert replies == {(200, "This is v1 running in pod pod-1\n")}


def test_counter_counts_in_redis_and_loses_no_count() -> None:
    env = {"REDIS_HOST": "127.37.0.2", "PORT": "3000"}
    with (
        running("redis", host="127.37.0.2", port=6379),
        running("counter", host=HOST, port=3000, env=env),
        ThreadPoolExecutor(8) as pool,
    ):
        replies = list(pool.map(lambda _: get(f"http://{HOST}:3000/")[1], range(40)))
    assert sorted(int(reply) for reply in replies) == list(range(1, 41))


def test_counter_says_that_redis_is_away() -> None:
    env = {"REDIS_HOST": "127.37.0.9"}
    with running("counter", host=HOST, port=3000, env=env):
        status, text = get(f"http://{HOST}:3000/")
    assert status == 500
    assert "Connection refused" in text


REDIS = [
    ("SET a 5", "+OK"),
    ("GET a", "$1\r\n5"),
    ("GET none", "$-1"),
    ("INCR a", ":6"),
    ("DECRBY a 4", ":2"),
    ("APPEND a 0", ":2"),
    ("INCR text-is-new", ":1"),
    ("SET t x", "+OK"),
    ("INCR t", "-ERR value is not an integer or out of range"),
    ("GET", "-ERR wrong number of arguments for 'get' command"),
    ("NOPE 1", "-ERR unknown command 'NOPE', with args beginning with: "),
    ("DEL a t none", ":2"),
    ("PING", "+PONG"),
    ("FLUSHALL", "+OK"),
    ("DBSIZE", ":0"),
]


def test_redis_answers_inline_and_resp_commands() -> None:
    with (
        running("redis", host=HOST, port=6379),
        socket.create_connection((HOST, 6379), SECONDS) as sock,
        sock.makefile("rb") as replies,
    ):
        for line, expected in REDIS:
            words = line.split()
            resp = f"*{len(words)}\r\n" + "".join(f"${len(w)}\r\n{w}\r\n" for w in words)
            for sent in (resp, line + "\r\n") if line.startswith(("GET", "PING")) else (resp,):
                sock.sendall(sent.encode())
                got = replies.readline() + (replies.readline() if "\n" in expected else b"")
                assert got.decode().rstrip("\r\n") == expected.rstrip("\r\n"), line


def test_redis_survives_what_is_no_redis() -> None:
    with running("redis", host=HOST, port=6379):
        for junk in (
            b"*1\r\n!\r\n",
            b"*x\r\n",
            b"*1\r\n$-5\r\n",
            b"\x00" * 70_000,
            b"*2\r\n$3\r\nGE",
        ):
            with socket.create_connection((HOST, 6379), SECONDS) as sock:
                sock.sendall(junk)
        with socket.create_connection((HOST, 6379), SECONDS) as sock:
            sock.sendall(b"PING\r\n")
            assert sock.recv(100) == b"+PONG\r\n"


@pytest.mark.parametrize("words", [("echo",), ("counter",), ("hello",), ("kubia",)])
def test_servers_end_with_0_on_sigterm(words: tuple[str, ...]) -> None:
    with running(*words, host=HOST, port=3000 if words[0] in ("echo", "counter") else 8080) as it:
        it.send_signal(signal.SIGTERM)
        assert it.wait(SECONDS) == 0


def test_pause_ends_with_0_on_sigterm() -> None:
    with subprocess.Popen(command("pause")) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.terminate()
        assert process.wait(SECONDS) == 0


def test_an_unknown_program_is_refused_with_the_names_there_are() -> None:
    done = subprocess.run(command("nope"), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "echo" in done.stderr

"""agnhost's netexec, as Kubernetes' network tests use it."""

import json
import re
import signal
import socket
import time
from http.client import HTTPException

import pytest

from tests.support.programs import SECONDS, get, running

HOST = "127.38.0.1"
URL = f"http://{HOST}:8080"

ANSWERS = [
    ("/hostname", 200, "pod-1"),
    ("/hostName", 200, "pod-1"),
    ("/echo?msg=Hello%20World", 200, "Hello World"),
    ("/echo?msg=x&code=503", 503, "x"),
    ("/header?key=Accept-Encoding", 200, "identity"),
    ("/healthz", 200, ""),
    ("/readyz", 200, "ok"),
    ("/shell?shellCommand=echo%20%22a%26b%22", 200, '{"output":"a\\u0026b\\n"}'),
    ("/shell?cmd=exit%203", 200, '{"error":"exit status 3"}'),
    ("/shell?cmd=true", 200, "{}"),
    ("/dial?host=127.0.0.1&port=80", 400, "request parameter not specified."),
    ("/dial?host=127.0.0.1&port=80&request=x&tries=0", 400, "tries parameter is invalid. 0"),
    ("/dial?host=h&port=80&request=x&protocol=ftp", 400, "unsupported protocol. ftp"),
    (f"/dial?host={HOST}&port=8080&request=hostname", 200, '{"responses":["pod-1"]}'),
    (
        f"/dial?host={HOST}&port=8081&request=hostname&protocol=udp&tries=2",
        200,
        '{"responses":["pod-1","pod-1"]}',
    ),
]


def test_each_path_answers_as_documented() -> None:
    with running("agnhost", "netexec", host=HOST, port=8080):
        for path, status, text in ANSWERS:
            assert get(URL + path) == (status, text), path
        assert re.fullmatch(
            r"NOW: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{9} \+0000 UTC m=\+\d+\.\d+",
            get(URL + "/anything")[1],
        )
        assert re.fullmatch(rf"{HOST}:\d+", get(URL + "/clientip")[1]) or get(URL + "/clientip")[
            1
        ].startswith("127.")
        bad_code = get(URL + "/echo?msg=x&code=abc")
        assert bad_code[0] == 200
        assert "integer" in bad_code[1]
        assert get(URL + "/redirect?location=/x&code=307")[0] == 307
        assert "Accept-Encoding" in json.loads(get(URL + "/header")[1])


def test_a_form_body_gives_parameters_too() -> None:
    with running("agnhost", "netexec", host=HOST, port=8080):
        import http.client

        connection = http.client.HTTPConnection(HOST, 8080, timeout=SECONDS)
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/echo", b"msg=from+form", kind)
        assert connection.getresponse().read() == b"from form"
        connection.close()


UDP = [
    (b"hostName\n", b"pod-1"),
    (b"echo Hello There", b"hello there"),
    (b"what", None),
    (b"", None),
]


def test_udp_answers_lower_cased_or_not_at_all() -> None:
    with (
        running("agnhost", "netexec", host=HOST, port=8080),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
    ):
        sock.connect((HOST, 8081))
        sock.settimeout(SECONDS)
        for sent, expected in UDP:
            sock.send(sent)
            if expected is None:
                sock.settimeout(0.2)
                with pytest.raises(TimeoutError):
                    sock.recv(2048)
                sock.settimeout(SECONDS)
            else:
                assert sock.recv(2048) == expected
        sock.send(b"clientip")
        assert sock.recv(2048).decode() == "{}:{}".format(*sock.getsockname())


def test_without_udp_it_never_turns_healthy() -> None:
    with running("agnhost", "netexec", "--udp-port=-1", host=HOST, port=8080):
        assert get(URL + "/healthz") == (412, "")
        assert get(URL + "/readyz") == (412, "")


def test_ports_are_flags_in_both_forms_and_are_logged() -> None:
    with running(
        "agnhost", "netexec", "--http-port", "8090", "--udp-port=8091", host=HOST, port=8090
    ) as it:
        assert get(f"http://{HOST}:8090/echo?msg=x&code=")[1] == "x"
        it.send_signal(signal.SIGTERM)
        log = it.communicate(timeout=SECONDS)[0]
        assert it.returncode == 0
    assert "Started HTTP server on port 8090\n" in log
    assert "Started UDP server on port  8091\n" in log
    assert "GET /echo?msg=x&code=\n" in log


def test_delay_shutdown_keeps_serving_and_says_so() -> None:
    with running("agnhost", "netexec", "--delay-shutdown=1", host=HOST, port=8080) as it:
        it.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert get(URL + "/readyz") == (503, "shutting down")
        assert get(URL + "/hostname") == (200, "pod-1")
        assert it.wait(SECONDS) == 0


def test_exit_ends_with_the_code_asked_for() -> None:
    with running("agnhost", "netexec", host=HOST, port=8080) as it:
        with pytest.raises((OSError, HTTPException)):
            get(URL + "/exit?code=7&wait=100ms")
        assert it.wait(SECONDS) == 7


def test_a_dial_that_fails_is_200_with_errors() -> None:
    with running("agnhost", "netexec", host=HOST, port=8080):
        status, text = get(f"{URL}/dial?host=127.38.0.9&port=9&request=x&tries=2")
        assert status == 200
        assert set(json.loads(text)) == {"errors"}
        assert len(json.loads(text)["errors"]) == 2


def test_http_override_serves_one_path_for_all() -> None:
    with running("agnhost", "netexec", "--http-override=/echo?msg=all", host=HOST, port=8080):
        assert get(URL + "/hostname") == (200, "all")
        assert get(URL + "/", "POST", b"msg=other") == (200, "all")

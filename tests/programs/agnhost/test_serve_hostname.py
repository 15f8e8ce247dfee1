import signal
import socket
import subprocess

import pytest

from tests.support.programs import SECONDS, command, get, running

HOST = "127.39.0.1"


def test_http_answers_the_hostname_on_every_path() -> None:
    with running("agnhost", "serve-hostname", "--port=8099", host=HOST, port=8099) as it:
        assert get(f"http://{HOST}:8099/x/y", "POST", b"z") == (200, "pod-1")
        it.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            it.wait(0.3)
        assert get(f"http://{HOST}:8099/") == (200, "pod-1")


def test_tcp_and_udp_answer_it_raw() -> None:
    with running(
        "agnhost", "serve-hostname", "--http=false", "--tcp", "--udp", host=HOST, port=9376
    ):
        with socket.create_connection((HOST, 9376), SECONDS) as sock:
            assert sock.makefile("rb").read() == b"pod-1"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(SECONDS)
            sock.connect((HOST, 9376))
            sock.send(b"?")
            assert sock.recv(100) == b"pod-1"


def test_http_together_with_tcp_is_refused() -> None:
    done = subprocess.run(command("agnhost", "serve-hostname", "--tcp"), check=False)
    assert done.returncode == 1

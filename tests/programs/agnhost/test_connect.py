import socket
import subprocess

import pytest

from tests.support.programs import SECONDS, command

HOST = "127.40.0.1"


def run(*words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        command("agnhost", "connect", *words),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_reaching_says_nothing() -> None:
    with socket.create_server((HOST, 0)) as server:
        assert run(f"{HOST}:{server.getsockname()[1]}", "--timeout=3s") == (0, "", "")


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ([f"{HOST}:9"], "REFUSED"),
        (["--protocol=udp", "--timeout=2s", f"{HOST}:9"], "REFUSED"),
        (["no-such-name.invalid:80", "--timeout", "3s"], "DNS:"),
        (["nonsense"], "UNKNOWN:"),
    ],
)
def test_failing_says_why_in_one_line(words: list[str], first: str) -> None:
    code, out, error = run(*words)
    assert (code, out) == (1, "")
    assert error.startswith(first)
    assert error.count("\n") == 1


def test_a_udp_server_that_is_silent_times_out() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HOST, 0))
        code, _, error = run("--protocol=udp", "--timeout=200ms", f"{HOST}:{sock.getsockname()[1]}")
    assert (code, error) == (1, "TIMEOUT\n")

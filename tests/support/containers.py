"""Network namespaces that play machines: a host that runs netemu, and others beside it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def machine() -> Iterator[int]:
    """The pid of a process in a network namespace of its own."""
    command = ["unshare", "--net", "sh", "-c", "ip link set lo up; echo ready; exec sleep 300"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process.pid
        finally:
            process.kill()


def inside(pid: int, *argv: str, check: bool = True) -> str:
    """What a command prints that runs there."""
    command = ("nsenter", "-t", str(pid), "-n", *argv)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0 or not check, f"{' '.join(argv)}: {done.stdout}{done.stderr}"
    return done.stdout

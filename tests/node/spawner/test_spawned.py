import os
import subprocess

from netemu.node.spawner.spawned import pid_of


def test_a_pidfd_tells_its_pid() -> None:
    pidfd = os.pidfd_open(os.getpid())
    assert pid_of(pidfd) == os.getpid()
    os.close(pidfd)


def test_the_pidfd_of_a_process_that_was_reaped_tells_none() -> None:
    with subprocess.Popen(["true"]) as process:
        pidfd = os.pidfd_open(process.pid)
        process.wait()
    assert pid_of(pidfd) == -1
    os.close(pidfd)

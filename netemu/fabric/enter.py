"""Takes a process from outside into the cluster's network or a pod's sandbox, for `netemu exec`.

The daemon says where the namespaces are (`Entrance`), as paths below /proc that the kernel lets
the same user open; whoever enters then just executes a command, with its own terminal.
"""

import os
import signal
from collections.abc import Mapping

from msgspec import Struct, field

from netemu.fabric.namespaces import Namespace, die_with_parent, setns

ORDER = {
    "user": Namespace.USER,
    "net": Namespace.NET,
    "uts": Namespace.UTS,
    "ipc": Namespace.IPC,
    "pid": Namespace.PID,
    "mnt": Namespace.MOUNT,
}
"""The order to enter in: the user namespace gives the right to the others."""

FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""Signals meant for the command that reach only the process in front of it."""

IGNORED = (signal.SIGINT, signal.SIGQUIT)
"""Signals a terminal sends to both of them: the command decides."""


class Entrance(Struct, frozen=True, kw_only=True):
    """How to get in."""

    namespaces: Mapping[str, str] = field(default_factory=dict)
    """Kind ("user", "net", ...) to a path that stands for the namespace; empty in loopback mode."""
    env: Mapping[str, str] = field(default_factory=dict)
    """What a process in there finds in its environment."""


def enter(target: Entrance) -> None:
    """Move this single-threaded process in; return when it is there, to execute the command.

    Where there are processes in a PID namespace, it is a child that gets there and returns; this
    process waits for it, passes signals on and ends with its exit code. Raises OSError, for one
    when the pod has gone.
    """
    os.environ.update(target.env)
    folder = os.getcwd()
    # All are opened first: from inside the others, some of the paths mean nothing.
    handles = [
        (os.open(target.namespaces[kind], os.O_RDONLY | os.O_CLOEXEC), flag)
        for kind, flag in ORDER.items()
        if kind in target.namespaces
    ]
    for fd, flag in handles:
        setns(fd, flag)
        os.close(fd)
    if "mnt" in target.namespaces:
        _change_to(folder)  # joining a mount namespace led to its root
    if "pid" in target.namespaces:
        _go_on_as_child()


def _change_to(folder: str) -> None:
    try:
        os.chdir(folder)
    except OSError:
        os.chdir("/")


def _go_on_as_child() -> None:
    """Fork: a PID namespace that was joined is the children's (setns(2))."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [*FORWARDED, *IGNORED])
    pid = os.fork()
    if pid:
        _stand_in_front_of(pid)
    die_with_parent(signal.SIGKILL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [*FORWARDED, *IGNORED])


def _stand_in_front_of(pid: int) -> None:
    for number in FORWARDED:
        signal.signal(number, lambda number, _frame: os.kill(pid, number))
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [*FORWARDED, *IGNORED])
    while True:
        _, status = os.waitpid(pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            # Ctrl-Z: stop as well, so that the shell takes over; and go on together.
            os.kill(os.getpid(), signal.SIGSTOP)
            os.kill(pid, signal.SIGCONT)
            continue
        code = os.waitstatus_to_exitcode(status)
        os._exit(code if code >= 0 else 128 - code)

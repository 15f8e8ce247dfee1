"""From fork to exec: what a new process does before it becomes the program that was asked for.

`become` runs in the forked child. It never returns: whatever goes wrong is written to a pipe whose
other end the spawner reads, and which the kernel closes when exec succeeds.
"""

import errno
import fcntl
import json
import os
import signal
import stat
import termios
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from msgspec import Struct

from netemu.fabric.namespaces import (
    default_internal_signals,
    die_with_parent,
    no_new_privileges,
)
from netemu.node.runtime import Security, StartError
from netemu.node.spawner.protocol import Mount

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked up when the environment has no PATH, as containerd does."""

UMASK = 0o022
"""What runc starts processes with."""

OWN_PROGRAMS = str(Path(__file__).parents[2] / "programs" / "__main__.py")
"""The file that netemu's own programs are started by."""
PREFIX = 6
"""Among how many words of a command it is: an interpreter and its options come first."""

NOT_FOUND, NOT_EXECUTABLE, OTHER = 127, 126, 128
"""Exit codes that shells and runc use for a program that didn't start."""


class Program(Struct, frozen=True):
    """What a child is to become."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    stdio: tuple[int | None, int | None, int | None]
    """Descriptors of stdin, stdout and stderr; None: /dev/null."""
    mounts: Sequence[Mount] = ()
    """What the view of a container's first process has besides its sandbox's."""
    security: Security = Security()


def become(program: Program, enter: Callable[[], None], errors: int) -> NoReturn:
    """Enter namespaces, put everything inherited in order, and exec; report to `errors` if not."""
    try:
        # Before anything else: from here on nothing can leave us behind.
        die_with_parent(signal.SIGKILL)
        _quiet_signals()
        os.setsid()
        enter()
        os.umask(UMASK)
        _arrange_descriptors(program.stdio)
        _default_signals(held(program.argv))
        _execute(program)
    except StartError as error:
        report(errors, error)
    except BaseException as error:
        report(errors, StartError(f"unable to start container process: {error}", OTHER))
    os._exit(OTHER)


def report(errors: int, error: StartError) -> None:
    """Write an error for `parse_report`."""
    os.write(errors, json.dumps([error.code, str(error)]).encode())


def parse_report(text: bytes) -> StartError:
    """The error that `report` wrote."""
    code, message = json.loads(text)
    return StartError(str(message), int(code))


def _quiet_signals() -> None:
    # The spawner's wakeup descriptor is still ours too: its signals must not end up there.
    signal.set_wakeup_fd(-1)


def held(argv: Sequence[str]) -> set[int]:
    """Signals that wait until the program takes them.

    netemu's own take both when they are up. The first process of a PID namespace would lose them
    until then (pid_namespaces(7)), and with them all of its grace period.
    """
    return {signal.SIGTERM, signal.SIGINT} if OWN_PROGRAMS in argv[:PREFIX] else set()


def _default_signals(blocked: set[int]) -> None:
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        # The C library keeps two real-time signals to itself and refuses them.
        try:
            signal.signal(number, signal.SIG_DFL)
        except OSError:
            continue
    default_internal_signals()
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _arrange_descriptors(stdio: Sequence[int | None]) -> None:
    # Every descriptor of the spawner above 2 closes itself on exec (PEP 446, MSG_CMSG_CLOEXEC).
    null = os.open(os.devnull, os.O_RDWR)
    for target, source in enumerate(stdio):
        os.dup2(null if source is None else source, target)
    if stdio[0] is not None and os.isatty(0):
        # Of the session that setsid has begun: ^C and a change of size reach the program.
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _execute(program: Program) -> NoReturn:
    try:
        os.chdir(program.cwd)
    except OSError as error:
        raise StartError(
            "OCI runtime create failed: runc create failed: unable to start container process: "
            f'chdir to cwd ("{program.cwd}") set in config.json failed: {reason(error)}: unknown',
            OTHER,
        ) from error
    _take_identity(program.security)
    name = program.argv[0]
    path = find(name, program.env.get("PATH", DEFAULT_PATH))
    try:
        os.execve(path, list(program.argv), dict(program.env))
    except OSError as error:
        code = NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE
        raise StartError(f"exec {path}: {reason(error)}", code) from error


def _take_identity(security: Security) -> None:
    """Become the user that was asked for, as far as this machine lets us."""
    user, group = security.user, security.group
    if (user, group, security.groups) != (None, None, ()):
        with suppress(OSError):
            if user:
                for number in range(3):  # so that it can open them by name (runc does so, too)
                    if stat.S_ISFIFO(os.fstat(number).st_mode):
                        os.fchown(number, user, -1)
            os.setgroups([*security.groups, *([group] if group is not None else [])])
            if group is not None:
                os.setgid(group)
            if user is not None:
                os.setuid(user)
        # The kernel forgets this whenever somebody changes who he is (prctl(2)).
        die_with_parent(signal.SIGKILL)
    if security.no_new_privileges:
        no_new_privileges()


def find(name: str, path: str) -> str:
    """The file a command names, as Go's exec.LookPath finds it. Raises StartError."""
    if "/" in name:
        problem = _problem(name)
        if problem is None:
            return name
        code = NOT_FOUND if problem.errno == errno.ENOENT else NOT_EXECUTABLE
        call = f"stat {name}: " if problem.errno in (errno.ENOENT, errno.ENOTDIR) else ""
        raise StartError(f'exec: "{name}": {call}{reason(problem)}', code)
    for folder in path.split(":"):
        candidate = f"{folder or '.'}/{name}"
        if _problem(candidate) is None:
            return candidate
    raise StartError(f'exec: "{name}": executable file not found in $PATH', NOT_FOUND)


def _problem(path: str) -> OSError | None:
    """Why a file can't be executed."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        return error
    if os.path.isdir(path):
        return IsADirectoryError(errno.EISDIR, "is a directory")
    # Root may execute what anybody may; others what access(2) says.
    if not mode & 0o111 or not os.access(path, os.X_OK):
        return PermissionError(errno.EACCES, "permission denied")
    return None


def reason(error: OSError) -> str:
    """What went wrong in Go's words, which are the C library's in lower case."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]

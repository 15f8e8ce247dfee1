"""Linux' namespace and mount calls, which Python 3.11 lacks, as functions that raise OSError.

Everything here acts on the calling thread, and most of it wants that to be the only one: a user or
mount namespace can't be changed by a process with several (unshare(2), setns(2)).
"""

import ctypes
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from enum import IntFlag


class Namespace(IntFlag):
    """Kinds of namespaces: the CLONE_NEW* flags of <linux/sched.h>."""

    MOUNT = 0x00020000
    UTS = 0x04000000
    IPC = 0x08000000
    USER = 0x10000000
    PID = 0x20000000
    NET = 0x40000000


class Mount(IntFlag):
    """Flags of mount(2), from <linux/mount.h>."""

    RDONLY = 1
    NOSUID = 2
    NODEV = 4
    NOEXEC = 8
    REMOUNT = 32
    NOATIME = 1024
    NODIRATIME = 2048
    RELATIME = 1 << 21
    BIND = 4096
    REC = 16384
    SLAVE = 1 << 19


DETACH = 2
"""MNT_DETACH of umount2(2): unmount now, clean up once nothing uses it."""

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

_RT_SIGACTION = {"x86_64": 13, "aarch64": 134, "riscv64": 134}
"""The system call's number, by machine."""
_SIGACTION_SIZE = 32
"""Bytes of the kernel's struct sigaction, at most."""

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, subject: str | None = None) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), subject)


def unshare(kinds: Namespace) -> None:
    """Move into new namespaces of these kinds; with PID it is the children that move."""
    _checked(_libc.unshare(ctypes.c_int(kinds)))


def setns(fd: int, kinds: Namespace) -> None:
    """Move into the namespace `fd` stands for; for a pidfd, into that process' of these kinds."""
    _checked(_libc.setns(ctypes.c_int(fd), ctypes.c_int(kinds)))


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Attach a file system, or with BIND make `source` appear at `target` too (mount(2))."""
    arguments = [text.encode() for text in (source, target, kind)]
    _checked(_libc.mount(*arguments, ctypes.c_ulong(flags), data.encode()), target)


def unmount(target: str, flags: int = 0) -> None:
    """Take away what is mounted on `target` (umount2(2))."""
    _checked(_libc.umount2(target.encode(), ctypes.c_int(flags)), target)


def pivot_root() -> None:
    """Make the current directory, a mount point, the root; let the old one go (pivot_root(2))."""
    here = ctypes.c_char_p(b".")
    _checked(_libc.pivot_root(here, here))
    unmount(".", DETACH)


def sethostname(name: str) -> None:
    """Set the hostname of the UTS namespace."""
    text = name.encode()
    _checked(_libc.sethostname(text, ctypes.c_size_t(len(text))))


def die_with_parent(number: int) -> None:
    """Get signal `number` when the thread that is our parent ends; 0: no longer."""
    _prctl(_PR_SET_PDEATHSIG, number)


def adopt_orphans(wanted: bool) -> None:
    """Become the parent of descendants whose own parent ends, in place of init; or no longer."""
    _prctl(_PR_SET_CHILD_SUBREAPER, int(wanted))


def no_new_privileges() -> None:
    """Let no program that is executed gain rights, such as by its setuid bit."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _prctl(option: int, value: int) -> None:
    zeros = (ctypes.c_ulong(0),) * 3
    _checked(_libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), *zeros))


def private_mounts() -> None:
    """Move into a mount namespace whose changes nobody else sees.

    Slave, not private: what the host unmounts must go away here too, or we would keep its disks
    busy (mount_namespaces(7)).
    """
    unshare(Namespace.MOUNT)
    mount("none", "/", flags=Mount.SLAVE | Mount.REC)


def default_internal_signals() -> None:
    """Let the signals that the C library keeps to itself (32 and 33) do what they do by default.

    It refuses to be asked (sigaction(3)), yet programs inherit them ignored from whatever was
    started by posix_spawn(3), which ignores them. All zeros is SIG_DFL with nothing blocked.
    """
    number = _RT_SIGACTION.get(os.uname().machine)
    if number is None:
        return
    default, size = bytes(_SIGACTION_SIZE), ctypes.c_size_t(8)
    for signal in (32, 33):
        _libc.syscall(ctypes.c_long(number), ctypes.c_int(signal), default, None, size)


def map_root(uid: int, gid: int) -> None:
    """Make `uid` and `gid` root of the user namespace this process just made.

    One line for oneself is all an unprivileged process may write, and only after it has given up
    setgroups (user_namespaces(7)).
    """
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"0 {uid} 1")
    _write("/proc/self/gid_map", f"0 {gid} 1")


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def handle(kind: str) -> int:
    """A descriptor for the namespace this thread is in: "net", "mnt", "uts", "ipc", "pid", "user".

    For "pid" it is the one its children get.
    """
    name = "pid_for_children" if kind == "pid" else kind
    return os.open(f"/proc/thread-self/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)


class StrayedError(RuntimeError):
    """The way back to one's own namespaces failed; nothing can be trusted any more.

    No OSError, so that nobody takes it for the failure of what was tried on the way.
    """


def return_to(home: int, kind: Namespace) -> None:
    """Go back to a namespace one came from. Raises StrayedError."""
    try:
        setns(home, kind)
    except OSError as error:
        raise StrayedError(f"cannot return to a namespace: {error}") from error


@contextmanager
def excursion(kinds: Mapping[str, Namespace]) -> Iterator[None]:
    """Leave the namespaces of these kinds within the block; be back in them after it.

    Raises OSError before anything was left, and StrayedError.
    """
    with ExitStack() as way_back:
        homes = []
        for name, kind in kinds.items():
            fd = handle(name)
            way_back.callback(os.close, fd)
            homes.append((fd, kind))
        try:
            yield
        finally:
            for fd, kind in homes:
                return_to(fd, kind)

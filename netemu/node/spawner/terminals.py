"""The terminals of an instance: a devpts of its own, which pods show at /dev/pts.

The host's would do for neither side: a program can't open terminals by a /dev/ptmx that is bound
into another /dev (the kernel looks for "pts" where the device came from), and many hosts let only
root open /dev/pts/ptmx. It is one for all pods, so that the daemon can make terminals there by
names that pods know.
"""

import fcntl
import os
import struct

from netemu.fabric.namespaces import Mount, mount

PLACE = "/dev/pts"
OPTIONS = "newinstance,ptmxmode=0666,mode=0620"

_TIOCSPTLCK = 0x40045431
_TIOCGPTPEER = 0x5441
_FLAGS = os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC


def mount_terminals() -> int | None:
    """Cover /dev/pts in this mount namespace; give a descriptor of it. None: the system refuses."""
    try:
        mount("devpts", PLACE, "devpts", Mount.NOSUID | Mount.NOEXEC, OPTIONS)
    except OSError:
        return None
    return os.open(PLACE, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def open_terminal(folder: int | None) -> tuple[int, int]:
    """A terminal of the devpts that `folder` is (None: the host's): our end and the process'.

    Raises OSError.
    """
    if folder is None:
        ours, theirs = os.openpty()
        return ours, theirs
    ours = os.open("ptmx", _FLAGS, dir_fd=folder)
    try:
        fcntl.ioctl(ours, _TIOCSPTLCK, struct.pack("i", 0))
        return ours, fcntl.ioctl(ours, _TIOCGPTPEER, _FLAGS)
    except OSError:
        os.close(ours)
        raise

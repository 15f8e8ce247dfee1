"""A pod's view of the file system: the host's, but for some files that are its own.

All of it happens in a mount namespace nobody else sees, with files that live in memory, so nothing
touches the host's disk. overlayfs over the root would be simpler; user namespaces refuse it.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from netemu.fabric.namespaces import DETACH, Mount, mount, pivot_root, unmount

MEMORY = "size=16m,mode=755"
"""Options of the tmpfs that hold files and directories of our own; bounded, as a pod can write."""

DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "pts", "mqueue")
DEVICE_LINKS = {
    "ptmx": "pts/ptmx",
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}
TERMINATION_LOG = "/dev/termination-log"

PLACE = "/proc"
"""Where a tmpfs is mounted while a view is put together: it exists, no file of ours is below."""


def build(files: Mapping[str, str]) -> None:
    """Make each path show its text in the mount namespace of this process. Raises OSError."""
    for path in files:
        if not os.path.exists(path):
            make(path)
    if files:
        _bind_texts(files)


def own_devices() -> None:
    """Give /dev what it has in any container and no more, with a /dev/shm of its own.

    Whatever a program leaves there, such as its termination message, stays in memory.
    """
    with _inside("/dev"):
        mount("tmpfs", "/dev", "tmpfs", Mount.NOSUID, "size=65536k,mode=755")
        for name in DEVICES:
            if os.path.exists(name):
                _show(name, f"/dev/{name}")
    for name, target in DEVICE_LINKS.items():
        os.symlink(target, f"/dev/{name}")
    flags = Mount.NOSUID | Mount.NODEV | Mount.NOEXEC
    os.mkdir("/dev/shm")
    mount("tmpfs", "/dev/shm", "tmpfs", flags, "size=65536k,mode=1777")
    with open(TERMINATION_LOG, "x", encoding="utf-8"):
        pass  # the usual place of termination messages, there so that files can be mounted on it


def fresh_proc() -> None:
    """Show the processes of this process' own PID namespace in /proc."""
    mount("proc", "/proc", "proc", Mount.NOSUID | Mount.NODEV | Mount.NOEXEC)


def _bind_texts(files: Mapping[str, str]) -> None:
    mount("tmpfs", PLACE, "tmpfs", Mount.NOSUID | Mount.NODEV, MEMORY)
    try:
        for number, (path, text) in enumerate(files.items()):
            source = f"{PLACE}/{number}"
            with open(source, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(source, 0o644)
            # A path that is a symlink (resolv.conf often is) shows it at the link's target.
            mount(source, path, flags=Mount.BIND)
    finally:
        unmount(PLACE, DETACH)  # what is bound stays


def make(path: str, *, folder_itself: bool = False) -> None:
    """Make a missing file or folder, in memory: the folder that it belongs in becomes one of ours,
    which shows what the old one has.
    """
    folder = os.path.dirname(path)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    # What stands in the way, if anything, is a link that leads nowhere.
    missing = os.path.relpath(path, folder).split("/")[0]
    folder = os.path.realpath(folder)
    if folder == "/":
        _own_root(missing)
    else:
        _own_folder(folder, missing)
    if folder_itself:
        os.makedirs(path)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "x", encoding="utf-8"):
        pass


def _own_folder(folder: str, missing: str) -> None:
    with _inside(folder):
        mode = os.stat(".").st_mode & 0o7777
        mount("tmpfs", folder, "tmpfs", Mount.NOSUID | Mount.NODEV, MEMORY)
        os.chmod(folder, mode)
        _show_entries(folder, {missing})


def _own_root(missing: str) -> None:
    """The root itself can't be covered: another one takes its place (pivot_root(2))."""
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    with _inside("/"):
        mount("tmpfs", PLACE, "tmpfs", Mount.NOSUID | Mount.NODEV, MEMORY)
        _show_entries(PLACE, {missing, "proc"})
        os.mkdir(f"{PLACE}/proc")
        os.fchdir(proc)  # the one under our tmpfs
        mount(".", f"{PLACE}/proc", flags=Mount.BIND | Mount.REC)
        unmount(f"{PLACE}/proc", DETACH)  # the copy of our tmpfs, which covers it there too
        os.close(proc)
        os.chdir(PLACE)
        pivot_root()


def _show_entries(folder: str, without: set[str]) -> None:
    """Show what is in the current directory in `folder` too, which covers it."""
    for entry in os.scandir("."):
        target = f"{folder}/{entry.name}"
        if entry.name in without:
            continue
        if entry.is_symlink():
            os.symlink(os.readlink(entry.name), target)
        else:
            _show(entry.name, target)


def _show(name: str, target: str) -> None:
    """Show an entry of the current directory at `target`, which is made for it."""
    if os.path.isdir(name):
        os.mkdir(target)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))
    mount(name, target, flags=Mount.BIND | Mount.REC)


@contextmanager
def _inside(folder: str) -> Iterator[None]:
    """Make it the current directory within the block, after which that is the root."""
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir("/")

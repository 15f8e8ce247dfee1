"""Volumes in a container's view: bind mounts in a mount namespace of its own.

Order matters three times. Mount points are made first, because that may replace whole folders of
the view. Sources are opened next, because a mount may cover another one's source. Then outer
mounts come before those inside of them, whose mount points are made in the volume itself, as by
every container runtime; read-only they become last.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from msgspec import Struct

from netemu.fabric.namespaces import Mount as Flag
from netemu.fabric.namespaces import mount
from netemu.node.spawner import view
from netemu.node.spawner.protocol import Mount

_LOCKED = {
    os.ST_NOSUID: Flag.NOSUID,
    os.ST_NODEV: Flag.NODEV,
    os.ST_NOEXEC: Flag.NOEXEC,
    os.ST_NOATIME: Flag.NOATIME,
    os.ST_NODIRATIME: Flag.NODIRATIME,
    os.ST_RELATIME: Flag.RELATIME,
}
"""Flags of a mount that must stay when it is made read-only (mount_namespaces(7))."""


class MountError(OSError):
    """A volume could not be mounted."""


class _Opened(Struct, frozen=True):
    """A mount, its mount point without links, and its source, held open by its folder."""

    mount: Mount
    target: str
    folder: int
    name: str
    is_folder: bool


def cover(memory: Iterable[tuple[str, int]]) -> None:
    """Put memory of that many bytes on folders. Raises OSError."""
    for path, size in memory:
        options = f"mode=777,size={size}" if size else "mode=777"
        mount("tmpfs", path, "tmpfs", Flag.NOSUID | Flag.NODEV, options)


def place(wanted: Sequence[Mount]) -> None:
    """Mount all of it in this process' mount namespace. Raises MountError."""
    if not wanted:
        return
    outer = [item for item in wanted if not _is_inside(item, wanted)]
    for item in wanted:
        with _blamed(item):
            if not os.path.exists(item.source):
                os.makedirs(item.source)
            if item in outer and not os.path.exists(item.target):
                view.make(item.target, folder_itself=os.path.isdir(item.source))
    opened = [_open(item) for item in sorted(wanted, key=_depth)]
    for one in opened:
        with _blamed(one.mount):
            _bind(one)
    for one in opened:
        os.close(one.folder)
        if one.mount.read_only:
            with _blamed(one.mount):
                _make_read_only(one.target)
    os.chdir("/")


def _depth(item: Mount) -> int:
    return os.path.normpath(item.target).count("/")


def _is_inside(item: Mount, others: Iterable[Mount]) -> bool:
    own = os.path.normpath(item.target)
    return any(own.startswith(os.path.normpath(other.target) + "/") for other in others)


def _open(item: Mount) -> _Opened:
    folder, name = os.path.split(os.path.normpath(item.source))
    with _blamed(item):
        fd = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    return _Opened(item, os.path.normpath(item.target), fd, name or ".", os.path.isdir(item.source))


def _bind(one: _Opened) -> None:
    if not os.path.exists(one.target):
        if one.is_folder:
            os.makedirs(one.target)
        else:
            os.makedirs(os.path.dirname(one.target), exist_ok=True)
            os.close(os.open(one.target, os.O_CREAT | os.O_WRONLY, 0o644))
    os.fchdir(one.folder)
    mount(one.name, one.target, flags=Flag.BIND | Flag.REC)


def _make_read_only(target: str) -> None:
    have = os.statvfs(target).f_flag
    kept = sum(flag for seen, flag in _LOCKED.items() if have & seen)
    mount("none", target, flags=Flag.BIND | Flag.REMOUNT | Flag.RDONLY | kept)


def lock_root(volumes: Iterable[str]) -> None:
    """Let nothing be written but to the volumes, the devices and what the kernel shows."""
    spared = [*map(os.path.normpath, volumes), "/dev", "/proc", "/sys"]
    for target in _mounted():
        inside = any(target == place or target.startswith(place + "/") for place in spared)
        if not inside:
            with suppress(OSError):  # it is covered by another one, or nobody may touch it
                _make_read_only(target)


def _mounted() -> list[str]:
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return [line.split(" ")[4].replace("\\040", " ") for line in file]


@contextmanager
def _blamed(item: Mount) -> Iterator[None]:
    """Say which mount an OSError is about, in runc's words."""
    try:
        yield
    except OSError as error:
        where = f'error mounting "{item.source}" to rootfs at "{item.target}"'
        text = f"{where}: {(error.strerror or str(error)).lower()}"
        raise MountError(error.errno, text) from error

"""A folder of files that changes all at once, as the kubelet's do (pkg/volume/util, AtomicWriter).

Files live in a folder of their own beside a link, ``..data``, that names the current one; what
users see are links through it. Whoever has the volume mounted sees the swap, and a program that
watches ``..data`` is told of it.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from netemu.node.volume_files import Files

DATA = "..data"
_NEW = "..data_tmp"
OPEN = 0o755
"""The mode of folders: a pod's processes may be anybody's."""


def write(folder: Path, files: Files, group: int | None = None) -> None:
    """Make `folder` show exactly these files, which members of `group` may read. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(OPEN)
    old = _current(folder)
    fresh = Path(tempfile.mkdtemp(prefix="..", dir=folder))
    fresh.chmod(OPEN)
    for path, file in files.items():
        place = fresh / path
        for parent in reversed(place.relative_to(fresh).parents[:-1]):
            (fresh / parent).mkdir(exist_ok=True)
            (fresh / parent).chmod(OPEN)
        place.write_bytes(file.data)
        if group is not None:
            with suppress(PermissionError):  # who isn't root gives files to his own groups only
                os.chown(place, -1, group)
        place.chmod(file.mode if group is None else file.mode | 0o040)
    link = folder / _NEW
    link.unlink(missing_ok=True)
    link.symlink_to(fresh.name)
    link.rename(folder / DATA)
    _show(folder, {path.split("/")[0] for path in files})
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def _current(folder: Path) -> Path | None:
    try:
        return folder / os.readlink(folder / DATA)
    except OSError:
        return None


def _show(folder: Path, names: Iterable[str]) -> None:
    wanted = set(names)
    for entry in folder.iterdir():
        if not entry.name.startswith("..") and entry.name not in wanted:
            entry.unlink()
    for name in wanted:
        place = folder / name
        if not place.is_symlink():
            place.symlink_to(f"{DATA}/{name}")

"""A folder of files that changes all at once, as the kubelet's do (pkg/volume/util, AtomicWriter).

Files live in a folder of their own beside a link, ``..data``, that names the current one; what
users see are links through it. Whoever has the volume mounted sees the swap, and a program that
watches ``..data`` is told of it.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from netemu.node.volume_files import Files

DATA = "..data"
_NEW = "..data_tmp"


def write(folder: Path, files: Files) -> None:
    """Make `folder` show exactly these files. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    old = _current(folder)
    fresh = Path(tempfile.mkdtemp(prefix="..", dir=folder))
    fresh.chmod(0o755)
    for path, file in files.items():
        place = fresh / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.data)
        place.chmod(file.mode)
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

"""hostPath volumes: what must be there, and what is made (pkg/volume/hostpath)."""

import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from netemu.node.volume_files import VolumeError

_MUST_BE: Final[Mapping[str, tuple[Callable[[int], bool], str]]] = {
    "Directory": (stat.S_ISDIR, "a directory"),
    "File": (stat.S_ISREG, "a file"),
    "Socket": (stat.S_ISSOCK, "a socket file"),
    "CharDevice": (stat.S_ISCHR, "a character device"),
    "BlockDevice": (stat.S_ISBLK, "a block device"),
}


def prepare(path: Path, kind: str) -> None:
    """Check a path, and make what its type allows to be made. Raises VolumeError, OSError."""
    if kind in ("", "DirectoryOrCreate") and not path.exists():
        path.mkdir(parents=True, mode=0o755)
    elif kind == "FileOrCreate" and not path.exists():
        path.touch(mode=0o644)
    expected = _MUST_BE.get(kind.removesuffix("OrCreate"))
    if expected is None:
        return
    matches, words = expected
    if not path.exists() or not matches(path.stat().st_mode):
        raise VolumeError(f"hostPath type check failed: {path} is not {words}")

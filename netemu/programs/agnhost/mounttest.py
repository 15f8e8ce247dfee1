"""``agnhost mounttest``: tells of files and mounts what a volume test wants to know."""

import os
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

from netemu.programs.agnhost import flags

NEW_MODES = (0o644, 0o666, 0o660, 0o777)
DEFAULTS: flags.Flags = {
    "fs_type": "",
    **{f"new_file_{mode:04o}": "" for mode in NEW_MODES},
    "file_mode": "",
    "file_perm": "",
    "file_owner": "",
    "file_content": "",
    "file_content_in_loop": "",
    "retry_time": 180,
    "break_on_expected_content": True,
}
CONTENT = "mount-tester new file\n"
LOOP_SECONDS = 1.0


def main(argv: list[str]) -> int:
    """Print what the flags ask for, in upstream's order; 1 on the first error."""
    options, _ = flags.parse_or_exit(argv, DEFAULTS)
    os.umask(0)
    try:
        for name, show in SHOWN.items():
            for path in filter(None, str(options[name]).split(",")):
                print(show(path), flush=True)
        looped = str(options["file_content_in_loop"])
        if looped:
            _loop(looped.split(","), float(options["retry_time"]))
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _fs_type(path: str) -> str:
    """By the mount table: the type of the mount that the path is, or lies in."""
    best, found = "", ""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split(" ")
        inside = path == place or path.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(best):
            best, found = place, kind
    return f'mount type of "{path}": {found}'


def _new(mode: int) -> Callable[[str], str]:
    def make(path: str) -> str:
        Path(path).write_text(CONTENT)
        Path(path).chmod(mode)
        return _mode(path)

    return make


def _mode(path: str) -> str:
    return f'mode of file "{path}": {_letters(path)}'


def _perm(path: str) -> str:
    letters = _letters(path)
    return f'perms of file "{path}": -{letters[-9:]}'


def _letters(path: str) -> str:
    """As Go prints a file's mode: it says d, t (sticky), g, u (set ids) before the nine letters."""
    mode = os.stat(path).st_mode
    kinds = (
        ("d", stat.S_ISDIR(mode)),
        ("u", mode & stat.S_ISUID),
        ("g", mode & stat.S_ISGID),
        ("t", mode & stat.S_ISVTX),
    )
    head = "".join(letter for letter, given in kinds if given) or "-"
    plain = stat.filemode(stat.S_IMODE(mode) & 0o777)
    return head + plain[1:]


def _owner(path: str) -> str:
    found = os.stat(path)
    return f'owner UID of "{path}": {found.st_uid}\nowner GID of "{path}": {found.st_gid}'


def _content(path: str) -> str:
    return f'content of file "{path}": {Path(path).read_text(errors="replace")}'


def _loop(paths: list[str], seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for path in paths:
            try:
                print(_content(path), flush=True)
            except OSError as error:
                print(f'error reading file content for "{path}": {error}', flush=True)
        time.sleep(LOOP_SECONDS)


SHOWN: dict[str, Callable[[str], str]] = {
    "fs_type": _fs_type,
    **{f"new_file_{mode:04o}": _new(mode) for mode in NEW_MODES},
    "file_mode": _mode,
    "file_perm": _perm,
    "file_owner": _owner,
    "file_content": _content,
}
"""Flag -> what is said of each of its paths."""

"""Looks at the machine's resolver, and does to it what `resolver_plan` says.

Everything happens below a root folder, so that tests have machines of their own. A file is replaced
whole or not at all, and keeps its owner, mode and attributes.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, assert_never

from netemu.cli.resolver_machine import FOLDERS, RESOLV_CONF, Machine, lineage
from netemu.cli.resolver_plan import (
    Action,
    MakeFolder,
    Reload,
    RemoveFile,
    RemoveFolder,
    WriteFile,
)

RELOAD_SECONDS: Final = 30.0
"""For a service to come back."""
_NETWORK_MANAGER: Final = (
    "usr/lib/NetworkManager/conf.d",
    "run/NetworkManager/conf.d",
    "etc/NetworkManager/NetworkManager.conf",
    "etc/NetworkManager/conf.d",
)
"""In the order in which a later one counts more (NetworkManager.conf(5))."""


class ReloadFailed(Exception):
    """All is written, but the service doesn't read it; the message says what it said."""


def observe(root: Path) -> Machine:
    """How the machine resolves names now. Raises OSError."""
    resolv_conf = _below(root, RESOLV_CONF)
    link = os.readlink(resolv_conf) if resolv_conf.is_symlink() else ""
    folders = {path for folder in FOLDERS.values() for path in lineage(folder)}
    return Machine(
        resolv_conf=_content(resolv_conf),
        link=link,
        network_manager=tuple(_texts(root)),
        files={
            f"{folder}/{path.name}": path.read_bytes()
            for folder in FOLDERS.values()
            for path in sorted(_below(root, folder).glob("netemu-*.conf"))
        },
        folders=frozenset(path for path in folders if _below(root, path).is_dir()),
    )


def _texts(root: Path) -> list[str]:
    texts = []
    for place in _NETWORK_MANAGER:
        path = root / place
        for file in sorted(path.glob("*.conf")) if path.is_dir() else [path]:
            content = _content(file)
            texts.append("" if content is None else content.decode("utf-8", "replace"))
    return texts


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _below(root: Path, path: str) -> Path:
    return root / path.removeprefix("/")


def systemctl_of(root: Path) -> str | None:
    """The program that makes services read their settings; of another root only its own."""
    if root == Path("/"):
        return shutil.which("systemctl")
    return shutil.which("systemctl", path=f"{root}/usr/bin:{root}/bin")


def apply(actions: Sequence[Action], root: Path, systemctl: str | None) -> None:
    """Do it all, in order. Raises OSError (then what was begun is undone) and ReloadFailed."""
    undo: list[Callable[[], None]] = []
    try:
        for action in actions:
            _apply(action, root, systemctl, undo)
    except OSError:
        for step in reversed(undo):
            with suppress(OSError):
                step()
        raise


def _apply(
    action: Action, root: Path, systemctl: str | None, undo: list[Callable[[], None]]
) -> None:
    match action:
        case MakeFolder(path):
            _below(root, path).mkdir(mode=0o755)
            undo.append(_below(root, path).rmdir)
        case WriteFile(path, content):
            restore = _restoring(_below(root, path))
            _write(_below(root, path), content)
            undo.append(restore)
        case RemoveFile(path):
            restore = _restoring(_below(root, path))
            _below(root, path).unlink()
            undo.append(restore)
        case RemoveFolder(path):
            with suppress(OSError):  # somebody else put something in it
                _below(root, path).rmdir()
        case Reload(unit):
            if systemctl is not None:
                _reload(systemctl, unit)
        case _:
            assert_never(action)


def _restoring(path: Path) -> Callable[[], None]:
    """What brings the file back as it is now."""
    content = _content(path)
    return path.unlink if content is None else partial(_write, path, content)


def _write(path: Path, content: bytes) -> None:
    """Replace the file whole."""
    fresh = path.with_name(f".{path.name}.netemu")
    fresh.unlink(missing_ok=True)
    try:
        with open(fresh, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            before = path.stat()
            shutil.copystat(path, fresh)
            os.chown(fresh, before.st_uid, before.st_gid)
            os.utime(fresh)
        else:
            fresh.chmod(0o644)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _reload(systemctl: str, unit: str) -> None:
    command = [systemctl, "reload-or-restart", unit]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=RELOAD_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReloadFailed(f"{' '.join(command)}: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip() or f"it ended with {done.returncode}"
        raise ReloadFailed(f"{' '.join(command)}: {said}")

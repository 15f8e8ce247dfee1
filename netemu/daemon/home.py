"""An instance's folder: what lies where, and whether its daemon runs.

The lock is the truth: the kernel frees it however the daemon ends, so a stale file is never taken
for a running instance.
"""

import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct


class HomeUnusable(Exception):
    """The folder can't be used; the message says why, in one line."""


class AlreadyRunning(Exception):
    """Another daemon has this instance."""

    def __init__(self, name: str, pid: int) -> None:
        super().__init__(f'instance "{name}" is already running (pid {pid})')
        self.pid = pid


class Home(Struct, frozen=True):
    """Paths in one instance's folder."""

    folder: Path

    @property
    def name(self) -> str:
        """The instance's name."""
        return self.folder.name

    @property
    def kubeconfig(self) -> Path:
        """The admin's kubeconfig."""
        return self.folder / "kubeconfig"

    @property
    def store(self) -> Path:
        """The objects."""
        return self.folder / "store.db"

    @property
    def credentials(self) -> Path:
        """Keys and certificates."""
        return self.folder / "pki"

    @property
    def log(self) -> Path:
        """What the daemon has to say."""
        return self.folder / "daemon.log"

    @property
    def socket(self) -> Path:
        """The control socket."""
        return self.folder / "control.sock"

    @property
    def _lock(self) -> Path:
        return self.folder / "lock"

    @property
    def _clock(self) -> Path:
        return self.folder / "clock"

    @property
    def _facts(self) -> Path:
        return self.folder / "daemon.json"

    def prepare(self) -> None:
        """Make the folder, for its owner alone. Raises HomeUnusable."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not os.access(self.folder, os.W_OK | os.X_OK):
                raise PermissionError(13, "Permission denied")
        except OSError as error:
            raise HomeUnusable(
                f"cannot use state folder {self.folder}: {error.strerror}"
            ) from error

    def _unusable(self, error: OSError) -> HomeUnusable:
        return HomeUnusable(f"cannot use state folder {self.folder}: {error.strerror}")

    def lock(self) -> int:
        """Take the instance for as long as the returned descriptor (or a fork's copy) is open.

        Raises AlreadyRunning, HomeUnusable.
        """
        try:
            number = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise HomeUnusable(
                f"cannot use state folder {self.folder}: {error.strerror}"
            ) from error
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(number)
            raise AlreadyRunning(self.name, self.pid() or 0) from None
        return number

    def sign(self, lock: int) -> None:
        """Write the daemon's pid into the lock it holds."""
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)

    def pid(self) -> int | None:
        """The daemon's pid; None when it doesn't run."""
        with suppress(OSError):
            number = os.open(self._lock, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(os.pread(number, 20, 0) or b"0")
            finally:
                os.close(number)
        return None

    def write_facts(self, facts: dict[str, Any]) -> None:
        """Tell others what the running daemon offers; whole or not at all."""
        fresh = self._facts.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(facts, indent=2) + "\n")
        fresh.replace(self._facts)

    def facts(self) -> dict[str, Any] | None:
        """What the running daemon offers; None when none runs or it isn't ready."""
        if self.pid() is None:
            return None
        try:
            facts: dict[str, Any] = json.loads(self._facts.read_text())
        except (OSError, ValueError):
            return None
        return facts

    def ahead(self) -> float:
        """Seconds by which the instance's time was ahead of the machine's when it was last moved:
        its objects bear times of then, so it may not go back.
        """
        try:
            return max(0.0, float(self._clock.read_text()))
        except (OSError, ValueError):
            return 0.0

    def write_ahead(self, seconds: float) -> None:
        """Remember how far ahead time is."""
        self._clock.write_text(f"{seconds:.3f}\n")

    def clear(self) -> None:
        """Remove what only a running daemon has."""
        for path in (self._facts, self.socket):
            path.unlink(missing_ok=True)


def homes(state_dir: Path) -> list[Home]:
    """Every instance that has a folder, by name."""
    try:
        found = [Home(path) for path in state_dir.iterdir() if (path / "lock").is_file()]
    except OSError:
        return []
    return sorted(found, key=lambda home: home.name)

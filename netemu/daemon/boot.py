"""From a command to a daemon: fork, let go of the terminal, and report back over a pipe.

The daemon is always a child of the command that starts it, so the command can tell what happened.
In the foreground the command holds a lifeline; when it goes, however it goes, the daemon ends.
"""

import json
import os
import sys
import traceback
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from netemu.config.settings import Settings
from netemu.daemon.home import Home
from netemu.daemon.reports import Reports

LOG_LIMIT = 1024 * 1024
"""Bytes of the daemon's log that a restart keeps; a longer one begins anew."""


class Booted(Struct, frozen=True):
    """A daemon on its way."""

    pid: int
    pipe: int
    lifeline: int | None

    def reports(self) -> Iterator[tuple[str, Any]]:
        """(kind, content) until the daemon closes the pipe or ends."""
        with open(self.pipe, "rb", closefd=False) as lines:
            for line in lines:
                kind, content = json.loads(line)
                yield kind, content


def boot(settings: Settings, home: Home, lock: int, *, foreground: bool) -> Booted:
    """Fork the daemon. Only it holds the lock afterwards, and the lifeline's far end."""
    reading, writing = os.pipe()
    held, lifeline = os.pipe() if foreground else (None, None)
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reading)
            if lifeline is not None:
                os.close(lifeline)
            code = _daemon(settings, home, lock, Reports(writing), held)
        finally:
            os._exit(code)
    os.close(writing)
    os.close(lock)
    if held is not None:
        os.close(held)
    return Booted(pid, reading, lifeline)


def _daemon(
    settings: Settings, home: Home, lock: int, reports: Reports, lifeline: int | None
) -> int:
    os.setsid()
    os.chdir("/")
    os.umask(0o077)
    _redirect(home)
    home.sign(lock)
    home.clear()
    try:
        from netemu.daemon.main import run

        run(settings, home, reports, lifeline)
    except Exception as error:
        traceback.print_exc()
        reports.send("failed", str(error) or type(error).__name__)
        return 1
    finally:
        home.clear()
        sys.stderr.flush()
    return 0


def _redirect(home: Home) -> None:
    """Standard input from nowhere, output into the daemon's log."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    log = os.open(home.log, flags, 0o600)
    if os.fstat(log).st_size > LOG_LIMIT:
        os.ftruncate(log, 0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(nothing)
    os.close(log)
    sys.stderr.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a TextIOWrapper

"""Why a container ended, in its own words: its termination message (pkg/kubelet/container).

The message is what the container wrote to its terminationMessagePath, a file of each life; with
FallbackToLogsOnError, if that is empty, the end of the log of a container that failed.
"""

import os
from contextlib import suppress
from pathlib import Path

from netemu.model.meta import Object
from netemu.node.logs import rotated_path
from netemu.node.runtime import MountSpec

OOM = "OOMKilled"

LONGEST = 4096
"""Bytes of a message (MaxContainerTerminationMessageLength)."""
LOG_BYTES, LOG_LINES = 2048, 80
"""How much of the log stands in for it."""


def oom_kills(vmstat: Path = Path("/proc/vmstat")) -> int:
    """How many processes the kernel has killed for want of memory since it started."""
    try:
        for line in vmstat.read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    except (OSError, ValueError):
        pass  # a kernel that doesn't count
    return 0


def killed_reason(before: int, vmstat: Path = Path("/proc/vmstat")) -> str:
    """Why a container was killed that nobody here killed: for want of memory, if the kernel did
    such a thing meanwhile.
    """
    return OOM if oom_kills(vmstat) > before else "Error"


def message_file(log: Path) -> Path:
    """Where the message of the life is written that has this log."""
    return log.with_suffix(".termination")


def mount_of(container: Object, log: Path) -> list[MountSpec]:
    """An empty file for the message, where the container expects it."""
    target = container.get("terminationMessagePath")
    if not target:
        return []
    file = message_file(log)
    file.write_bytes(b"")
    file.chmod(0o666)
    return [MountSpec(source=str(file), target=target)]


def message(container: Object, log: Path, code: int) -> str:
    """The message of a life that has ended; its file is not needed any more."""
    file = message_file(log)
    text = _beginning(file)
    with suppress(OSError):
        file.unlink(missing_ok=True)
    fallback = container.get("terminationMessagePolicy") == "FallbackToLogsOnError"
    if not text and code != 0 and fallback:
        return _end_of(log)
    return text


def _beginning(file: Path) -> str:
    try:
        with file.open("rb") as reader:
            return reader.read(LONGEST).decode(errors="replace")
    except OSError:
        return ""


def _end_of(log: Path) -> str:
    """The last lines of a log, without what the format adds."""
    text = b""
    for path in (rotated_path(log), log):
        with suppress(OSError), path.open("rb") as reader:
            size = reader.seek(0, os.SEEK_END)
            reader.seek(max(0, size - 3 * LOG_BYTES))
            text += reader.read()
    lines = [line.split(b" ", 3) for line in text.split(b"\n")]
    pieces = [parts[3] + (b"\n" if parts[2] == b"F" else b"") for parts in lines if len(parts) == 4]
    found = b"".join(pieces[-LOG_LINES:])[-LOG_BYTES:]
    return found.decode(errors="replace")

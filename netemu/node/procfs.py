"""What /proc tells of processes."""

import os

from msgspec import Struct

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Stat(Struct, frozen=True):
    """One process."""

    parent: int
    ticks: int
    """Processor time of it and of the children it has waited for."""


def processes() -> dict[int, Stat]:
    """Every process that can be seen."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            stat = parse_stat(_read(f"/proc/{entry}/stat"))
            if stat is not None:
                found[int(entry)] = stat
    return found


def parse_stat(text: str) -> Stat | None:
    """What /proc/PID/stat says; None when there is no such process any more (proc(5))."""
    # The name stands in brackets and may have any letters in it, brackets too.
    fields = text.rpartition(")")[2].split()
    if len(fields) < 15:
        return None
    return Stat(parent=int(fields[1]), ticks=sum(map(int, fields[11:15])))


def own_memory(pid: int) -> int:
    """Bytes of memory that the process shares with nobody: what a cgroup would charge it."""
    fields = _read(f"/proc/{pid}/statm").split()
    return (int(fields[1]) - int(fields[2])) * _PAGE if len(fields) > 2 else 0


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""

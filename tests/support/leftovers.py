"""What an instance has on the machine while it runs, and what of that is left afterwards.

Looks at the instance's own processes and namespaces, so other instances don't matter.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from netemu.testing import Instance


@dataclass(frozen=True)
class Belongings:
    """Processes with their start times (pids come round again), and namespaces of their own."""

    processes: frozenset[tuple[int, str]]
    namespaces: frozenset[str]
    uplink: str
    """The host's end of it, "" without."""
    folder: str


def belongings(cluster: Instance) -> Belongings:
    """Everything a running instance has."""
    pids = _descendants(cluster.facts["pid"])
    spaces = {space for pid in pids for space in _namespaces(pid)} - set(_namespaces(os.getpid()))
    block = cluster.facts["block"]
    link = f"netemu-{block}"
    return Belongings(
        frozenset((pid, _started(pid)) for pid in pids),
        frozenset(spaces),
        link if link in os.listdir("/sys/class/net") else "",
        str(cluster.state_dir),
    )


def left_of(had: Belongings) -> list[str]:
    """What is still there."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    found = [f"process {pid}" for pid, started in had.processes if _started(pid) == started]
    spaces = {space for pid in pids for space in _namespaces(pid)}
    found += [f"namespace {space}" for space in had.namespaces & spaces]
    found += [f"link {name}" for name in os.listdir("/sys/class/net") if name == had.uplink]
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    return found + [f"mount {line}" for line in mounts if had.folder in line]


def _descendants(pid: int) -> set[int]:
    found, waiting = set(), [pid]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += _children(each)
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, task.read_text().split())
    return found


def _started(pid: int) -> str:
    """When a process started; "" when there is none (a zombie has ended, too)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _namespaces(pid: int) -> list[str]:
    found = []
    for kind in ("net", "pid", "mnt", "uts", "user"):
        try:
            found.append(os.readlink(f"/proc/{pid}/ns/{kind}"))
        except OSError:
            continue
    return found


def listening(block: int) -> list[str]:
    """What listens at the addresses of an instance's block, in the host's network."""
    shown = subprocess.run(["ss", "-Hlntu"], capture_output=True, text=True, check=True).stdout
    return [line for line in shown.splitlines() if f" 127.{block}." in line]

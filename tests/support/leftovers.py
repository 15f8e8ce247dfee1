"""What a machine shows of netemu: compared before and after, it must be the same."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Traces:
    """Things that must not stay behind."""

    processes: frozenset[str]
    links: frozenset[str]
    mounts: frozenset[str]
    namespaces: frozenset[str]

    def minus(self, before: "Traces") -> "Traces":
        return Traces(
            self.processes - before.processes,
            self.links - before.links,
            self.mounts - before.mounts,
            self.namespaces - before.namespaces,
        )


def traces() -> Traces:
    """All processes, links, mounts and namespaces there are now."""
    pids = [name for name in os.listdir("/proc") if name.isdigit()]
    return Traces(
        processes=frozenset(filter(None, map(_process, pids))),
        links=frozenset(os.listdir("/sys/class/net")),
        mounts=frozenset(Path("/proc/self/mounts").read_text().splitlines()),
        namespaces=frozenset(space for pid in pids for space in _namespaces(pid)),
    )


NOTHING = Traces(frozenset(), frozenset(), frozenset(), frozenset())


def _process(pid: str) -> str:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
    # Kernel threads have no command line; a zombie has ended and waits for its parent only.
    return f"{pid} {command}" if command and state != "Z" else ""


def _namespaces(pid: str) -> list[str]:
    found = []
    for kind in ("net", "pid", "mnt", "uts", "user"):
        try:
            found.append(os.readlink(f"/proc/{pid}/ns/{kind}"))
        except OSError:
            continue
    return found


def listening() -> frozenset[str]:
    """Local addresses and ports on which something listens, in the host's network."""
    shown = subprocess.run(
        ["ss", "-Hlntu"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return frozenset(f"{line.split()[0]} {line.split()[4]}" for line in shown)

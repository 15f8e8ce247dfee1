"""What the machine is: the facts that a node's status tells of it."""

import os
import platform
import uuid
from pathlib import Path

from msgspec import Struct

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


class Machine(Struct, frozen=True, kw_only=True):
    """One machine; every emulated node shows the whole of it."""

    cpus: int
    memory: int
    """KiB."""
    disk: int
    """KiB of the file system where pods write."""
    architecture: str
    kernel: str
    os_image: str
    boot_id: str


def this_machine(folder: Path) -> Machine:
    """The machine we run on; `folder` is where pods write."""
    space = os.statvfs(folder)
    arch = platform.machine()
    return Machine(
        cpus=os.cpu_count() or 1,
        memory=_memory(_content("/proc/meminfo")),
        disk=space.f_frsize * space.f_blocks // 1024,
        architecture=_ARCHITECTURES.get(arch, arch),
        kernel=platform.release(),
        os_image=_os_image(_content("/etc/os-release")),
        boot_id=_content("/proc/sys/kernel/random/boot_id").strip(),
    )


def stable_id(*words: str) -> str:
    """A uuid that is the same for the same words, in place of the machine's own secrets."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, ".".join((*words, "netemu"))))


def _content(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def _memory(meminfo: str) -> int:
    for line in meminfo.splitlines():
        name, _, value = line.partition(":")
        if name == "MemTotal":
            return int(value.split()[0])
    return 0


def _os_image(release: str) -> str:
    for line in release.splitlines():
        name, _, value = line.partition("=")
        if name == "PRETTY_NAME":
            return value.strip('"')
    return "Linux"

"""How netemu knows again what it put into a machine: every file and every block of lines says so.

What doesn't say so is somebody else's, and is neither changed nor removed.
"""

import re
from typing import Final

from msgspec import Struct

from netemu.cli.resolver_machine import DNS_PORT, FOLDERS, RESOLV_CONF, Machine, Way, file_of


def head(instance: str, made: int) -> str:
    """How a file of ours begins; `made` folders had to be made for it."""
    return (
        f'# Written by netemu for its instance "{instance}"; folders made for it: {made}.\n'
        f"# To undo: netemu resolver remove --name {instance}\n"
    )


def folders_made(content: bytes, instance: str) -> int | None:
    """How many folders were made for a file of ours; None if it isn't ours."""
    first = content.decode("latin-1").partition("\n")[0]
    made = re.fullmatch(rf"{re.escape(head(instance, 0).partition(' 0.')[0])} (\d)\.", first)
    return int(made[1]) if made else None


ABSENT: Final = "# There was no such file before.\n"


def block(instance: str, lines: str, *, absent: bool) -> bytes:
    """Our lines in a file of others'; `absent` if there was no such file."""
    begin = f'# netemu, instance "{instance}": to undo, netemu resolver remove --name {instance}\n'
    end = f'# netemu, instance "{instance}": end\n'
    return f"{begin}{ABSENT if absent else ''}{lines}{end}".encode()


def block_in(content: bytes, instance: str) -> tuple[int, int] | None:
    """Where our block is."""
    begin, end = block(instance, "\0", absent=False).split(b"\0")
    start = content.find(begin)
    stop = content.find(end, start)
    return (start, stop + len(end)) if 0 <= start < stop else None


class Installed(Struct, frozen=True):
    """One place where something of ours is."""

    way: Way
    path: str
    instance: str
    server: str
    """ADDRESS:PORT."""
    zone: str
    """"" for all names."""


_PATTERNS: Final = {
    Way.RESOLVED: re.compile(r"DNS=(?P<at>\S+):(?P<port>\d+)\nDomains=~(?P<zone>\S+)"),
    Way.DNSMASQ: re.compile(r"server=/(?P<zone>[^/]+)/(?P<at>\S+)#(?P<port>\d+)"),
}
_BLOCK: Final = re.compile(
    r'# netemu, instance "(?P<instance>[^"\n]+)": to undo.*\n(?:# .*\n)?nameserver (?P<at>\S+)\n'
)


def installed(machine: Machine) -> list[Installed]:
    """Everything of ours, of any instance."""
    found: list[Installed] = []
    for way, folder in FOLDERS.items():
        for path in sorted(machine.files):
            instance = path.removeprefix(f"{folder}/netemu-").removesuffix(".conf")
            if path != file_of(way, instance):
                continue
            content = machine.files[path]
            said = _PATTERNS[way].search(content.decode("latin-1"))
            if said and folders_made(content, instance) is not None:
                at = f"{said['at']}:{said['port']}"
                found.append(Installed(way, path, instance, at, said["zone"]))
    for said in _BLOCK.finditer((machine.resolv_conf or b"").decode("latin-1")):
        at = f"{said['at']}:{DNS_PORT}"
        found.append(Installed(Way.RESOLV_CONF, RESOLV_CONF, said["instance"], at, ""))
    return found

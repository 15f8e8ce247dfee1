"""What can be observed of how a machine resolves names, and what that means."""

import configparser
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final

from msgspec import Struct, field

RESOLV_CONF: Final = "/etc/resolv.conf"
DNS_PORT: Final = 53
"""The only port that a line of resolv.conf can mean."""
MOST_SERVERS: Final = 3
"""Lines of resolv.conf that resolvers heed (MAXNS)."""


class Way(StrEnum):
    """What resolves names on a machine."""

    RESOLVED = "systemd-resolved"
    DNSMASQ = "dnsmasq"
    """NetworkManager's own."""
    RESOLV_CONF = "resolv.conf"
    """Nobody: programs ask the servers in there."""


FOLDERS: Final = {
    Way.RESOLVED: "/etc/systemd/resolved.conf.d",
    Way.DNSMASQ: "/etc/NetworkManager/dnsmasq.d",
}
UNITS: Final = {Way.RESOLVED: "systemd-resolved", Way.DNSMASQ: "NetworkManager"}
"""The service that reads the folder."""


class Machine(Struct, frozen=True, kw_only=True):
    """What was observed."""

    resolv_conf: bytes | None = None
    link: str = ""
    """Where /etc/resolv.conf leads, "" if it is a file."""
    network_manager: tuple[str, ...] = ()
    """NetworkManager's configuration files, in the order it reads them."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What lies in `FOLDERS`, by path."""
    folders: frozenset[str] = frozenset()
    """Which of `FOLDERS` and the folders they lie in exist."""


def detect(machine: Machine) -> Way:
    """What resolves names on this machine."""
    servers = servers_in(machine.resolv_conf or b"")
    if "/systemd/resolve/" in machine.link or {"127.0.0.53", "127.0.0.54"} & set(servers):
        return Way.RESOLVED
    if network_manager_dns(machine.network_manager) == "dnsmasq":
        return Way.DNSMASQ
    return Way.RESOLV_CONF


def network_manager_dns(texts: Iterable[str]) -> str:
    """``dns=`` of NetworkManager's configuration, "" if it says nothing; the last word counts."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    for text in texts:
        try:
            parser.read_string(text)
        except configparser.Error:
            continue
    return (parser.get("main", "dns", fallback="") or "").strip()


def servers_in(resolv_conf: bytes) -> list[str]:
    """The servers that a resolv.conf names."""
    words = (line.split() for line in resolv_conf.decode("latin-1").splitlines())
    return [word[1] for word in words if len(word) > 1 and word[0] == "nameserver"]


def file_of(way: Way, instance: str) -> str:
    """Where the instance's lines go."""
    return RESOLV_CONF if way is Way.RESOLV_CONF else f"{FOLDERS[way]}/netemu-{instance}.conf"


def lineage(folder: str) -> list[str]:
    """The folder and those it lies in, without the root."""
    return [folder, *map(str, PurePosixPath(folder).parents)][:-1]

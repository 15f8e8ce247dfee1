"""What has to change so that the machine's own resolver asks an instance for the cluster's names.

Pure: from what was observed of the machine to a list of actions, none when all is as it should be.
Taking out what was put in restores the machine octet for octet.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias, TypeGuard

from msgspec import Struct

from netemu.cli.resolver_machine import (
    DNS_PORT,
    FOLDERS,
    MOST_SERVERS,
    RESOLV_CONF,
    UNITS,
    Machine,
    Way,
    file_of,
    lineage,
    servers_in,
)
from netemu.cli.resolver_marks import ABSENT, block, block_in, folders_made, head, installed


class Server(Struct, frozen=True):
    """The DNS of an instance, as the machine reaches it."""

    instance: str
    address: str
    port: int
    zone: str
    plain: str = ""
    """An address of it with port 53, "" if there is none."""


class MakeFolder(Struct, frozen=True):
    """Make an empty folder."""

    path: str


class WriteFile(Struct, frozen=True):
    """Make a file, or replace what is in it."""

    path: str
    content: bytes


class RemoveFile(Struct, frozen=True):
    """Remove a file."""

    path: str


class RemoveFolder(Struct, frozen=True):
    """Remove a folder if it is empty."""

    path: str


class Reload(Struct, frozen=True):
    """Let a service read its configuration."""

    unit: str


Action: TypeAlias = MakeFolder | WriteFile | RemoveFile | RemoveFolder | Reload


class Impossible(Exception):
    """It can't be done here; the message says why."""


def settings(way: Way, server: Server) -> str:
    """The lines that make `way` ask `server`, without anything around them. Raises Impossible."""
    match way:
        case Way.RESOLVED:
            at = f"{server.address}:{server.port}"
            return f"[Resolve]\nDNS={at}\nDomains=~{server.zone}\n"
        case Way.DNSMASQ:
            return f"server=/{server.zone}/{server.address}#{server.port}\n"
        case Way.RESOLV_CONF:
            if not _plain(server):
                raise Impossible(
                    f"a line of {RESOLV_CONF} can only mean port {DNS_PORT}, and instance "
                    f'"{server.instance}" answers DNS on port {server.port}; start it with '
                    f"dns.port {DNS_PORT}, or as root where that port is free"
                )
            return f"nameserver {_plain(server)}\n"


def _plain(server: Server) -> str:
    return server.address if server.port == DNS_PORT else server.plain


def place(way: Way, server: Server) -> str:
    """Where `way` asks `server`."""
    if way is Way.RESOLV_CONF:
        return f"{_plain(server)}:{DNS_PORT}"
    return f"{server.address}:{server.port}"


def install(machine: Machine, way: Way, server: Server) -> list[Action]:
    """What to do so that `way` asks `server`; nothing if it does. Raises Impossible."""
    for other in installed(machine):
        if other.instance != server.instance and other.zone == server.zone:
            raise Impossible(
                f'{other.path} already leads {server.zone} to instance "{other.instance}"; '
                f"netemu resolver remove --name {other.instance} ends that"
            )
    lines = settings(way, server)
    if way is Way.RESOLV_CONF:
        return _install_lines(machine, server, lines)
    return _install_file(machine, way, server, lines)


def remove(machine: Machine, instance: str) -> list[Action]:
    """What to do so that nothing asks the instance; nothing if nothing does."""
    actions: list[Action] = []
    for way, folder in FOLDERS.items():
        path = file_of(way, instance)
        made = folders_made(machine.files.get(path, b""), instance)
        if made is not None:
            folders = map(RemoveFolder, lineage(folder)[:made])
            actions += [RemoveFile(path), *folders, Reload(UNITS[way])]
    return actions + _remove_lines(machine, instance)


def _install_file(machine: Machine, way: Way, server: Server, lines: str) -> list[Action]:
    path, folder = file_of(way, server.instance), FOLDERS[way]
    content, missing = machine.files.get(path), list[str]()
    if content is None:
        missing = [each for each in lineage(folder) if each not in machine.folders]
        made: int | None = len(missing)
    else:
        made = folders_made(content, server.instance)
    if made is None:
        raise Impossible(f"{path} exists and was not written by netemu")
    wanted = (head(server.instance, made) + lines).encode()
    if content == wanted:
        return []
    folders = [MakeFolder(each) for each in reversed(missing)]
    return [*folders, WriteFile(path, wanted), Reload(UNITS[way])]


def _install_lines(machine: Machine, server: Server, lines: str) -> list[Action]:
    if machine.link:
        raise Impossible(
            f"{RESOLV_CONF} is a link to {machine.link}, which another program writes: what is put "
            "in there won't stay"
        )
    content = machine.resolv_conf
    found = block_in(content or b"", server.instance)
    if content is None or found is None:
        # First, so that it is asked first: what it doesn't know it refuses, and the next is asked.
        added = block(server.instance, lines, absent=content is None)
        return [WriteFile(RESOLV_CONF, added + (content or b""))]
    start, stop = found
    absent = ABSENT.encode() in content[start:stop]
    changed = content[:start] + block(server.instance, lines, absent=absent) + content[stop:]
    return [] if changed == content else [WriteFile(RESOLV_CONF, changed)]


def _remove_lines(machine: Machine, instance: str) -> list[Action]:
    content = machine.resolv_conf
    found = block_in(content or b"", instance)
    if content is None or found is None or machine.link:
        return []
    start, stop = found
    left = content[:start] + content[stop:]
    if not left and ABSENT.encode() in content[start:stop]:
        return [RemoveFile(RESOLV_CONF)]
    return [WriteFile(RESOLV_CONF, left)]


_ASKED_FOR_ALL: Final = (
    "systemd-resolved will ask the instance for other names, too; unless dns.forward says otherwise"
    ", it asks the servers in /run/systemd/resolve/resolv.conf for them"
)
"""Its scope for the whole machine always takes part (resolved's dns_scope_is_default_route)."""


def remarks(machine: Machine, actions: Sequence[Action]) -> list[str]:
    """What one should know before doing it."""
    written = [action.path for action in actions if isinstance(action, WriteFile)]
    if any(path.startswith(FOLDERS[Way.RESOLVED]) for path in written):
        return [_ASKED_FOR_ALL]
    before = servers_in(machine.resolv_conf or b"")[:MOST_SERVERS]
    after = next((servers_in(a.content) for a in actions if _is_resolv_conf(a)), before)
    lost = [server for server in before if server in after[MOST_SERVERS:]]
    return [f"resolvers heed {MOST_SERVERS} servers: {each} is asked no longer" for each in lost]


def _is_resolv_conf(action: Action) -> TypeGuard[WriteFile]:
    return isinstance(action, WriteFile) and action.path == RESOLV_CONF

"""What of the machine a configuration depends on, passed in."""

from collections.abc import Callable, Mapping
from ipaddress import ip_address

from msgspec import Struct, field

from netemu.dns.forwarding import Address


def _no_file(path: str) -> str:
    raise FileNotFoundError(2, "No such file or directory", path)


def _no_paths(_: str) -> list[str]:
    return []


def is_pattern(path: str) -> bool:
    """Whether `path` may stand for several files."""
    return any(letter in path for letter in "*?[")


class World(Struct, frozen=True, kw_only=True):
    """The machine, as far as a Corefile may ask for it."""

    read: Callable[[str], str] = _no_file
    """The text of a file. Raises OSError."""
    paths: Callable[[str], list[str]] = _no_paths
    """The files that a pattern fits, in order; relative ones are sought beside the Corefile."""
    environment: Mapping[str, str] = field(default_factory=dict)
    own: frozenset[Address] = frozenset()
    """Where we listen ourselves: no server to ask."""


def search_domains(text: str) -> list[str]:
    """The search list in a ``resolv.conf``; the last one counts."""
    found: list[str] = []
    for line in text.splitlines():
        match line.split():
            case ["search", *domains] | ["domain", *domains]:
                found = domains
            case _:
                continue
    return found


def nameservers(text: str) -> tuple[Address, ...]:
    """The servers in a ``resolv.conf``."""
    found: list[Address] = []
    for line in text.splitlines():
        match line.split():
            case ["nameserver", address, *_]:
                try:
                    found.append((str(ip_address(address)), 53))
                except ValueError:
                    continue
            case _:
                continue
    return tuple(dict.fromkeys(found))

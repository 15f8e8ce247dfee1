"""The words of Corefile lines as values: numbers, durations, zones; and options by their table."""

import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network, ip_address, ip_network
from typing import Any, TypeAlias

from netemu.dns.corefile import BadCorefile, Line
from netemu.dns.forwarding import Address, Zones
from netemu.dns.names import reverse_name
from netemu.dns.records import Name, Rcode, lowered, name_from

Option: TypeAlias = Callable[[Line], Any]


def options(line: Line, known: Mapping[str, Option]) -> dict[str, list[Any]]:
    """What each option in the block of `line` gives, by its name. Raises BadCorefile."""
    found: dict[str, list[Any]] = {}
    for option in line.block:
        if option.name not in known:
            there_are = ", ".join(known)
            raise BadCorefile(
                option.number,
                f'{line.name}: unknown option "{option.name}" (there are {there_are})',
            )
        found.setdefault(option.name, []).append(known[option.name](option))
    return found


def words(line: Line, least: int, most: int | None = None) -> tuple[str, ...]:
    """The arguments of `line`, counted."""
    count = len(line.words)
    if count < least or (most is not None and count > most):
        wanted = f"{least}" if least == most else f"{least} or more" if most is None else None
        wanted = wanted or f"{least} to {most}"
        raise BadCorefile(line.number, f"{line.name} takes {wanted} arguments, not {count}")
    return line.words


def flag(line: Line) -> bool:
    """An option without arguments."""
    words(line, 0, 0)
    return True


def number(line: Line, word: str, least: int, most: int) -> int:
    """A whole number within bounds."""
    if not re.fullmatch(r"\d{1,9}", word) or not least <= int(word) <= most:
        raise BadCorefile(
            line.number, f'{line.name}: "{word}" is no whole number within {least}..{most}'
        )
    return int(word)


def one_number(least: int, most: int) -> Option:
    """An option with one number."""
    return lambda line: number(line, words(line, 1, 1)[0], least, most)


_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h)")


def duration(line: Line, word: str) -> float:
    """Seconds of a duration like ``5s`` or ``1h30m``."""
    pieces = _DURATION.findall(word)
    if not pieces or "".join(map("".join, pieces)) != word:
        raise BadCorefile(line.number, f'{line.name}: "{word}" is no duration like 5s')
    return sum(int(count) * _UNITS[unit] for count, unit in pieces)


def rcode_of(line: Line, word: str) -> Rcode:
    """A response code by its name or number."""
    if word.isdigit() and int(word) in set(Rcode):
        return Rcode(int(word))
    if word.upper() not in Rcode.__members__:
        raise BadCorefile(line.number, f'{line.name}: "{word}" is no response code')
    return Rcode[word.upper()]


def zones(line: Line, given: Sequence[str], default: Zones) -> Zones:
    """Zones, lowered; `default` if there are none."""
    return tuple(zone for word in given for zone in zone_of(line, word)) or default


EVERYWHERE: Zones = ((),)


def fallthrough(line: Line) -> Zones:
    """``fallthrough [ZONE…]``: where names that aren't there are left to the next plugin."""
    return zones(line, line.words, EVERYWHERE)


def zone_of(line: Line, word: str) -> Zones:
    """A zone as it is written: a name, ``.``, or a range of addresses for its reverse zones."""
    try:
        return _reverse_zones(word) if "/" in word else (name_of(word),)
    except ValueError as error:
        raise BadCorefile(line.number, f"{line.name}: {error}") from error


def name_of(word: str) -> Name:
    """A name, lowered. Raises ValueError."""
    return () if word == "." else lowered(name_from(word))


def _reverse_zones(word: str) -> Zones:
    network = ip_network(word, strict=False)
    size = 8 if isinstance(network, IPv4Network) else 4
    prefix = -(-network.prefixlen // size) * size
    labels = prefix // size + 2
    return tuple(
        reverse_name(str(part.network_address))[-labels:]
        for part in network.subnets(new_prefix=prefix)
    )


def address_of(line: Line, word: str, usual_port: int = 53) -> Address:
    """``ADDRESS`` or ``ADDRESS:PORT``, IPv6 in brackets when it has a port."""
    plain = word.removeprefix("dns://")
    host, port = plain, str(usual_port)
    if found := re.fullmatch(r"\[([^\]]+)\](?::(\d+))?", plain):
        host, port = found[1], found[2] or port
    elif plain.count(":") == 1:
        host, _, port = plain.partition(":")
    try:
        address = str(ip_address(host))
    except ValueError as error:
        raise BadCorefile(
            line.number, f'{line.name}: "{word}" is no ADDRESS or ADDRESS:PORT'
        ) from error
    return address, number(line, port, 1, 65535)

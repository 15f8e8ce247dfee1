"""What the kernel mode does, told as the relay's doings are: who is connected, who sticks where.

Read from the kernel when somebody asks: its table of connections, and the set in which the rules
remember clients.
"""

import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from netemu.model.nft import FAMILIES, Member, Stack, Tracked
from netemu.proxy.choose import Address
from netemu.proxy.ledger import Row, row
from netemu.proxy.protocols import NUMBERS
from netemu.proxy.site import Backend

_NAMES: Final = {number: protocol for protocol, number in NUMBERS.items()}


class Stuck(NamedTuple):
    """A client that sticks to an endpoint."""

    backend: Backend
    client: str
    endpoint: Address
    seconds_left: float


def rows(
    tracked: Iterable[Tracked], fronts: Mapping[tuple[str, int, str], Backend], now: float
) -> Iterator[Row]:
    """The connections that were translated, by what is addressed: address, port and protocol."""
    for each in tracked:
        backend = fronts.get((*each.front, str(_NAMES.get(each.protocol, ""))))
        if backend is None or each.back == each.front:
            continue
        seconds = 0.0 if each.since is None else max(0.0, now - each.since)
        yield row(backend, each.client, each.back, seconds, each.received, each.sent)


def stuck(members: Iterable[Member], pools: Mapping[int, Backend], stack: Stack) -> Iterator[Stuck]:
    """Those the kernel remembers: by the number of a pool of endpoints and a client's address."""
    family, width = FAMILIES[stack.version], 4 * stack.words
    for each in members:
        (number,) = struct.unpack_from("=I", each.key)
        backend = pools.get(number)
        if backend is None:
            continue
        (port,) = struct.unpack_from("!H", each.data, width)
        yield Stuck(
            backend,
            socket.inet_ntop(family, each.key[4 : 4 + width]),
            (socket.inet_ntop(family, each.data[:width]), port),
            each.seconds_left or 0.0,
        )

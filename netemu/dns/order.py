"""In which order the addresses of one reply follow each other (``loadbalance``)."""

import random
from ipaddress import ip_address
from itertools import filterfalse
from typing import assert_never

from netemu.dns.chain import Order, Ranges
from netemu.dns.replies import Arrange

BEFORE_DATA = 10
"""Octets of a record between its owner and its data (RFC 1035 §3.2.1)."""
POINTER = 0xC0
"""How a compressed name's last two octets begin (RFC 1035 §4.1.4)."""


def arranger(order: Order, rng: random.Random, preferred: Ranges = ()) -> Arrange:
    """What makes the next order of the last one; addresses in `preferred` ranges come first."""
    arrange = _arranger(order, rng)
    return _preferring(preferred, arrange) if preferred else arrange


def _preferring(preferred: Ranges, arrange: Arrange) -> Arrange:
    def is_preferred(record: bytes) -> bool:
        address = ip_address(_data_of(record))
        return any(address in network for network in preferred)

    def arrange_both(addresses: tuple[bytes, ...]) -> tuple[bytes, ...]:
        first = tuple(filter(is_preferred, addresses))
        # Each by itself: rotating the whole would only ever move the first of the preferred.
        return (*arrange(first), *arrange(tuple(filterfalse(is_preferred, addresses))))

    return arrange_both


def _data_of(record: bytes) -> bytes:
    at = 0
    while 0 < record[at] < POINTER:
        at += 1 + record[at]
    return record[at + (2 if record[at] else 1) + BEFORE_DATA :]


def _arranger(order: Order, rng: random.Random) -> Arrange:
    match order:
        case Order.RANDOM:
            return _shuffling(rng)
        case Order.ROTATE:
            return lambda addresses: (*addresses[1:], *addresses[:1])
        case Order.KEEP:
            return lambda addresses: addresses
    assert_never(order)


def _shuffling(rng: random.Random) -> Arrange:
    shuffle = rng.shuffle

    def arrange(addresses: tuple[bytes, ...]) -> tuple[bytes, ...]:
        changed = list(addresses)
        shuffle(changed)
        return tuple(changed)

    return arrange

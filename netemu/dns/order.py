"""In which order the addresses of one reply follow each other (``loadbalance``)."""

import random
from typing import assert_never

from netemu.dns.chain import Order
from netemu.dns.replies import Arrange


def arranger(order: Order, rng: random.Random) -> Arrange:
    """What makes the next order of the last one."""
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

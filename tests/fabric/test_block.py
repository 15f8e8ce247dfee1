import socket

import pytest

from netemu.fabric import block
from netemu.fabric.block import CLAIM_PORT, NoBlockError
from tests.support import forked
from tests.support.forked import needs_root


def test_a_name_prefers_one_block_and_accepts_any() -> None:
    order = list(block.candidates("default"))
    assert order == list(block.candidates("default"))
    assert sorted(order) == list(range(64, 255))
    assert order[0] != next(iter(block.candidates("other")))


@needs_root
def test_a_block_is_claimed_once_and_free_when_released() -> None:
    def inside() -> tuple[bool, bool]:
        first = block.claim("one")
        second = block.claim("one")
        first.release()
        third = block.claim("one")
        return first.number != second.number, first.number == third.number

    assert forked.in_own_network(inside) == (True, True)


@needs_root
def test_a_claim_counts_for_other_users() -> None:
    def inside() -> bool:
        mine = block.claim("one")
        forked.become_nobody()
        return block.claim("one").number != mine.number

    assert forked.in_own_network(inside)


@needs_root
def test_that_no_block_is_free_is_said() -> None:
    def inside() -> str:
        squatter = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        squatter.bind(("0.0.0.0", CLAIM_PORT))
        with pytest.raises(NoBlockError) as refusal:
            block.claim("one")
        squatter.close()
        return refusal.value.strerror or ""

    expected = "no free block of loopback addresses: UDP port 61127 is taken in all of them"
    assert forked.in_own_network(inside) == expected

import random
from collections import Counter

import pytest

from netemu.api.pools import Pool, lower_part


def a_pool(size: int, lower: int, kept: frozenset[int] = frozenset()) -> Pool:
    numbers = range(100, 100 + size)
    return Pool(numbers, numbers, lower, "{} is not one of ours", "taken", kept)


def test_a_number_can_be_had_once() -> None:
    pool = a_pool(10, 0)
    assert pool.problem(105, "105") is None
    pool.taken.add(105)
    assert pool.problem(105, "105") == "taken"
    assert pool.problem(104, "104", {104}) == "taken"
    assert pool.problem(110, "110") == "110 is not one of ours"


def test_the_lower_part_comes_last_and_then_there_is_none() -> None:
    pool, rng = a_pool(10, 4, frozenset({101})), random.Random(1)
    drawn = []
    while (number := pool.draw(rng)) is not None:
        pool.taken.add(number)
        drawn.append(number)
    assert set(drawn[:6]) == set(range(104, 110))
    assert set(drawn[6:]) == {100, 102, 103}


def test_what_the_same_write_took_is_not_drawn_again() -> None:
    pool = a_pool(2, 0)
    assert pool.draw(random.Random(1), {100}) == 101
    assert pool.draw(random.Random(1), {100, 101}) is None


def test_any_number_may_come() -> None:
    pool, rng = a_pool(4, 0), random.Random(1)
    assert set(Counter(pool.draw(rng) for _ in range(100))) == {100, 101, 102, 103}


@pytest.mark.parametrize(
    ("size", "share", "most", "expected"),
    [(2768, 32, 128, 86), (65534, 16, 256, 256), (254, 16, 256, 16), (16, 32, 128, 0)],
)
def test_how_much_is_left_to_people(size: int, share: int, most: int, expected: int) -> None:
    assert lower_part(size, share, most) == expected

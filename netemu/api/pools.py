"""A range of numbers of which each is handed out once."""

import random
from collections.abc import Container
from dataclasses import dataclass, field
from itertools import chain


@dataclass(slots=True)
class Pool:
    """Numbers are taken by name (`problem` tells whether that may be) or at random (`draw`).

    Random ones come from the upper part of the range, so that small numbers that people pick by
    hand rarely collide with them; the lower part is used when the rest is full (KEP-3070 for
    addresses, KEP-3668 for ports).
    """

    valid: range
    """What may be asked for."""
    drawn: range
    """What is handed out at random, `lower` of it only when the rest is full."""
    lower: int
    words: str
    """What is said of a number outside `valid`; ``{}`` stands for the number."""
    taken_words: str
    kept: frozenset[int] = frozenset()
    """Never drawn."""
    taken: set[int] = field(default_factory=set)

    def problem(self, number: int, shown: str, but: Container[int] = ()) -> str | None:
        """Why the number (as `shown`) can't be had by asking for it; None if it can.

        `but` are numbers that the same write has taken already.
        """
        if number not in self.valid:
            return self.words.format(shown)
        return self.taken_words if number in self.taken or number in but else None

    def draw(self, rng: random.Random, but: Container[int] = ()) -> int | None:
        """A number at random that nobody has; None when there is none."""
        middle = min(self.drawn.start + self.lower, self.drawn.stop)
        for start, end in ((middle, self.drawn.stop), (self.drawn.start, middle)):
            if start >= end:
                continue
            turn = rng.randrange(start, end)
            for number in chain(range(turn, end), range(start, turn)):
                if number not in self.taken and number not in self.kept and number not in but:
                    return number
        return None


def lower_part(size: int, share: int, most: int) -> int:
    """How many numbers are left to people: at least 16, `most` at most, none of a tiny range."""
    return 0 if size <= 16 else min(max(16, size // share), most)

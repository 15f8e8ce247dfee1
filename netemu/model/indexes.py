"""Sets of completion indexes as a Job's status writes them: ``0,3-5,7``."""

from collections.abc import Iterable


def parse(text: str, completions: int) -> frozenset[int]:
    """The indexes below `completions` that `text` names. Raises ValueError for other text.

    Ranges must be in order and apart from each other, as upstream demands of successPolicy.
    """
    found: set[int] = set()
    last = -1
    for part in filter(None, text.split(",")):
        first, _, end = part.partition("-")
        try:
            low, high = int(first), int(end or first)
        except ValueError:
            raise ValueError(f'cannot convert string to integer for index: "{part}"') from None
        if low <= last or high < low:
            raise ValueError(f'non-increasing order, previous: {last}, current: "{part}"')
        last = high
        found.update(range(low, min(high + 1, completions)))
    return frozenset(found)


def text_of(indexes: Iterable[int]) -> str:
    """The shortest text for a set: two neighbours are a list, three are a range."""
    parts: list[str] = []
    run: list[int] = []
    for index in [*sorted(indexes), -2]:
        if run and index != run[-1] + 1:
            parts.append(_run(run[0], run[-1]))
            run = []
        run.append(index)
    return ",".join(parts)


def _run(first: int, last: int) -> str:
    match last - first:
        case 0:
            return str(first)
        case 1:
            return f"{first},{last}"
        case _:
            return f"{first}-{last}"

"""The annotation ``netemu.dev/weights``: how a Service's connections are shared among its pods.

``version=v1:90,version=v2:10``: shares, separated by commas, each the labels of pods
(``key=value``, several joined by ``&``), a colon and a whole number. A pod belongs to the first
share whose labels it has. One without a share, or with the weight 0, gets no connection. Only the
numbers' proportion matters.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from netemu.model import names

MOST_SHARES: Final = 32
"""More versions at once are a mistake in the annotation."""
HEAVIEST: Final = 1_000_000


class BadWeights(ValueError):
    """The annotation can't be read; the text says why."""


class Share(NamedTuple):
    """Some pods and their weight."""

    labels: tuple[tuple[str, str], ...]
    weight: int

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether a pod with these labels belongs to it."""
        return all(labels.get(key) == value for key, value in self.labels)

    def __str__(self) -> str:
        return "&".join(f"{key}={value}" for key, value in self.labels)


def parse(text: str) -> tuple[Share, ...]:
    """Read the annotation. Raises BadWeights."""
    items = [item.strip() for item in text.split(",")]
    if len(items) > MOST_SHARES:
        raise BadWeights(f"must have at most {MOST_SHARES} shares")
    shares = tuple(_share(item) for item in items)
    if not any(share.weight for share in shares):
        raise BadWeights("at least one weight must be greater than 0")
    labels = [share.labels for share in shares]
    for share in shares:
        if labels.count(share.labels) > 1:
            raise BadWeights(f'"{share}" has more than one weight')
    return shares


def _share(item: str) -> Share:
    selector, colon, number = item.rpartition(":")
    if not colon or not (number.isascii() and number.isdecimal()):
        raise BadWeights(f'"{item}" must be LABEL=VALUE:WEIGHT, as in version=v1:90')
    weight = int(number[: len(str(HEAVIEST)) + 1])
    if weight > HEAVIEST:
        raise BadWeights(f'"{item}": a weight must be within 0..{HEAVIEST}')
    return Share(tuple(sorted(_labels(item, selector))), weight)


def _labels(item: str, selector: str) -> Iterator[tuple[str, str]]:
    for word in selector.split("&"):
        key, equals, value = word.partition("=")
        if not equals:
            raise BadWeights(f'"{item}" must be LABEL=VALUE:WEIGHT, as in version=v1:90')
        problems = [*names.qualified_name(key), *names.label_value(value)]
        if problems:
            raise BadWeights(f'"{item}": {problems[0]}')
        yield key, value

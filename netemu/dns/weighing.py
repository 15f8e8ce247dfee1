"""Which address comes first, by weights (``loadbalance weighted``).

As with CoreDNS one address is drawn with a chance in proportion to its weight and changes places
with the first one; the others stay. Such answers aren't kept, so that each is drawn anew.
"""

import random
from collections.abc import Sequence
from ipaddress import ip_address
from itertools import accumulate

from msgspec.structs import replace

from netemu.dns.answer import Answer
from netemu.dns.chain import Weights
from netemu.dns.records import Name, Record, Type, lowered, name_from

HEAVIEST = 255
ADDRESSES = (Type.A, Type.AAAA)


class BadWeights(ValueError):
    """A file of weights that can't be used; the message says why."""


def weights_in(text: str, path: str) -> Weights:
    """The weights in a file: a name on a line, and below it an address and its weight each."""
    found: dict[Name, dict[bytes, int]] = {}
    current: dict[bytes, int] | None = None
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        match words:
            case [name]:
                current = found.setdefault(_name(name, path), {})
            case [address, weight]:
                if current is None:
                    raise BadWeights(f"missing domain name in weight file {path}")
                current[_address(address, path)] = _weight(weight, path)
            case _:
                raise BadWeights(
                    f'could not parse weight line:"{line.strip()}" in weight file {path}'
                )
    return found


def _name(word: str, path: str) -> Name:
    try:
        ip_address(word)
    except ValueError:
        try:
            return lowered(name_from(word))
        except ValueError as error:
            raise BadWeights(f'wrong domain name:"{word}" in weight file {path}') from error
    why = f'wrong domain name:"{word}" in weight file {path}. (Maybe a missing weight value?)'
    raise BadWeights(why)


def _address(word: str, path: str) -> bytes:
    try:
        return ip_address(word).packed
    except ValueError as error:
        raise BadWeights(f'wrong IP address:"{word}" in weight file {path}') from error


def _weight(word: str, path: str) -> int:
    if not word.isdigit() or not 1 <= int(word) <= HEAVIEST:
        raise BadWeights(f'wrong weight value:"{word}" in weight file {path}')
    return int(word)


def weighed(answer: Answer, weights: Weights, rng: random.Random) -> Answer:
    """The answer with one of its addresses drawn to the front; of several it is not shared."""
    records = _drawn(answer.records, weights, rng)
    additional = _drawn(answer.additional, weights, rng)
    if records is answer.records and additional is answer.additional:
        return answer
    return replace(answer, records=records, additional=additional, shared=False)


def _drawn(records: tuple[Record, ...], weights: Weights, rng: random.Random) -> tuple[Record, ...]:
    places = [number for number, record in enumerate(records) if record.type in ADDRESSES]
    if len(places) < 2:
        return records
    first, chosen = places[0], _draw([records[place] for place in places], weights, rng)
    changed = list(records)
    changed[first], changed[places[chosen]] = changed[places[chosen]], changed[first]
    return tuple(changed)


def _draw(records: Sequence[Record], weights: Weights, rng: random.Random) -> int:
    each = [
        weights.get(lowered(record.owner), {}).get(bytes(record.data), 1)
        for record in records
        if isinstance(record.data, bytes)
    ]
    drawn = rng.randrange(sum(each))
    return next(number for number, end in enumerate(accumulate(each)) if drawn < end)

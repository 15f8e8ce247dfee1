"""Kubernetes' functions of lists, and cel-go's of sets."""

from datetime import timedelta
from functools import cmp_to_key
from itertools import pairwise
from typing import Any, Final

from netemu.cel.errors import EvaluationError
from netemu.cel.operators import IMPLEMENTATIONS
from netemu.cel.standard import Overloads
from netemu.cel.values import compared, equal

_COMPARABLE: Final = ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes")
_SUMMED: Final = ("int", "uint", "double", "duration")
_order: Final = cmp_to_key(compared)


def _is_sorted(items: list[Any]) -> bool:
    return all(compared(one, other) <= 0 for one, other in pairwise(items))


def _sum(items: list[Any]) -> Any:
    if not items:
        return 0
    total = timedelta(0) if isinstance(items[0], timedelta) else type(items[0])(0)
    for one in items:
        total = IMPLEMENTATIONS["_+_"](total, one)
    return total


def _least(items: list[Any]) -> Any:
    if not items:
        raise EvaluationError("min called on empty list")
    return min(items, key=_order)


def _most(items: list[Any]) -> Any:
    if not items:
        raise EvaluationError("max called on empty list")
    return max(items, key=_order)


def _index_of(items: list[Any], item: Any) -> int:
    return next((at for at, one in enumerate(items) if equal(one, item)), -1)


def _last_index_of(items: list[Any], item: Any) -> int:
    return max((at for at, one in enumerate(items) if equal(one, item)), default=-1)


def _contains(items: list[Any], others: list[Any]) -> bool:
    return all(_index_of(items, one) >= 0 for one in others)


def _intersects(items: list[Any], others: list[Any]) -> bool:
    return any(_index_of(items, one) >= 0 for one in others)


OVERLOADS: Final[Overloads] = (
    *(("isSorted", f"list<{one}>.() bool", _is_sorted) for one in _COMPARABLE),
    *(("sum", f"list<{one}>.() {one}", _sum) for one in _SUMMED),
    *(("min", f"list<{one}>.() {one}", _least) for one in _COMPARABLE),
    *(("max", f"list<{one}>.() {one}", _most) for one in _COMPARABLE),
    ("indexOf", "list<A>.(A) int", _index_of),
    ("lastIndexOf", "list<A>.(A) int", _last_index_of),
    ("sets.contains", "(list<A>,list<A>) bool", _contains),
    ("sets.intersects", "(list<A>,list<A>) bool", _intersects),
    (
        "sets.equivalent",
        "(list<A>,list<A>) bool",
        lambda one, other: _contains(one, other) and _contains(other, one),
    ),
)

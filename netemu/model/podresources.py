"""What a pod asks for or may use at most: the sum over its containers (KEP-753)."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from netemu.model.meta import Object
from netemu.model.quantity import parse_quantity

A = TypeVar("A", int, Decimal)


def summed(spec: Object, of: Callable[[Object], Mapping[str, A]]) -> dict[str, A]:
    """A pod's containers together with its sidecars, or the most that one init container needs
    beside the sidecars started before it; `of` tells what a container counts with.
    """
    total: dict[str, A] = {}
    for container in spec.get("containers") or ():
        _add(total, of(container))
    sidecars: dict[str, A] = {}
    peak: dict[str, A] = {}
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") == "Always":
            _add(sidecars, of(container))
            needed = sidecars
        else:
            needed = dict(sidecars)
            _add(needed, of(container))
        for name, number in needed.items():
            peak[name] = max(peak[name], number) if name in peak else number
    _add(total, sidecars)
    for name, number in peak.items():
        total[name] = max(total[name], number) if name in total else number
    return total


def _add(total: dict[str, A], more: Mapping[str, A]) -> None:
    for name, number in more.items():
        total[name] = total[name] + number if name in total else number


def exact(spec: Object, kind: str) -> dict[str, Decimal]:
    """The sums of ``requests`` or ``limits``, with the pod's overhead."""

    def of(container: Object) -> dict[str, Decimal]:
        return _parsed((container.get("resources") or {}).get(kind))

    total = summed(spec, of)
    overhead = _parsed(spec.get("overhead"))
    # A limit that nobody has set stays unlimited.
    _add(total, {n: v for n, v in overhead.items() if kind == "requests" or n in total})
    return total


def _parsed(amounts: Mapping[str, Any] | None) -> dict[str, Decimal]:
    return {name: parse_quantity(text) for name, text in (amounts or {}).items()}

"""Every function by its name: what it takes, what it gives, what it does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from netemu.cel import authorizer, lists, network, operators, quantities, standard, strings
from netemu.cel.types import Type, fits, read, split, substituted


@dataclass(frozen=True, slots=True)
class Overload:
    """One form of a function; a method's target is its first parameter."""

    member: bool
    params: tuple[Type, ...]
    result: Type
    implementation: Callable[..., Any]

    def given(self, arguments: tuple[Type, ...]) -> Type | None:
        """What it gives for arguments of these types; None if it doesn't take them."""
        if len(arguments) != len(self.params):
            return None
        bound: dict[str, Type] = {}
        if not all(map(lambda want, have: fits(want, have, bound), self.params, arguments)):
            return None
        return substituted(self.result, bound)


def _overload(signature: str, implementation: Callable[..., Any]) -> Overload:
    head, _, result = signature.rpartition(" ")
    target, member, params = head.rpartition(".(")
    if not member:
        params = head[1:]
    given = tuple(map(read, split(params[:-1])))
    taken = (read(target), *given) if member else given
    return Overload(bool(member), taken, read(result), implementation)


_TABLES: Final = (
    standard.OVERLOADS,
    strings.OVERLOADS,
    lists.OVERLOADS,
    network.OVERLOADS,
    quantities.OVERLOADS,
    authorizer.OVERLOADS,
)


@cache
def functions() -> Mapping[str, tuple[Overload, ...]]:
    """All there are, operators too."""
    found: dict[str, tuple[Overload, ...]] = {}
    for table in _TABLES:
        for name, signature, implementation in table:
            found[name] = (*found.get(name, ()), _overload(signature, implementation))
    for name, signature in operators.TYPES:
        act = operators.IMPLEMENTATIONS.get(name, standard.checked_bool)
        found[name] = (*found.get(name, ()), _overload(signature, act))
    return found

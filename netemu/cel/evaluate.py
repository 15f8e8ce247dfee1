"""A checked expression as closures: one for each node, called with the frame of an evaluation."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from netemu.cel.errors import CostExceeded, EvaluationError
from netemu.cel.library import Overload
from netemu.cel.types import Type
from netemu.cel.values import NONE, Optional, equal, matches, no_overload

COST: Final = 1_000_000
"""Steps one evaluation may take (PerCallLimit); a step is a call, or one turn of a loop."""


class Frame:
    """One evaluation: the variables, and how many steps are left."""

    __slots__ = ("left", "variables")

    def __init__(self, variables: dict[str, Any], left: int = COST) -> None:
        self.variables = variables
        self.left = left

    def spend(self, steps: int = 1) -> None:
        """Count steps. Raises CostExceeded."""
        self.left -= steps
        if self.left < 0:
            raise CostExceeded("operation cancelled: actual cost limit exceeded")


Run: TypeAlias = Callable[[Frame], Any]


def literal(value: Any) -> Run:
    """A value."""
    return lambda frame: value


def variable(name: str) -> Run:
    """A variable's value; where it isn't known, that is said when it is needed."""

    def run(frame: Frame) -> Any:
        try:
            return frame.variables[name]
        except KeyError:
            raise EvaluationError(f"no such attribute(s): {name}") from None

    return run


def lazy(name: str) -> Run:
    """A variable whose value is a function that says it once."""

    def run(frame: Frame) -> Any:
        return frame.variables[name](frame)

    return run


def select(operand: Run, name: str) -> Run:
    """``operand.name``."""

    def run(frame: Frame) -> Any:
        value = operand(frame)
        if type(value) is dict:
            if name in value:
                return value[name]
            raise EvaluationError(f"no such key: {name}")
        if type(value) is Optional:
            return _maybe(value, name)
        raise no_overload()

    return run


def _maybe(value: Any, name: str) -> Optional:
    if type(value) is Optional:
        return _maybe(value.value, name) if value.there else NONE
    if type(value) is not dict:
        raise no_overload()
    return Optional(value[name], there=True) if name in value else NONE


def select_optional(operand: Run, name: str) -> Run:
    """``operand.?name``."""
    return lambda frame: _maybe(operand(frame), name)


def has(operand: Run, name: str) -> Run:
    """``has(operand.name)``."""
    return lambda frame: _maybe(operand(frame), name).there


def both(left: Run, right: Run) -> Run:
    """``left && right``: false if either is, whatever the other one is."""
    return _logical(left, right, decisive=False)


def either(left: Run, right: Run) -> Run:
    """``left || right``: true if either is, whatever the other one is."""
    return _logical(left, right, decisive=True)


def _logical(left: Run, right: Run, *, decisive: bool) -> Run:
    def run(frame: Frame) -> bool:
        try:
            one = left(frame)
        except EvaluationError:
            if right(frame) is decisive:
                return bool(decisive)
            raise
        if one is decisive:
            return bool(decisive)
        other = right(frame)
        if other is decisive or (type(one) is bool and type(other) is bool):
            return bool(other)
        raise no_overload()

    return run


def ternary(condition: Run, yes: Run, no: Run) -> Run:
    """``condition ? yes : no``."""

    def run(frame: Frame) -> Any:
        chosen = condition(frame)
        if type(chosen) is not bool:
            raise no_overload()
        return yes(frame) if chosen else no(frame)

    return run


def equality(left: Run, right: Run, *, wanted: bool) -> Run:
    """``left == right``, or with `wanted` false, ``left != right``."""

    def run(frame: Frame) -> bool:
        one, other = left(frame), right(frame)
        if type(one) is list or type(one) is str:
            frame.spend(1 + len(one) // 10)
        return equal(one, other) is wanted

    return run


def call(candidates: Sequence[Overload], arguments: Sequence[Run]) -> Run:
    """A function; of several forms the first that takes what is given."""
    if len(candidates) == 1 and not any(map(_is_loose, candidates[0].params)):
        return _direct(candidates[0], arguments)

    def run(frame: Frame) -> Any:
        values = [one(frame) for one in arguments]
        frame.spend(_steps(values))
        for candidate in candidates:
            if all(map(matches, candidate.params, values)):
                return candidate.implementation(*values)
        raise no_overload()

    return run


def _is_loose(one: Type) -> bool:
    return False


def _direct(overload: Overload, arguments: Sequence[Run]) -> Run:
    act, params = overload.implementation, overload.params

    def run(frame: Frame) -> Any:
        values = [one(frame) for one in arguments]
        frame.spend(_steps(values))
        if not all(map(matches, params, values)):
            raise no_overload()
        return act(*values)

    return run


def operator(act: Callable[..., Any], arguments: Sequence[Run]) -> Run:
    """An operator, which looks at its values itself."""
    if len(arguments) == 1:
        only = arguments[0]
        return lambda frame: act(only(frame))
    left, right = arguments

    def run(frame: Frame) -> Any:
        one, other = left(frame), right(frame)
        frame.spend(_steps((one, other)))
        return act(one, other)

    return run


def _steps(values: Iterable[Any]) -> int:
    return 1 + sum(len(one) // 10 for one in values if type(one) in (str, list, bytes))


def list_of(items: Sequence[Run], optional: Iterable[int]) -> Run:
    """A list as it is written."""
    perhaps = frozenset(optional)
    if not perhaps:
        return lambda frame: [one(frame) for one in items]

    def run(frame: Frame) -> list[Any]:
        found = []
        for at, one in enumerate(items):
            value = one(frame)
            if at not in perhaps:
                found.append(value)
            elif value.there:
                found.append(value.value)
        return found

    return run


def map_of(entries: Sequence[tuple[Run, Run, bool]]) -> Run:
    """A map as it is written."""

    def run(frame: Frame) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key_of, value_of, optional in entries:
            key, value = key_of(frame), value_of(frame)
            if type(key) in (list, dict):
                raise EvaluationError("unsupported key type")
            if not optional:
                found[key] = value
            elif value.there:
                found[key] = value.value
        return found

    return run

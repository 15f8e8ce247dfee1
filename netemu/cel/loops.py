"""Macros as closures: each turn of a loop is a step, and gives its variable a value."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from netemu.cel.errors import EvaluationError
from netemu.cel.evaluate import Frame, Run
from netemu.cel.values import NONE, Optional, no_overload

_MISSING: Final = object()


def _turns(frame: Frame, target: Run, variable: str) -> Iterator[Any]:
    """Each item, while the variable has its value."""
    many = target(frame)
    if type(many) not in (list, dict):
        raise no_overload()
    variables = frame.variables
    before = variables.get(variable, _MISSING)
    try:
        for item in many:
            frame.spend()
            variables[variable] = item
            yield item
    finally:
        if before is _MISSING:
            variables.pop(variable, None)
        else:
            variables[variable] = before


def _quantified(target: Run, variable: str, bodies: Sequence[Run], *, decisive: bool) -> Run:
    """One decisive answer decides, even where others have none."""
    body = bodies[0]

    def run(frame: Frame) -> bool:
        failed: EvaluationError | None = None
        turns = _turns(frame, target, variable)
        for _ in turns:
            try:
                value = body(frame)
            except EvaluationError as error:
                failed = error
                continue
            if value is decisive:
                turns.close()  # type: ignore[attr-defined]  # a generator
                return bool(decisive)
            if type(value) is not bool:
                failed = no_overload()
        if failed is not None:
            raise failed
        return not decisive

    return run


def _all(target: Run, variable: str, bodies: Sequence[Run]) -> Run:
    return _quantified(target, variable, bodies, decisive=False)


def _exists(target: Run, variable: str, bodies: Sequence[Run]) -> Run:
    return _quantified(target, variable, bodies, decisive=True)


def _exists_one(target: Run, variable: str, bodies: Sequence[Run]) -> Run:
    body = bodies[0]
    return lambda frame: sum(_truth(body(frame)) for _ in _turns(frame, target, variable)) == 1


def _truth(value: Any) -> bool:
    if type(value) is not bool:
        raise no_overload()
    return value


def _filter(target: Run, variable: str, bodies: Sequence[Run]) -> Run:
    body = bodies[0]
    return lambda frame: [one for one in _turns(frame, target, variable) if _truth(body(frame))]


def _map(target: Run, variable: str, bodies: Sequence[Run]) -> Run:
    *conditions, body = bodies
    if not conditions:
        return lambda frame: [body(frame) for _ in _turns(frame, target, variable)]
    condition = conditions[0]
    return lambda frame: [
        body(frame) for _ in _turns(frame, target, variable) if _truth(condition(frame))
    ]


def _optional(target: Run, variable: str, bodies: Sequence[Run], *, wrapped: bool) -> Run:
    body = bodies[0]

    def run(frame: Frame) -> Any:
        value = target(frame)
        if type(value) is not Optional:
            raise no_overload()
        if not value.there:
            return NONE
        [found] = [body(frame) for _ in _turns(frame, lambda _: [value.value], variable)]
        return Optional(found, there=True) if wrapped else found

    return run


def _opt_map(target: Run, variable: str, bodies: Sequence[Run]) -> Run:
    return _optional(target, variable, bodies, wrapped=True)


def _opt_flat_map(target: Run, variable: str, bodies: Sequence[Run]) -> Run:
    return _optional(target, variable, bodies, wrapped=False)


MACROS: Final[Mapping[str, Callable[[Run, str, Sequence[Run]], Run]]] = {
    "all": _all,
    "exists": _exists,
    "exists_one": _exists_one,
    "existsOne": _exists_one,
    "filter": _filter,
    "map": _map,
    "optMap": _opt_map,
    "optFlatMap": _opt_flat_map,
}

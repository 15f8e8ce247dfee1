"""An expression from its text to its value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netemu.cel.checker import Checker
from netemu.cel.errors import CompileError, Issues
from netemu.cel.evaluate import COST, Frame, Run
from netemu.cel.parser import parse
from netemu.cel.types import Type


@dataclass(frozen=True, slots=True)
class Program:
    """An expression that can be evaluated."""

    source: str
    type: Type
    used: frozenset[str]
    """The variables it uses."""
    run: Run

    def evaluate(self, variables: Mapping[str, Any], limit: int = COST) -> tuple[Any, int]:
        """Its value, and the steps it took. Raises CostExceeded, EvaluationError."""
        frame = Frame(dict(variables), limit)
        return self.run(frame), limit - frame.left


def compile_expression(
    source: str, variables: Mapping[str, Type], lazy: frozenset[str] = frozenset()
) -> Program:
    """Parse and check. `lazy` variables have a function of the frame as their value.

    Raises CompileError, with every place that is wrong.
    """
    issues = Issues(source)
    checker = Checker(variables, issues, lazy)
    try:
        tree = parse(source, issues)
        issues.check()
        assert tree is not None  # it is, where there are no issues
        kind, run = checker.check(tree)
    except RecursionError:  # a chain of hundreds of operators
        raise CompileError("expression recursion limit exceeded") from None
    issues.check()
    return Program(source, kind, frozenset(checker.used), run)

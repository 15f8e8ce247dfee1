"""What can go wrong with an expression."""


class CelError(Exception):
    """Something is wrong with an expression."""


class CompileError(CelError):
    """The expression can't be used; the text shows every place, as cel-go does."""


class EvaluationError(CelError):
    """The expression has no value for these variables."""


class CostExceeded(CelError):
    """The evaluation took more steps than it may."""


class Issues:
    """What is found wrong in one source, in the order found."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._said: list[str] = []

    def add(self, at: int, message: str) -> None:
        """Something is wrong at this offset."""
        before = self._source[:at]
        line, column = before.count("\n"), at - (before.rfind("\n") + 1)
        text = (self._source.split("\n") or [""])[line]
        said = f"ERROR: <input>:{line + 1}:{column + 1}: {message}\n | {text}\n | {'.' * column}^"
        if said not in self._said:
            self._said.append(said)

    def check(self) -> None:
        """Raises CompileError if anything is wrong."""
        if self._said:
            raise CompileError("\n".join(self._said))

"""Go's regular expressions (RE2), as Python's understand them."""

import re
from functools import lru_cache
from typing import Final

from netemu.cel.errors import EvaluationError

_POSIX: Final = {
    "[:alpha:]": "a-zA-Z", "[:digit:]": "0-9", "[:alnum:]": "0-9A-Za-z", "[:upper:]": "A-Z",
    "[:lower:]": "a-z", "[:space:]": r"\s", "[:punct:]": r"!-/:-@\[-`{-~",
    "[:xdigit:]": "0-9A-Fa-f",
    "[:word:]": r"\w",
}  # fmt: skip
_NAMES: Final = re.compile("|".join(map(re.escape, _POSIX)))


@lru_cache(512)
def compiled(pattern: str) -> re.Pattern[str]:
    """The expression; "$" is the very end. Raises EvaluationError."""
    text = _NAMES.sub(lambda name: _POSIX[name[0]], pattern).replace(r"\z", r"\Z")
    try:
        return re.compile(re.sub(r"(?<!\\)((?:\\\\)*)\$(?=\)*\Z|\|)", r"\1\\Z", text), re.ASCII)
    except re.error as error:
        raise EvaluationError(f"error parsing regexp: {error}: `{pattern}`") from None

"""Go's regular expressions (RE2), as Python's understand them."""

import re
from collections.abc import Iterator
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
    text = _NAMES.sub(lambda name: _POSIX[name[0]], pattern)
    try:
        return re.compile("".join(_translated(text)), re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise EvaluationError(f"error parsing regexp: {error}: `{pattern}`") from None


_PIECE: Final = re.compile(
    r"\\(?P<escaped>.)|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|\(\?(?P<flags>[ims]+)\)"
    r"|(?P<named>\(\?<(?![=!]))|(?P<open>\()|(?P<close>\))|(?P<or>\|)|(?P<end>\$)|.",
    re.DOTALL,
)


def _translated(pattern: str) -> Iterator[str]:
    """Piece by piece; flags count to the end of their group, on both sides of an alternative."""
    levels: list[list[str]] = [[]]
    for piece in _PIECE.finditer(pattern):
        match piece.lastgroup:
            case "escaped":
                yield r"\Z" if piece["escaped"] == "z" else piece[0]
            case "flags":
                levels[-1].append(f"(?{piece['flags']}:")
                yield levels[-1][-1]
            case "named":
                levels.append([])
                yield "(?P<"
            case "open":
                levels.append([])
                yield piece[0]
            case "close":
                yield ")" * len(levels.pop() if len(levels) > 1 else []) + ")"
            case "or":
                yield ")" * len(levels[-1]) + "|" + "".join(levels[-1])
            case "end":
                yield r"\Z" if not _multiline(levels) else "$"
            case _:
                yield piece[0]
    yield ")" * len(levels[0])


def _multiline(levels: list[list[str]]) -> bool:
    return any("m" in flags for level in levels for flags in level)

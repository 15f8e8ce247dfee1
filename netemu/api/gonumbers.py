"""Whole numbers in queries, read as Go's strconv reads them, refused in its words; pure."""

import re
from typing import Final

from netemu.model.errors import BadRequest

_INT: Final = re.compile(r"[+-]?[0-9]+\Z")
_UINT: Final = re.compile(r"[0-9]+\Z")


class NotANumber(BadRequest):
    """A parameter that must be a whole number isn't."""

    def __init__(self, text: str, why: str = "invalid syntax", function: str = "ParseInt") -> None:
        super().__init__(f'strconv.{function}: parsing "{text}": {why}')


def parse_int(text: str) -> int:
    """A signed number of 64 bits. Raises NotANumber."""
    if not _INT.match(text):
        raise NotANumber(text)
    return _bounded(text, -(2**63), 2**63 - 1, "ParseInt")


def parse_uint(text: str) -> int:
    """An unsigned number of 64 bits. Raises NotANumber."""
    if not _UINT.match(text):
        raise NotANumber(text, function="ParseUint")
    return _bounded(text, 0, 2**64 - 1, "ParseUint")


def _bounded(text: str, least: int, most: int, function: str) -> int:
    digits = text.lstrip("+-").lstrip("0") or "0"
    # Python refuses to read thousands of digits; no number in range has more than twenty.
    number = int(digits[:21]) * (-1 if text[0] == "-" else 1)
    if len(digits) > 20 or not least <= number <= most:
        raise NotANumber(text, "value out of range", function)
    return number

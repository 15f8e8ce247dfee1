"""Kubernetes quantities: ``100m``, ``1Gi``, ``2``, ``1e3``."""

import math
import re
from decimal import Decimal

_SUFFIXES: dict[str, Decimal] = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
_FORM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]i?|Ki)?)\Z")


def parse_quantity(text: str | int | float) -> Decimal:
    """The number a quantity stands for. Raises ValueError, in Kubernetes' words, for other text."""
    match = _FORM.match(str(text))
    if match is None or (match[3] or "") not in _SUFFIXES:
        raise ValueError(
            "quantities must match the regular expression "
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    number = Decimal(match[1] + (match[2] or ""))
    return number * _SUFFIXES[match[3] or ""]


_DECIMAL = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def canonical(text: str | int | float, digits: int = 9) -> str:
    """The form in which the API shows a quantity: no fraction, the largest suffix that needs none.

    Beyond `digits` (9, 6 or 3) decimal places it is rounded up. Raises ValueError as
    `parse_quantity`.
    """
    number = parse_quantity(text)
    if str(text).endswith("i") and abs(number) >= 1024 and number == int(number):
        return _binary(int(number))
    count, exponent = math.ceil(number.scaleb(digits)), -digits
    if count == 0:
        return "0"
    while count % 1000 == 0 and exponent < 18:
        count, exponent = count // 1000, exponent + 3
    if re.search(r"[eE][+-]?\d", str(text)):
        return f"{count}e{exponent}" if exponent else str(count)
    return f"{count}{_DECIMAL[exponent]}"


def shown(number: Decimal, *, binary: bool) -> str:
    """A number in the form in which the API shows it; `binary`: in Ki, Mi, …, where it is large."""
    if binary and abs(number) >= 1024 and number == int(number):
        return _binary(int(number))
    return canonical(format(number, "f"))


def _binary(number: int) -> str:
    level = 0
    while number % 1024 == 0 and level + 1 < len(_BINARY):
        number, level = number // 1024, level + 1
    return f"{number}{_BINARY[level]}"

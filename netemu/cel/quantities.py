"""Kubernetes' functions of quantities and of named formats (apiserver/pkg/cel/library)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from netemu.cel.errors import EvaluationError
from netemu.cel.network import is_url
from netemu.cel.standard import Overloads
from netemu.cel.values import KINDS, NONE, Optional, bounded
from netemu.model import names
from netemu.model.quantity import parse_quantity


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount; how it was written doesn't count."""

    amount: Decimal


@dataclass(frozen=True, slots=True)
class Format:
    """A form that strings can have."""

    name: str


KINDS |= {Quantity: "kubernetes.Quantity", Format: "kubernetes.NamedFormat"}


def _quantity(text: str) -> Quantity:
    try:
        return Quantity(parse_quantity(text))
    except ValueError as error:
        raise EvaluationError(str(error)) from None


def _is_quantity(text: str) -> bool:
    try:
        parse_quantity(text)
    except ValueError:
        return False
    return True


def _is_integer(one: Quantity) -> bool:
    return one.amount == one.amount.to_integral_value() and abs(one.amount) < 2**63


def _as_integer(one: Quantity) -> int:
    if not _is_integer(one):
        raise EvaluationError("cannot convert value to integer")
    return bounded(int(one.amount))


def _amount(value: Any) -> Decimal:
    return value.amount if isinstance(value, Quantity) else Decimal(value)


def _order(one: Quantity, other: Quantity) -> int:
    return int(one.amount > other.amount) - int(one.amount < other.amount)


_UUID: Final = re.compile(r"(?i)[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\Z")
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z")
_DATE: Final = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\Z")
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z")


def _must(holds: Callable[[str], object], words: str) -> Callable[[str], list[str]]:
    return lambda text: [] if holds(text) else [words]


def _prefix(check: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    return lambda text: check(text[:-1] + "a" if text.endswith("-") else text)


FORMATS: Final[Mapping[str, Callable[[str], list[str]]]] = {
    "dns1123Label": names.dns_label,
    "dns1123Subdomain": names.dns_subdomain,
    "dns1035Label": names.dns_1035_label,
    "qualifiedName": names.qualified_name,
    "labelValue": names.label_value,
    "dns1123LabelPrefix": _prefix(names.dns_label),
    "dns1123SubdomainPrefix": _prefix(names.dns_subdomain),
    "dns1035LabelPrefix": _prefix(names.dns_1035_label),
    "uri": _must(is_url, "invalid URI for request"),
    "uuid": _must(_UUID.match, "does not match the UUID format"),
    "byte": _must(_BASE64.match, "invalid base64"),
    "date": _must(_DATE.match, "invalid date"),
    "datetime": _must(_STAMP.match, "invalid datetime"),
}
"""What each form says of a text that isn't of it."""


def _named(name: str) -> Optional:
    return Optional(Format(name), there=True) if name in FORMATS else NONE


def _validated(form: Format, text: str) -> Optional:
    problems = FORMATS[form.name](text)
    return Optional(list(problems), there=True) if problems else NONE


def _constant(name: str) -> Callable[[], Format]:
    return lambda: Format(name)


_Q: Final = "kubernetes.Quantity"
OVERLOADS: Final[Overloads] = (
    ("quantity", f"(string) {_Q}", _quantity),
    ("isQuantity", "(string) bool", _is_quantity),
    ("sign", f"{_Q}.() int", lambda one: int(one.amount > 0) - int(one.amount < 0)),
    ("isInteger", f"{_Q}.() bool", _is_integer),
    ("asInteger", f"{_Q}.() int", _as_integer),
    ("asApproximateFloat", f"{_Q}.() double", lambda one: float(one.amount)),
    ("isLessThan", f"{_Q}.({_Q}) bool", lambda one, other: one.amount < other.amount),
    ("isGreaterThan", f"{_Q}.({_Q}) bool", lambda one, other: one.amount > other.amount),
    ("compareTo", f"{_Q}.({_Q}) int", _order),
    *(
        ("add", f"{_Q}.({kind}) {_Q}", lambda one, other: Quantity(one.amount + _amount(other)))
        for kind in (_Q, "int")
    ),
    *(
        ("sub", f"{_Q}.({kind}) {_Q}", lambda one, other: Quantity(one.amount - _amount(other)))
        for kind in (_Q, "int")
    ),
    *((f"format.{name}", "() kubernetes.NamedFormat", _constant(name)) for name in FORMATS),
    ("format.named", "(string) optional<kubernetes.NamedFormat>", _named),
    (
        "validate",
        "kubernetes.NamedFormat.(string) optional<list<string>>",
        _validated,
    ),
)

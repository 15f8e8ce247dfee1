"""Label selectors, as text (``a=b,c in (x,y),!d``) and as objects (matchLabels, …)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeAlias

from msgspec import Struct


class Operator(StrEnum):
    """How a requirement compares."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"
    GT = "Gt"
    LT = "Lt"


class Requirement(Struct, frozen=True):
    """One condition on one label."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels meet it."""
        value = labels.get(self.key)
        match self.operator:
            case Operator.IN:
                return value is not None and value in self.values
            case Operator.NOT_IN:
                return value is None or value not in self.values
            case Operator.EXISTS:
                return value is not None
            case Operator.DOES_NOT_EXIST:
                return value is None
            case Operator.GT | Operator.LT:
                return value is not None and self._compares(value)

    def _compares(self, value: str) -> bool:
        try:
            have, want = int(value), int(self.values[0])
        except (ValueError, IndexError):
            return False
        return have > want if self.operator is Operator.GT else have < want


Selector: TypeAlias = tuple[Requirement, ...]
"""All requirements must hold; the empty selector matches everything."""

EVERYTHING: Selector = ()


def matches(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether every requirement holds."""
    return all(requirement.matches(labels) for requirement in selector)


def equality(labels: Mapping[str, str]) -> Selector:
    """The selector of a Service or ReplicationController: each label must be equal."""
    return tuple(Requirement(key, Operator.IN, (value,)) for key, value in sorted(labels.items()))


def from_object(selector: Mapping[str, Any] | None) -> Selector | None:
    """A LabelSelector object; None (matches nothing) when it is absent. Raises ValueError."""
    if selector is None:
        return None
    wanted = equality(selector.get("matchLabels") or {})
    extra = tuple(
        Requirement(item["key"], Operator(item["operator"]), tuple(item.get("values") or ()))
        for item in selector.get("matchExpressions") or ()
    )
    return wanted + extra

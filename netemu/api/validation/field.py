"""Field paths and the sentences about them: what Go's field.Error prints.

A check is a function that yields causes; checks are chained, so every broken rule is told at
once. Values are printed as Go prints them (`netemu.api.validation.goformat`).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct

from netemu.api.validation.goformat import body, quoted
from netemu.model.errors import Cause

Causes: TypeAlias = Iterator[Cause]

IMMUTABLE: Final = "field is immutable"
NOT_NEGATIVE: Final = "must be greater than or equal to 0"


class Path(Struct, frozen=True):
    """Where in an object: ``spec.ports[0].name``."""

    text: str = ""

    def child(self, *names: str) -> "Path":
        """A field below."""
        return Path(".".join([self.text, *names] if self.text else names))

    def index(self, number: int) -> "Path":
        """An item of a list."""
        return Path(f"{self.text}[{number}]")

    def key(self, key: str) -> "Path":
        """An item of a map."""
        return Path(f"{self.text}[{key}]")

    def __str__(self) -> str:
        return self.text


SPEC: Final = Path("spec")
METADATA: Final = Path("metadata")
NOWHERE: Final = Path("<nil>")
"""How Go prints the path of a whole object."""


def required(path: Path, detail: str = "") -> Cause:
    """Nothing there, and something must be."""
    return Cause("FieldValueRequired", _said("Required value", detail), str(path))


def invalid(path: Path, value: Any, detail: str) -> Cause:
    """A value that cannot be."""
    return Cause("FieldValueInvalid", _said(f"Invalid value: {body(value)}", detail), str(path))


def not_supported(path: Path, value: Any, supported: Iterable[str]) -> Cause:
    """Not one of a closed set; `supported` is shown in the order given."""
    shown = ", ".join(quoted(item) for item in supported)
    detail = f"supported values: {shown}" if shown else ""
    return Cause(
        "FieldValueNotSupported", _said(f"Unsupported value: {body(value)}", detail), str(path)
    )


def duplicate(path: Path, value: Any, detail: str = "") -> Cause:
    """There already."""
    return Cause("FieldValueDuplicate", _said(f"Duplicate value: {body(value)}", detail), str(path))


def not_found(path: Path, value: Any) -> Cause:
    """Refers to what isn't there."""
    return Cause("FieldValueNotFound", f"Not found: {body(value)}", str(path))


def forbidden(path: Path, detail: str) -> Cause:
    """Well formed, and not allowed here."""
    return Cause("FieldValueForbidden", _said("Forbidden", detail), str(path))


def too_long(path: Path, limit: int) -> Cause:
    """More bytes than allowed (the words of 1.32)."""
    unit = "byte" if limit == 1 else "bytes"
    return Cause("FieldValueTooLong", f"Too long: may not be more than {limit} {unit}", str(path))


def too_many(path: Path, count: int, limit: int) -> Cause:
    """More items than allowed."""
    said = f"Too many: {count}: must have at most {limit} items"
    return Cause("FieldValueTooMany", said, str(path))


def _said(what: str, detail: str) -> str:
    return f"{what}: {detail}" if detail else what


def each_invalid(path: Path, value: Any, problems: Sequence[str]) -> Causes:
    """One cause for each thing wrong with a value."""
    for problem in problems:
        yield invalid(path, value, problem)


def immutable(path: Path, new: Any, old: Any) -> Causes:
    """The value may not change."""
    if not same(new, old):
        yield invalid(path, new, IMMUTABLE)


def same(new: Any, old: Any) -> bool:
    """Equal, where absent, null, and empty lists and maps are the same thing (Go's Semantic)."""
    return bool(_normal(new) == _normal(old))


def _normal(value: Any) -> Any:
    if isinstance(value, dict):
        shrunk = {key: _normal(item) for key, item in value.items()}
        return {key: item for key, item in shrunk.items() if item is not None} or None
    if isinstance(value, list):
        return [_normal(item) for item in value] or None
    return value


def not_negative(path: Path, value: int | None) -> Causes:
    """Zero or more."""
    if value is not None and value < 0:
        yield invalid(path, value, NOT_NEGATIVE)

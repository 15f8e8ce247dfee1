"""Which parameters of lists and watches go together; pure.

Source: apimachinery's pkg/apis/meta/internalversion/validation.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from netemu.api.gonumbers import NotANumber, parse_uint
from netemu.model.errors import Cause, Invalid

_MATCH: Final = "resourceVersionMatch"
_INITIAL: Final = "sendInitialEvents"

Query = Mapping[str, str]


def check_list(query: Query) -> None:
    """Raises Invalid, with all that doesn't fit a list."""
    _require(_list_problems(query))


def check_watch(query: Query) -> None:
    """Raises Invalid, with all that doesn't fit a watch."""
    _require(_watch_problems(query))


def read_version(query: Query) -> int:
    """ResourceVersion as a number, 0 for none. Raises Invalid."""
    text = query.get("resourceVersion") or "0"
    try:
        return parse_uint(text)
    except NotANumber as error:
        words = f'Invalid value: "{text}": {error.message}'
        raise _invalid([Cause("FieldValueInvalid", words, "resourceVersion")]) from None


def _list_problems(query: Query) -> Iterable[Cause]:
    match, version = query.get(_MATCH), query.get("resourceVersion")
    if match:
        if not version:
            yield _forbidden(_MATCH, f"{_MATCH} is forbidden unless resourceVersion is provided")
        if query.get("continue"):
            yield _forbidden(_MATCH, f"{_MATCH} is forbidden when continue is provided")
        if match not in ("Exact", "NotOlderThan"):
            yield _unknown(match, '"Exact", "NotOlderThan", ""')
        if match == "Exact" and version == "0":
            yield _forbidden(_MATCH, f'{_MATCH} "exact" is forbidden for resourceVersion "0"')
    if _INITIAL in query:
        yield _forbidden(_INITIAL, f"{_INITIAL} is forbidden for list")


def _watch_problems(query: Query) -> Iterable[Cause]:
    match = query.get(_MATCH)
    if _INITIAL in query and match != "NotOlderThan":
        yield _forbidden(_MATCH, f"{_INITIAL} requires setting {_MATCH} to NotOlderThan")
    if match:
        if _INITIAL not in query:
            words = f"{_MATCH} is forbidden for watch unless {_INITIAL} is provided"
            yield _forbidden(_MATCH, words)
        if match != "NotOlderThan":
            yield _unknown(match, '"NotOlderThan"')
        if query.get("continue"):
            yield _forbidden(_MATCH, f"{_MATCH} is forbidden when continue is provided")


def _require(problems: Iterable[Cause]) -> None:
    if causes := list(problems):
        raise _invalid(causes)


def _invalid(causes: list[Cause]) -> Invalid:
    return Invalid("meta.k8s.io", "ListOptions", "", causes)


def _forbidden(field: str, why: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {why}", field)


def _unknown(match: str, supported: str) -> Cause:
    words = f'Unsupported value: "{match}": supported values: {supported}'
    return Cause("FieldValueNotSupported", words, _MATCH)

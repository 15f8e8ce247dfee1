"""Lists: what a query selects, at which version, in pages.

A page continues at the version of the first one: the store's history is undone back to it, so
pages never miss or repeat an object because others changed in between.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from netemu.api import fieldselector
from netemu.api.fieldselector import FieldSelector
from netemu.api.request import Request
from netemu.model.errors import ApiError, BadRequest, Cause, Expired, Invalid
from netemu.model.meta import Key, Object, labels_of
from netemu.model.resources import Resource
from netemu.model.selector import Selector, matches
from netemu.model.selectorparser import parse
from netemu.store.base import CutOff, Record, Store

_TOKEN_VERSION: Final = "meta.k8s.io/v1"
_NEXT: Final = "\x00"
"""Ends a token's start: the key right after the last one given."""
_CONTINUE_EXPIRED: Final = (
    "The provided continue parameter is too old to display a consistent list result. You can start "
    "a new list without the continue parameter, or use the continue token in this response to "
    "retrieve the remainder of the results. Continuing with the provided token results in an "
    "inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list."
)


class Selection(Struct, frozen=True):
    """Which objects of a kind."""

    labels: Selector = ()
    fields: FieldSelector = ()

    def takes(self, obj: Object) -> bool:
        """Whether the object is one of them."""
        return matches(self.labels, labels_of(obj)) and fieldselector.matches(self.fields, obj)

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return not self.labels and not self.fields


def selection(resource: Resource, request: Request) -> Selection:
    """LabelSelector and fieldSelector. Raises BadRequest."""
    try:
        labels = parse(request.query.get("labelSelector", ""))
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return Selection(labels, fieldselector.parse(resource, request.query.get("fieldSelector", "")))


class Page(Struct, frozen=True):
    """Part of a list, or all of it."""

    records: Sequence[Record]
    revision: int
    token: str = ""
    remaining: int | None = None

    @property
    def metadata(self) -> Object:
        """The list's metadata."""
        found: dict[str, Any] = {"resourceVersion": str(self.revision)}
        if self.token:
            found["continue"] = self.token
        if self.remaining:
            found["remainingItemCount"] = self.remaining
        return found


class TooLargeVersion(ApiError):
    """A version that the store has not reached."""

    code, reason = 504, "Timeout"

    def __init__(self, asked: int, current: int) -> None:
        super().__init__(
            f"Too large resource version: {asked}, current: {current}",
            causes=[{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            retryAfterSeconds=1,
        )


class ContinueExpired(Expired):
    """A token from before the history; the Status carries one that goes on regardless."""

    def __init__(self, token: str) -> None:
        super().__init__(_CONTINUE_EXPIRED)
        self.token = token

    def status(self) -> dict[str, Any]:
        """The Status, with the new token."""
        return {**super().status(), "metadata": {"continue": self.token}}


def page(store: Store, resource: Resource, namespace: str | None, request: Request) -> Page:
    """The page a request asks for. Raises BadRequest, Expired, Invalid, TooLargeVersion."""
    selected = selection(resource, request)
    limit = max(request.number("limit") or 0, 0)
    check_version_match(request)
    if token := request.query.get("continue"):
        if request.query.get("resourceVersion", "0") not in ("", "0"):
            raise BadRequest("specifying resource version is not allowed when using continue")
        revision, start = _read_token(token)
        records = _from_token(store, resource, namespace, revision, start)
        revision = revision if revision >= 0 else store.revision
    else:
        revision = _asked_revision(store, request, limited=limit > 0)
        records = _at(store, resource, namespace, revision)
    taken = records if selected.everything else [r for r in records if selected.takes(r.obj)]
    if not limit or len(taken) <= limit:
        return Page(taken, revision)
    shown = taken[:limit]
    remaining = len(taken) - limit if selected.everything else None
    return Page(shown, revision, _write_token(revision, shown[-1].key), remaining)


def check_version_match(request: Request) -> None:
    """Whether resourceVersion and resourceVersionMatch go together. Raises Invalid."""
    match, version = request.query.get("resourceVersionMatch"), request.query.get("resourceVersion")
    if not match:
        return
    field = "resourceVersionMatch"
    if request.query.get("continue"):
        raise _forbidden(field, f"{field} is forbidden when continue is provided")
    if not version:
        raise _forbidden(field, f"{field} is forbidden unless resourceVersion is provided")
    if match not in ("Exact", "NotOlderThan"):
        words = f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan", ""'
        raise _invalid(Cause("FieldValueNotSupported", words, field))
    if match == "Exact" and version == "0":
        raise _forbidden(field, f'{field} "exact" is forbidden for resourceVersion "0"')


def refuse_initial_events(request: Request) -> None:
    """A list has no initial events. Raises Invalid."""
    if "sendInitialEvents" in request.query:
        raise _forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")


def _forbidden(field: str, why: str) -> Invalid:
    return _invalid(Cause("FieldValueForbidden", f"Forbidden: {why}", field))


def _invalid(cause: Cause) -> Invalid:
    return Invalid("meta.k8s.io", "ListOptions", "", [cause])


def read_version(request: Request) -> int:
    """ResourceVersion as a number, 0 for none. Raises Invalid."""
    text = request.query.get("resourceVersion") or "0"
    if not text.isdecimal():
        words = f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise _invalid(Cause("FieldValueInvalid", words, "resourceVersion"))
    return int(text)


def _asked_revision(store: Store, request: Request, *, limited: bool) -> int:
    asked, current = read_version(request), store.revision
    if asked > current:
        raise TooLargeVersion(asked, current)
    # A list "not older than" a version may as well be the newest; only Exact looks back, and
    # what it was before there was a word for it: a version together with a limit.
    match = request.query.get("resourceVersionMatch")
    exact = match == "Exact" or (limited and not match and asked)
    return asked if exact else current


def _at(store: Store, resource: Resource, namespace: str | None, revision: int) -> Sequence[Record]:
    """The objects as they were at a revision. Raises Expired."""
    records = store.list(resource.key, namespace)
    if revision == store.revision:
        return records
    then = {record.key: record for record in records}
    watch = store.watch([resource.key], revision)
    try:
        since = watch.pending()
    except CutOff:
        raise Expired(f"too old resource version: {revision}") from None
    finally:
        watch.close()
    for event in reversed(since):
        key = event.record.key
        if namespace is not None and key[0] != namespace:
            continue
        if event.previous is None:
            del then[key]
        else:
            then[key] = event.previous
    return [then[key] for key in sorted(then)]


def _from_token(
    store: Store, resource: Resource, namespace: str | None, revision: int, start: str
) -> Sequence[Record]:
    try:
        records = _at(store, resource, namespace, revision if revision >= 0 else store.revision)
    except Expired:
        raise ContinueExpired(_token(-1, start)) from None
    return list(_after(records, start))


def _after(records: Iterable[Record], start: str) -> Iterable[Record]:
    namespace, _, name = start.removesuffix(_NEXT).partition("/")
    return (record for record in records if record.key > (namespace, name))


def _write_token(revision: int, last: Key) -> str:
    return _token(revision, f"{last[0]}/{last[1]}{_NEXT}")


def _token(revision: int, start: str) -> str:
    content = msgspec.json.encode({"v": _TOKEN_VERSION, "rv": revision, "start": start})
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class _Token(msgspec.Struct):
    v: str
    rv: int
    start: str


def _read_token(text: str) -> tuple[int, str]:
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        token = msgspec.json.decode(content, type=_Token)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise BadRequest(f"continue key is not valid: {error}") from None
    if token.v != _TOKEN_VERSION:
        raise BadRequest("continue key is not valid: server does not recognize this version")
    return token.rv, token.start

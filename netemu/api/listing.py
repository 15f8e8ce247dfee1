"""Lists: what a query selects, at which version, in pages.

A page continues at the version of the first one: the store's history is undone back to it, so
pages never miss or repeat an object because others changed in between.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import Struct

from netemu.api import continuation, fieldselector
from netemu.api.fieldselector import FieldSelector
from netemu.api.listoptions import check_list, read_version
from netemu.api.request import Request
from netemu.model.errors import ApiError, BadRequest, Expired
from netemu.model.meta import Object, labels_of
from netemu.model.resources import Resource
from netemu.model.selector import Selector, matches
from netemu.model.selectorparser import parse
from netemu.store.base import CutOff, Record, Store

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
    check_list(request.query)
    if token := request.query.get("continue"):
        if request.query.get("resourceVersion", "0") not in ("", "0"):
            raise BadRequest("specifying resource version is not allowed when using continue")
        revision, start = continuation.read(token)
        if revision > store.revision:
            raise TooLargeVersion(revision, store.revision)
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
    return Page(
        shown, revision, continuation.token(revision, continuation.after(shown[-1].key)), remaining
    )


def check_reached(store: Store, request: Request) -> int:
    """The version asked for, 0 for none. Raises Invalid, TooLargeVersion for one still to come."""
    asked, current = read_version(request.query), store.revision
    if asked > current:
        raise TooLargeVersion(asked, current)
    return asked


def _asked_revision(store: Store, request: Request, *, limited: bool) -> int:
    asked, current = check_reached(store, request), store.revision
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
        raise ContinueExpired(continuation.token(continuation.LATEST, start)) from None
    return list(_after(records, start))


def _after(records: Iterable[Record], start: str) -> Iterable[Record]:
    last = continuation.key_before(start)
    return (record for record in records if record.key > last)

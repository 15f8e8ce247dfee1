"""Who wrote which field: ``metadata.managedFields``, kept from the first write on.

For each write (operation Update): the writer owns every field whose value the write changed or
added, besides what it owned; nobody else owns these any longer, and nobody owns what was removed.
An entry belongs to one (manager, operation, apiVersion, subresource); its time says when it last
took something (KEP-555; apimachinery's managedfields).
"""

from typing import Any, Final

from netemu.api import schema
from netemu.api.fieldset import FieldSet, compare, difference, is_valid, ordered, union
from netemu.clock import rfc3339
from netemu.model.meta import Object
from netemu.model.resources import Resource

MAX_UPDATERS: Final = 10
"""Entries of operation Update that an object keeps; more are merged, the oldest first."""
ANCIENT: Final = "ancient-changes"
"""The manager that merged entries go to, as upstream calls it."""

UNOWNED: Final[FieldSet] = {
    "f:apiVersion": {},
    "f:kind": {},
    "f:metadata": {
        f"f:{name}": {}
        for name in (
            "creationTimestamp",
            "deletionGracePeriodSeconds",
            "deletionTimestamp",
            "generation",
            "managedFields",
            "name",
            "namespace",
            "resourceVersion",
            "selfLink",
            "uid",
        )
    },
}
"""What the server itself writes, or what names the object."""

Entry = dict[str, Any]


def track(
    resource: Resource,
    old: Object | None,
    new: Object,
    *,
    manager: str,
    subresource: str,
    now: float,
) -> Object:
    """`new` with the managedFields that follow from writing it over `old` (None: creating it).

    `now` is in seconds since the epoch. Neither object is changed.
    """
    entries = _known(old, new, subresource)
    if not entries and old is not None:  # somebody cleared them: nothing is tracked from there on
        return _with(new, [])
    found = compare(schema.of(resource), old or {}, new, UNOWNED)
    if not found.changed and not found.removed:
        return _with(new, entries)
    who = identity(manager, "Update", resource.api_version, subresource)
    kept = []
    own: Entry = {}
    for entry in entries:
        left = difference(entry["fieldsV1"], found.removed)
        if _is(entry, who):
            own = {**entry, "fieldsV1": left}
            continue
        left = difference(left, found.changed)
        if left:
            kept.append(entry if left is entry["fieldsV1"] else {**entry, "fieldsV1": left})
    if found.changed:
        fields = union(own.get("fieldsV1", {}), found.changed)
        kept.append(new_entry(who, rfc3339(now), ordered(fields)))
    elif own.get("fieldsV1"):
        kept.append(own)
    return with_entries(new, _capped(kept))


def with_entries(obj: Object, entries: list[Entry]) -> Object:
    """`obj` with these entries, in the order in which a cluster keeps them."""
    return _with(obj, sorted(entries, key=_order))


def owners_of(obj: Object, new: Object) -> Object:
    """`new` with the entries of `obj`."""
    return _with(new, obj["metadata"].get("managedFields") or [])


def _known(old: Object | None, new: Object, subresource: str) -> list[Entry]:
    """The entries to start from: the client's if it sent good ones, else the stored ones.

    One empty entry clears them. A subresource can't write them (decodeLiveOrNew upstream).
    """
    stored: list[Entry] = [] if old is None else old["metadata"].get("managedFields") or []
    sent = new["metadata"].get("managedFields")
    if subresource or not sent or sent == stored:
        return stored
    if sent == [{}]:
        return []
    return sent if all(map(_is_readable, sent)) else stored


def _is_readable(entry: Entry) -> bool:
    return (
        entry.get("operation") in ("Apply", "Update")
        and bool(entry.get("apiVersion"))
        and entry.get("fieldsType") == "FieldsV1"
        and is_valid(entry.get("fieldsV1"))
    )


def _with(obj: Object, entries: list[Entry]) -> Object:
    metadata = obj["metadata"]
    if entries:
        return {**obj, "metadata": {**metadata, "managedFields": entries}}
    if "managedFields" not in metadata:
        return obj
    left = {name: value for name, value in metadata.items() if name != "managedFields"}
    return {**obj, "metadata": left}


def identity(manager: str, operation: str, api_version: str, subresource: str) -> Entry:
    """What tells an entry from others."""
    who = {"manager": manager, "operation": operation, "apiVersion": api_version}
    return {**who, "subresource": subresource} if subresource else who


def _is(entry: Entry, who: Entry) -> bool:
    return entry.get("subresource", "") == who.get("subresource", "") and all(
        entry.get(name) == who[name] for name in ("manager", "operation", "apiVersion")
    )


def new_entry(who: Entry, time: str, fields: FieldSet) -> Entry:
    """An entry with its fields in the order in which Go writes them."""
    found = {
        "manager": who["manager"],
        "operation": who["operation"],
        "apiVersion": who["apiVersion"],
        "time": time,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    return {**found, "subresource": who["subresource"]} if "subresource" in who else found


def _order(entry: Entry) -> tuple[str, ...]:
    names = ("operation", "time", "manager", "apiVersion", "subresource")
    return tuple(entry.get(name) or "" for name in names)


def _capped(entries: list[Entry]) -> list[Entry]:
    """At most MAX_UPDATERS updaters: the oldest of a version go into one entry of ANCIENT."""
    updaters = [entry for entry in entries if entry["operation"] == "Update"]
    updaters.sort(key=lambda entry: (entry.get("manager") != ANCIENT, _order(entry)))
    surplus = len(updaters) - MAX_UPDATERS
    buckets: dict[str, list[Entry]] = {}
    for entry in updaters:
        if surplus <= 0:
            break
        bucket = buckets.setdefault(entry["apiVersion"], [])
        surplus -= bool(bucket)  # the first of a version only stands for those that follow
        bucket.append(entry)
    merged = [bucket for bucket in buckets.values() if len(bucket) > 1]
    gone = {id(entry) for bucket in merged for entry in bucket}
    return [entry for entry in entries if id(entry) not in gone] + list(map(_merged, merged))


def _merged(entries: list[Entry]) -> Entry:
    fields: FieldSet = {}
    for entry in entries:
        fields = union(fields, entry["fieldsV1"])
    who = identity(ANCIENT, "Update", entries[0]["apiVersion"], "")
    return new_entry(who, entries[-1]["time"], ordered(fields))

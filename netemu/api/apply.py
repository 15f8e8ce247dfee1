"""Server-side apply: an applier says what it wants; what it no longer says goes, unless others do.

Ownership follows KEP-555 and structured-merge-diff's updater: an applier owns exactly what it
applied last; to change what another manager owns is a conflict unless it is forced, and then takes
it over. Applying the same twice changes nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from netemu.api import managedfields, schema, structmerge
from netemu.api.fieldset import (
    FieldSet,
    compare,
    difference,
    intersection,
    ordered,
    union,
)
from netemu.api.managedfields import Entry
from netemu.api.schema import Struct
from netemu.api.typedfields import ABSENT, fields_of, paths, stripped, with_parents, without
from netemu.clock import rfc3339
from netemu.model.errors import ApiError, BadRequest
from netemu.model.meta import Object, annotations_of
from netemu.model.resources import Resource

TYPES: Final = ("application/apply-patch+yaml", "application/apply-patch+json")
KUBECTL: Final = "kubectl"
"""The manager that inherits what client-side apply remembers in an annotation."""
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
BEFORE: Final = "before-first-apply"
"""Who owns what was there before anybody's fields were tracked."""


class ApplyConflict(ApiError):
    """Other managers own fields that the applier wants to change."""

    code, reason = 409, "Conflict"

    def __init__(self, conflicts: Sequence[tuple[str, str]]) -> None:
        causes = [
            {
                "reason": "FieldManagerConflict",
                "message": f"conflict with {manager}",
                "field": field,
            }
            for manager, field in conflicts
        ]
        super().__init__(_conflict_message(conflicts), causes=causes)


def _conflict_message(conflicts: Sequence[tuple[str, str]]) -> str:
    if len(conflicts) == 1:
        manager, field = conflicts[0]
        return f"Apply failed with 1 conflict: conflict with {manager}: {field}"
    lines = []
    for manager in sorted({manager for manager, _ in conflicts}):
        lines.append(f"conflicts with {manager}:")
        lines += [f"- {field}" for other, field in conflicts if other == manager]
    return f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)


class Untypable(ApiError):
    """What was applied doesn't fit the schema; upstream answers this one without a reason."""

    code, reason = 500, ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applier:
    """Who applies, to which part, and whether others may be overruled."""

    manager: str
    subresource: str = ""
    force: bool = False


def applied(
    resource: Resource, live: Object | None, config: Object, applier: Applier, *, now: float
) -> Object:
    """`live` (None: nothing yet) with `config` applied, and the managedFields that follow.

    Both must be as their schema knows them. `now` is in seconds since the epoch.
    Raises ApplyConflict, BadRequest, Untypable.
    """
    config = _plain(config)
    of = schema.of(resource)
    _check_shape(resource, of, config)
    ignored = _ignored(resource, applier.subresource)
    own = stripped(fields_of(of, config), ignored)
    entries = _entries(of, resource, live, now)
    mine = next((entry for entry in entries if _is_mine(entry, applier)), None)
    others = [entry for entry in entries if entry is not mine]
    new = structmerge.merged(of, ABSENT if live is None else live, config)
    if mine is not None:
        sets = [own, *(entry["fieldsV1"] for entry in others)]
        # Merged again: what lost all its parts may have been applied as an empty value.
        new = structmerge.merged(of, _pruned(of, new, mine["fieldsV1"], sets), config)
    if live is not None:
        others = _conceded(of, live, new, others, applier, ignored)
        new = _with_last_applied(new, live, config, applier)
    entry = _entry(resource, applier, own, mine, now, changed=_changed(live, new))
    return managedfields.with_entries(new, [*others, *([entry] if own else [])])


def _plain(config: Object) -> Object:
    metadata = config.get("metadata") or {}
    if metadata.get("managedFields"):
        raise BadRequest("metadata.managedFields must be nil")
    kept = {name: value for name, value in metadata.items() if name != "managedFields"}
    return {**config, "metadata": kept}


def _check_shape(resource: Resource, of: Struct, config: Object) -> None:
    problem = next(structmerge.misshapen(of, config), None)
    if problem is not None:
        raise untypable(resource, config, problem)


def untypable(resource: Resource, config: Object, problem: str) -> Untypable:
    """The refusal of a config that can't be typed."""
    metadata = config.get("metadata") or {}
    name = "/".join(part for part in (metadata.get("namespace"), metadata.get("name")) if part)
    what = f"{name}; {resource.api_version}, Kind={resource.kind}"
    return Untypable(f"failed to create typed patch object ({what}): {problem}")


def _ignored(resource: Resource, subresource: str) -> FieldSet:
    """Fields that this write can't reach, or that nobody owns."""
    if subresource == "status":
        return {f"f:{name}": {} for name in schema.of(resource).fields if name != "status"}
    return {**managedfields.UNOWNED, **({"f:status": {}} if resource.has_status else {})}


def _entries(of: Struct, resource: Resource, live: Object | None, now: float) -> list[Entry]:
    if live is None:
        return []
    entries: list[Entry] = live["metadata"].get("managedFields") or []
    if entries:
        return entries
    fields = compare(of, {}, live, managedfields.UNOWNED).changed
    who = managedfields.identity(BEFORE, "Update", resource.api_version, "")
    return [managedfields.new_entry(who, rfc3339(now), ordered(fields))]


def _is_mine(entry: Entry, applier: Applier) -> bool:
    return (
        entry.get("operation") == "Apply"
        and entry.get("manager") == applier.manager
        and entry.get("subresource", "") == applier.subresource
    )


def _pruned(of: Struct, new: Object, last: FieldSet, sets: Sequence[FieldSet]) -> Object:
    """`new` without what the applier owned and nobody owns any longer."""
    last = with_parents(of, last)
    owned: FieldSet = {}
    for fields in sets:
        owned = union(owned, with_parents(of, fields))
    every = with_parents(of, fields_of(of, new))
    left = _fields(of, without(of, new, last))
    orphaned = difference(difference(every, left), owned)
    left = _fields(of, without(of, new, orphaned))
    gone = intersection(difference(every, left), last)
    result: Object = without(of, new, gone)
    return result


def _fields(of: Struct, value: Any) -> FieldSet:
    return {} if value is ABSENT else with_parents(of, fields_of(of, value))


def _conceded(
    of: Struct,
    live: Object,
    new: Object,
    others: list[Entry],
    applier: Applier,
    ignored: FieldSet,
) -> list[Entry]:
    """The other managers' entries after this apply. Raises ApplyConflict unless it is forced."""
    found = compare(of, live, new, managedfields.UNOWNED)
    changed, removed = (stripped(fields, ignored) for fields in (found.changed, found.removed))
    conflicts = [(entry, intersection(entry["fieldsV1"], changed)) for entry in others]
    if not applier.force:
        _refuse_conflicts(of, live, conflicts, applier)
    kept = []
    for entry, lost in conflicts:
        left = difference(difference(entry["fieldsV1"], lost), removed)
        if left:
            kept.append(entry if left is entry["fieldsV1"] else {**entry, "fieldsV1": left})
    return kept


def _refuse_conflicts(
    of: Struct, live: Object, conflicts: list[tuple[Entry, FieldSet]], applier: Applier
) -> None:
    found = sorted(
        (_named(entry), path) for entry, fields in conflicts if fields for path in paths(fields)
    )
    if found and not _are_its_own(of, live, conflicts, applier):
        raise ApplyConflict(found)


def _are_its_own(
    of: Struct, live: Object, conflicts: list[tuple[Entry, FieldSet]], applier: Applier
) -> bool:
    """Whether kubectl only takes over what it applied client-side (lastAppliedManager)."""
    text = annotations_of(live).get(LAST_APPLIED)
    if applier.manager != KUBECTL or not text:
        return False
    try:
        before = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    if not isinstance(before, dict):
        return False
    allowed = fields_of(of, before)
    return not any(difference(fields, allowed) for _, fields in conflicts)


def _named(entry: Entry) -> str:
    name = json.dumps(entry.get("manager", ""))
    if entry.get("subresource"):
        name += f" with subresource {json.dumps(entry['subresource'])}"
    if entry["operation"] == "Update":
        name += f" using {entry['apiVersion']}"
    return name


def _with_last_applied(new: Object, live: Object, config: Object, applier: Applier) -> Object:
    """Keep client-side apply's annotation true while kubectl applies on both sides."""
    if applier.manager != KUBECTL or LAST_APPLIED not in annotations_of(live):
        return new
    remembered = {**config, "metadata": dict(config["metadata"])}
    annotations = dict(annotations_of(config))
    annotations.pop(LAST_APPLIED, None)
    remembered["metadata"]["annotations"] = annotations
    text = msgspec.json.encode(remembered, order="sorted").decode() + "\n"
    present = {**annotations_of(new), LAST_APPLIED: text}
    return {**new, "metadata": {**new["metadata"], "annotations": present}}


def _changed(live: Object | None, new: Object) -> bool:
    return live is None or {**new, "metadata": _unowned(new)} != {
        **live,
        "metadata": _unowned(live),
    }


def _unowned(obj: Object) -> Object:
    return {name: value for name, value in obj["metadata"].items() if name != "managedFields"}


def _entry(
    resource: Resource,
    applier: Applier,
    own: FieldSet,
    before: Entry | None,
    now: float,
    *,
    changed: bool,
) -> Entry:
    who = managedfields.identity(
        applier.manager, "Apply", resource.api_version, applier.subresource
    )
    if before is not None and not changed:
        same = before["fieldsV1"] == own and before["apiVersion"] == resource.api_version
        if same:
            return before
    return managedfields.new_entry(who, rfc3339(now), ordered(own))

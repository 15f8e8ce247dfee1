"""Server-side apply to the scale subresource: a Scale's fields are a workload's, under other names.

Whoever applies a Scale owns the workload's replicas, and nobody else does any longer
(apimachinery's managedfields.ScaleHandler). Pure.
"""

from typing import Final

from netemu.api import apply, managedfields
from netemu.api.apply import Applier
from netemu.api.fieldset import MEMBER, FieldSet, difference, intersection
from netemu.api.managedfields import Entry
from netemu.api.scale import SCALE, scale_of, scaled
from netemu.model.meta import Object
from netemu.model.resources import Resource
from netemu.model.scalepaths import at

_IN_SCALE: Final[FieldSet] = {"f:spec": {"f:replicas": MEMBER}}


def applied(
    resource: Resource, workload: Object, config: Object, applier: Applier, *, now: float
) -> Object:
    """A workload after a Scale was applied to it; `now` is in seconds since the epoch.

    Raises ApplyConflict, BadRequest, Invalid, Untypable.
    """
    paths = resource.scale_paths
    place = _field(paths.replicas)
    live = {**scale_of(workload, paths), "spec": {"replicas": at(workload, paths.replicas) or 0}}
    owners = [entry for entry in _entries(workload) if intersection(entry["fieldsV1"], place)]
    shown = [{**e, "apiVersion": SCALE.api_version, "fieldsV1": _IN_SCALE} for e in owners]
    live = managedfields.with_entries(live, shown)
    wanted = {name: value for name, value in config.items() if name != "status"}
    scale = apply.applied(SCALE, live, wanted, applier, now=now)
    new = scaled(workload, {**scale, "metadata": config.get("metadata") or {}}, paths)
    return managedfields.with_entries(new, _merged(resource, workload, _entries(scale), place))


def _entries(obj: Object) -> list[Entry]:
    return obj["metadata"].get("managedFields") or []


def _merged(
    resource: Resource, workload: Object, scale: list[Entry], place: FieldSet
) -> list[Entry]:
    """The workload's entries after those of its Scale."""
    owners = {_who(entry): entry for entry in scale}
    found = []
    for entry in _entries(workload):
        left = entry["fieldsV1"]
        if intersection(left, place) and owners.pop(_who(entry), None) is None:
            left = difference(left, place)
        if left:
            found.append({**entry, "fieldsV1": left})
    new = ({**e, "apiVersion": resource.api_version, "fieldsV1": place} for e in owners.values())
    return [*found, *new]


def _who(entry: Entry) -> tuple[str, ...]:
    return entry["manager"], entry["operation"], entry.get("subresource", "")


def _field(path: str) -> FieldSet:
    """``.spec.replicas`` as a set of fields."""
    found: FieldSet = MEMBER
    for step in reversed(path.split(".")[1:]):
        found = {f"f:{step}": found}
    return found

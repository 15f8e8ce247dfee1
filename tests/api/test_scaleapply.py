"""Who owns a workload's replicas after a Scale was applied."""

import pytest

from netemu.api.apply import Applier, ApplyConflict
from netemu.api.scaleapply import applied
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY, DEPLOYMENTS

REPLICAS: Object = {"f:spec": {"f:replicas": {}}}
SCALE: Object = {
    "apiVersion": "autoscaling/v1",
    "kind": "Scale",
    "metadata": {"name": "web"},
    "spec": {"replicas": 5},
}


def entry(manager: str, fields: Object, operation: str = "Update") -> Object:
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "apps/v1",
        "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }


def workload(*entries: Object) -> Object:
    return {
        "metadata": {"name": "web", "namespace": "a", "managedFields": list(entries)},
        "spec": {"replicas": 3, "paused": True},
    }


def scaled(live: Object, *, force: bool = False) -> Object:
    applier = Applier(manager="scaler", subresource="scale", force=force)
    return applied(BY_KEY[DEPLOYMENTS], live, SCALE, applier, now=1.8e9)


def owners(obj: Object) -> dict[str, Object]:
    return {entry["manager"]: entry["fieldsV1"] for entry in obj["metadata"]["managedFields"]}


def test_it_belongs_to_who_applied_last() -> None:
    live = workload(entry("me", {"f:spec": {"f:replicas": {}, "f:paused": {}}}))
    new = scaled(live, force=True)
    assert new["spec"] == {"replicas": 5, "paused": True}
    assert owners(new) == {"me": {"f:spec": {"f:paused": {}}}, "scaler": REPLICAS}
    (own,) = (e for e in new["metadata"]["managedFields"] if e["manager"] == "scaler")
    assert (own["operation"], own["apiVersion"], own["subresource"]) == (
        "Apply",
        "apps/v1",
        "scale",
    )


def test_applying_again_changes_nothing() -> None:
    new = scaled(workload(), force=True)
    assert scaled(new) == new


def test_what_another_owns_is_taken_by_force_only() -> None:
    with pytest.raises(ApplyConflict) as refused:
        scaled(workload(entry("me", REPLICAS)))
    assert refused.value.message == (
        'Apply failed with 1 conflict: conflict with "me" using autoscaling/v1: .spec.replicas'
    )

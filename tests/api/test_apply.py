"""Server-side apply: who owns what, and who must give way."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netemu.api.apply import KUBECTL, LAST_APPLIED, Applier, ApplyConflict, Untypable, applied
from netemu.api.managedfields import track
from netemu.model.errors import BadRequest
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY

NOW = 1_700_000_000.0
LATER = NOW + 60
CONFIG_MAPS = BY_KEY["configmaps"]
DEPLOYMENTS = BY_KEY["deployments.apps"]


def config_map(data: dict[str, str], **metadata: Any) -> Object:
    found = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "x", "namespace": "default", **metadata},
    }
    return {**found, "data": data} if data else found


def deployment(*containers: Object, **spec: Any) -> Object:
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": list(containers)}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "x", "namespace": "default"},
        "spec": {**spec, **({"template": template} if containers else {})},
    }


def apply(
    live: Object | None,
    config: Object,
    manager: str = "one",
    *,
    force: bool = False,
    subresource: str = "",
    now: float = NOW,
) -> Object:
    resource = CONFIG_MAPS if config["kind"] == "ConfigMap" else DEPLOYMENTS
    applier = Applier(manager=manager, force=force, subresource=subresource)
    return applied(resource, live, config, applier, now=now)


def updated(live: Object | None, new: Object, manager: str) -> Object:
    resource = CONFIG_MAPS if new["kind"] == "ConfigMap" else DEPLOYMENTS
    return track(resource, live, new, manager=manager, subresource="", now=NOW)


def owners(obj: Object) -> dict[tuple[str, str], Any]:
    entries = obj["metadata"].get("managedFields", ())
    return {(entry["manager"], entry["operation"]): entry["fieldsV1"] for entry in entries}


def test_the_applier_owns_what_it_applies() -> None:
    found = apply(None, config_map({"a": "1"}))
    assert found["data"] == {"a": "1"}
    assert found["metadata"]["managedFields"] == [
        {
            "manager": "one",
            "operation": "Apply",
            "apiVersion": "v1",
            "time": "2023-11-14T22:13:20Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {"f:a": {}}},
        }
    ]


def test_applying_twice_changes_nothing_not_even_the_time() -> None:
    once = apply(None, config_map({"a": "1"}))
    assert apply(once, config_map({"a": "1"}), now=LATER) == once


def test_what_is_no_longer_applied_goes() -> None:
    live = apply(None, config_map({"a": "1", "b": "2"}))
    found = apply(live, config_map({"a": "1"}))
    assert found["data"] == {"a": "1"}
    assert owners(found) == {("one", "Apply"): {"f:data": {"f:a": {}}}}


def test_what_another_owns_too_stays() -> None:
    live = apply(None, config_map({"a": "1", "b": "2"}))
    live = apply(live, config_map({"b": "2"}), "two")
    found = apply(live, config_map({"a": "1"}))
    assert found["data"] == {"a": "1", "b": "2"}
    assert owners(found)["two", "Apply"] == {"f:data": {"f:b": {}}}


def test_changing_what_another_owns_is_a_conflict() -> None:
    live = apply(None, config_map({"a": "1"}), "one")
    with pytest.raises(ApplyConflict) as refused:
        apply(live, config_map({"a": "2"}), "two")
    status = refused.value.status()
    assert (status["code"], status["reason"]) == (409, "Conflict")
    assert status["message"] == 'Apply failed with 1 conflict: conflict with "one": .data.a'
    assert status["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".data.a"}
    ]


def test_several_conflicts_are_told_by_manager() -> None:
    live = apply(None, config_map({"a": "1"}), "one")
    live = updated(live, {**live, "data": {**live["data"], "b": "1"}}, "editor")
    with pytest.raises(ApplyConflict) as refused:
        apply(live, config_map({"a": "2", "b": "2"}), "two")
    assert refused.value.message == (
        'Apply failed with 2 conflicts: conflicts with "editor" using v1:\n- .data.b\n'
        'conflicts with "one":\n- .data.a'
    )


def test_force_takes_over() -> None:
    live = apply(None, config_map({"a": "1", "b": "1"}), "one")
    found = apply(live, config_map({"a": "2"}), "two", force=True)
    assert found["data"] == {"a": "2", "b": "1"}
    assert owners(found) == {
        ("one", "Apply"): {"f:data": {"f:b": {}}},
        ("two", "Apply"): {"f:data": {"f:a": {}}},
    }


def test_the_same_value_is_shared() -> None:
    live = apply(None, config_map({"a": "1"}), "one")
    found = apply(live, config_map({"a": "1"}), "two")
    assert owners(found) == {
        ("one", "Apply"): {"f:data": {"f:a": {}}},
        ("two", "Apply"): {"f:data": {"f:a": {}}},
    }


def test_defaults_belong_to_nobody_and_stay() -> None:
    live = apply(None, deployment({"name": "a", "image": "x"}, replicas=2))
    live["spec"]["revisionHistoryLimit"] = 10
    live["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Always"
    found = apply(live, deployment({"name": "a", "image": "y"}))
    assert "replicas" not in found["spec"]
    assert found["spec"]["revisionHistoryLimit"] == 10
    assert found["spec"]["template"]["spec"]["containers"] == [
        {"name": "a", "image": "y", "imagePullPolicy": "Always"}
    ]


def test_an_item_goes_with_the_defaults_in_it() -> None:
    live = apply(None, deployment({"name": "a", "image": "x"}, {"name": "b", "image": "x"}))
    live["spec"]["template"]["spec"]["containers"][1]["imagePullPolicy"] = "Always"
    found = apply(live, deployment({"name": "a", "image": "x"}))
    assert found["spec"]["template"]["spec"]["containers"] == [{"name": "a", "image": "x"}]


def test_the_status_is_out_of_reach_of_the_object_and_the_other_way_round() -> None:
    config = {**deployment(replicas=1), "status": {"replicas": 1}}
    found = apply(None, config)
    assert owners(found) == {("one", "Apply"): {"f:spec": {"f:replicas": {}}}}
    found = apply(found, config, "two", subresource="status")
    assert owners(found)["two", "Apply"] == {"f:status": {"f:replicas": {}}}


def test_what_nobody_tracked_belongs_to_an_updater_of_old() -> None:
    live = config_map({"a": "1"}, uid="u")
    with pytest.raises(ApplyConflict, match='conflict with "before-first-apply" using v1: .data.a'):
        apply(live, config_map({"a": "2"}))


def test_kubectl_inherits_what_it_applied_client_side() -> None:
    annotations = {LAST_APPLIED: '{"data":{"a":"1"}}'}
    live = updated(None, config_map({"a": "1"}, annotations=annotations), "kubectl-client-side")
    found = apply(live, config_map({"a": "2"}), KUBECTL)
    assert found["data"] == {"a": "2"}
    assert '"a":"2"' in found["metadata"]["annotations"][LAST_APPLIED]
    with pytest.raises(ApplyConflict):
        apply(live, config_map({"a": "2"}), "another")


def test_owners_cannot_be_applied() -> None:
    with pytest.raises(BadRequest, match=r"metadata\.managedFields must be nil"):
        apply(None, config_map({}, managedFields=[{}]))


def test_lists_must_be_mergeable() -> None:
    twice = deployment({"name": "a", "image": "x"}, {"name": "a", "image": "y"})
    with pytest.raises(Untypable) as refused:
        apply(None, twice)
    assert refused.value.message == (
        "failed to create typed patch object (default/x; apps/v1, Kind=Deployment): "
        '.spec.template.spec.containers: duplicate entries for key [name="a"]'
    )


KEYS = st.sampled_from("abc")
VALUES = st.sampled_from("12")
DATA = st.dictionaries(KEYS, VALUES, max_size=3)
CONTAINERS = st.lists(
    st.fixed_dictionaries({"name": KEYS, "image": VALUES}, optional={"workingDir": VALUES}),
    unique_by=lambda item: item["name"],
    max_size=3,
)
CONFIGS = st.one_of(
    st.builds(lambda items, **more: deployment(*items, **more), CONTAINERS),
    st.builds(
        lambda items, replicas: deployment(*items, replicas=replicas), CONTAINERS, st.integers(0, 2)
    ),
)
STEPS = st.lists(st.tuples(st.sampled_from(["one", "two", "three"]), CONFIGS), max_size=6)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, last=CONFIGS)
def test_applying_anything_twice_changes_nothing(
    steps: list[tuple[str, Object]], last: Object
) -> None:
    live: Object | None = None
    for manager, config in steps:
        live = apply(live, config, manager, force=True)
    once = apply(live, last, "one", force=True)
    assert apply(once, last, "one", now=LATER) == once


def contained(part: Any, whole: Any) -> bool:
    """Whether all that `part` says is in `whole`; items of lists by name."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and contained(item, whole[name]) for name, item in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        named = {item["name"]: item for item in whole}
        return all(item["name"] in named and contained(item, named[item["name"]]) for item in part)
    return bool(part == whole)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
def test_no_manager_ever_loses_a_field_without_force(steps: list[tuple[str, Object]]) -> None:
    live: Object | None = None
    wanted: dict[str, Object] = {}
    for manager, config in steps:
        try:
            live = apply(live, config, manager)
        except ApplyConflict:
            continue
        wanted[manager] = config
        for said in wanted.values():
            assert contained(said["spec"], live.get("spec", {}))
    assert set(wanted) >= {manager for manager, _ in owners(live)} if live else not wanted

"""What is rolled for which ConfigMaps and Secrets, and that once is enough."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.controllers.actions import Create, Delete, Tell, Update
from netemu.controllers.reload import HELD, RELOADED, SEEN, asked, hashed, plan, references
from netemu.model.meta import Object, annotations_of
from netemu.model.resources import DEPLOYMENTS, PODS

SPEC: Object = {
    "containers": [
        {
            "name": "main",
            "envFrom": [{"configMapRef": {"name": "env"}}, {"secretRef": {"name": "env-secret"}}],
            "env": [
                {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "one", "key": "a"}}},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "one-secret", "key": "b"}}},
                {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "D", "value": "d"},
            ],
        }
    ],
    "initContainers": [{"name": "init", "envFrom": [{"configMapRef": {"name": "init"}}]}],
    "volumes": [
        {"name": "a", "configMap": {"name": "mounted"}},
        {"name": "b", "secret": {"secretName": "mounted-secret"}},
        {
            "name": "c",
            "projected": {
                "sources": [{"configMap": {"name": "projected"}}, {"secret": {"name": "p-secret"}}]
            },
        },
        {"name": "d", "emptyDir": {}},
    ],
}
MAPS = ("env", "one", "init", "mounted", "projected")
KEYS = ("env-secret", "one-secret", "mounted-secret", "p-secret")
ALL = {*(("configmap", name) for name in MAPS), *(("secret", name) for name in KEYS)}
APP: Object = {"containers": [{"name": "m", "envFrom": [{"configMapRef": {"name": "app"}}]}]}
SOURCE = ("configmap", "app")


def workload(annotations: Any = None, *, template: Any = None, spec: Object = APP) -> Object:
    return {
        "metadata": {
            "name": "web",
            "namespace": "default",
            "uid": "1",
            "annotations": annotations or {},
        },
        "spec": {"template": {"metadata": {"annotations": template or {}}, "spec": spec}},
    }


def config(value: str, **annotations: str) -> Object:
    marks = {f"reloader.stakater.com/{key}": each for key, each in annotations.items()}
    return {"metadata": {"name": "app", "annotations": marks}, "data": {"key": value}}


def test_everything_that_a_spec_uses_is_found() -> None:
    assert references(SPEC) == ALL


@dataclass(frozen=True)
class Asking:
    name: str
    annotations: dict[str, str]
    wanted: set[tuple[str, str]]
    template: dict[str, str] = field(default_factory=dict)


MINE = {(kind, name) for kind, name in ALL if kind == "configmap"}
ASKING = [
    Asking("nothing asks", {}, set()),
    Asking("ours asks for all", {"netemu.dev/reload": "true"}, ALL),
    Asking("only true asks", {"netemu.dev/reload": "false"}, set()),
    Asking("ours on the template", {}, ALL, {"netemu.dev/reload": "true"}),
    Asking("Reloader's auto", {"reloader.stakater.com/auto": "true"}, ALL),
    Asking("ConfigMaps alone", {"configmap.reloader.stakater.com/auto": "true"}, MINE),
    Asking("Secrets alone", {"secret.reloader.stakater.com/auto": "true"}, ALL - MINE),
    Asking(
        "by name, used or not",
        {"configmap.reloader.stakater.com/reload": "one, other"},
        {("configmap", "one"), ("configmap", "other")},
    ),
    Asking(
        "Secrets by name",
        {"secret.reloader.stakater.com/reload": "one-secret"},
        {("secret", "one-secret")},
    ),
    Asking("what is marked", {"reloader.stakater.com/search": "true"}, ALL),
]


@pytest.mark.parametrize("case", ASKING, ids=lambda case: case.name)
def test_who_asks_for_what(case: Asking) -> None:
    assert set(asked(workload(case.annotations, template=case.template, spec=SPEC))) == case.wanted


def applied(obj: Object, *sources: Object) -> tuple[Object, list[Any]]:
    """What a plan leaves of the workload, and its actions."""
    actions = plan(DEPLOYMENTS, obj, dict.fromkeys(asked(obj), sources[0]) if sources else {})
    for action in actions:
        if isinstance(action, Update):
            obj = action.obj
    return obj, actions


AUTO = {"reloader.stakater.com/auto": "true"}


def test_what_is_seen_for_the_first_time_rolls_nothing() -> None:
    before = workload(AUTO)
    after, actions = applied(before, config("1"))
    assert [type(each) for each in actions] == [Update]
    assert after["spec"] == before["spec"]
    assert SEEN in annotations_of(after)


def test_a_change_rolls_the_template_once_and_tells_why() -> None:
    seen, _ = applied(workload(AUTO), config("1"))
    rolled, actions = applied(seen, config("2"))
    update, told = actions
    assert isinstance(update, Update)
    assert isinstance(told, Tell)
    assert (told.type, told.reason) == ("Normal", "Reloaded")
    assert told.message == "Changes detected in configmap/app: deployment web is rolled"
    mark = annotations_of(rolled["spec"]["template"])[RELOADED]
    assert mark == f"configmap/app@{hashed(config('2'))}"
    assert applied(rolled, config("2"))[1] == []


def test_back_to_what_was_before_is_a_change_too() -> None:
    obj, _ = applied(workload(AUTO), config("1"))
    for value in ("2", "1", "2"):
        before = obj["spec"]
        obj, actions = applied(obj, config(value))
        assert len(actions) == 2
        assert obj["spec"] != before


def test_what_comes_and_goes_is_no_change() -> None:
    obj, actions = applied(workload(AUTO))
    assert actions == []
    obj, actions = applied(obj, config("1"))
    assert len(actions) == 1
    gone, actions = applied(obj)
    assert actions == []
    _, actions = applied(gone, config("2"))
    assert len(actions) == 2, "it holds something else than what was seen"


def test_labels_and_annotations_of_a_config_map_are_no_change() -> None:
    obj, _ = applied(workload(AUTO), config("1"))
    assert applied(obj, config("1", other="x"))[1] == []


def test_ignored_ones_and_those_without_the_mark_count_for_nothing() -> None:
    obj, _ = applied(workload(AUTO), config("1"))
    assert applied(obj, config("2", ignore="true"))[1] == []
    search = workload({"reloader.stakater.com/search": "true"})
    assert applied(search, config("1"))[1] == []
    obj, _ = applied(search, config("1", match="true"))
    assert len(applied(obj, config("2", match="true"))[1]) == 2


def test_who_no_longer_asks_forgets() -> None:
    obj, _ = applied(workload(AUTO), config("1"))
    del obj["metadata"]["annotations"]["reloader.stakater.com/auto"]
    forgotten, _ = applied(obj)
    assert SEEN not in annotations_of(forgotten)


def test_what_is_being_deleted_is_left_alone() -> None:
    obj, _ = applied(workload(AUTO), config("1"))
    obj["metadata"]["deletionTimestamp"] = "now"
    assert applied(obj, config("2"))[1] == []


def test_an_annotation_that_is_none_of_ours_is_replaced() -> None:
    obj, actions = applied(workload({**AUTO, SEEN: "nonsense"}), config("1"))
    assert len(actions) == 1
    assert applied(obj, config("1"))[1] == []


@given(st.lists(st.tuples(st.sampled_from("123"), st.booleans()), max_size=12))
def test_planning_on_its_own_result_gives_nothing(steps: list[tuple[str, bool]]) -> None:
    obj = workload(AUTO)
    for value, there in steps:
        sources = (config(value),) if there else ()
        obj, _ = applied(obj, *sources)
        assert applied(obj, *sources)[1] == []


def pod(owner: Any = None, **metadata: Any) -> Object:
    own = {"name": "solo", "namespace": "default", "uid": "1", "labels": {"app": "x"}, **metadata}
    own.setdefault("annotations", {"netemu.dev/reload": "true"})
    if owner:
        own["ownerReferences"] = [{"kind": owner, "name": "o", "uid": "o", "controller": True}]
    return {"metadata": own, "spec": {**APP, "nodeName": "node-1"}}


def seen_by(obj: Object, value: str) -> Object:
    [update] = plan(PODS, obj, {SOURCE: config(value)})
    assert isinstance(update, Update)
    return update.obj


def test_a_pod_of_nobody_is_held_and_deleted_and_made_again_when_it_has_ended() -> None:
    update, delete, told = plan(PODS, seen_by(pod(), "1"), {SOURCE: config("2")})
    assert isinstance(update, Update)
    assert isinstance(delete, Delete)
    assert isinstance(told, Tell)
    assert update.obj["metadata"]["finalizers"] == [HELD]
    held = update.obj
    held["metadata"].update(deletionTimestamp="now", deletionGracePeriodSeconds=30)
    assert plan(PODS, held, {SOURCE: config("2")}) == []
    held["metadata"]["deletionGracePeriodSeconds"] = 0
    let_go, made = plan(PODS, held, {SOURCE: config("2")})
    assert isinstance(let_go, Update)
    assert isinstance(made, Create)
    assert let_go.obj["metadata"]["finalizers"] == []
    assert made.obj["metadata"] == {
        "name": "solo",
        "namespace": "default",
        "labels": {"app": "x"},
        "annotations": {"netemu.dev/reload": "true"},
    }
    assert made.obj["spec"] == APP


def test_a_pod_that_somebody_else_deletes_is_not_made_again() -> None:
    gone = seen_by(pod(), "1")
    gone["metadata"].update(deletionTimestamp="now", deletionGracePeriodSeconds=0)
    assert plan(PODS, gone, {SOURCE: config("2")}) == []


def test_a_pod_that_is_replaced_anyway_is_only_deleted() -> None:
    delete, _ = plan(PODS, seen_by(pod("ReplicaSet"), "1"), {SOURCE: config("2")})
    assert isinstance(delete, Delete)

from typing import Any

from netemu.controllers.actions import Create, Delete, Update
from netemu.controllers.revisions import in_order, revise, superfluous, template_of
from netemu.model.meta import Object, copied, labels_of, name_of
from tests.support.workload import workload


def revision_of(obj: Object, *known: Object, taken: Any = ()) -> Any:
    return revise(obj, "StatefulSet", known, taken)


def changed(obj: Object, image: str) -> Object:
    result: Object = copied(obj)
    result["spec"]["template"]["spec"]["containers"][0]["image"] = image
    return result


def test_a_new_template_gets_a_revision_that_brings_it_back() -> None:
    obj = workload("StatefulSet")
    made = revision_of(obj)
    [create] = made.actions
    assert isinstance(create, Create)
    assert create.obj["revision"] == 1
    assert template_of(create.obj) == obj["spec"]["template"]
    assert create.obj["data"]["spec"]["template"]["$patch"] == "replace"
    assert name_of(create.obj) == f"web-{made.number}"
    assert labels_of(create.obj) == {"app": "web", "controller.kubernetes.io/hash": made.number}


def test_a_known_template_needs_nothing() -> None:
    obj = workload("StatefulSet")
    first = revision_of(obj).update
    again = revision_of(obj, first)
    assert (again.update, again.actions) == (first, ())


def test_a_template_that_returns_is_numbered_anew() -> None:
    obj = workload("StatefulSet")
    first = revision_of(obj).update
    second = revision_of(changed(obj, "v2"), first).update
    back = revision_of(obj, first, second)
    [update] = back.actions
    assert isinstance(update, Update)
    assert (name_of(back.update), back.update["revision"]) == (name_of(first), 3)
    assert [item["revision"] for item in in_order(back.ordered)] == [2, 3]


def test_a_name_that_another_template_has_is_a_collision() -> None:
    obj = workload("StatefulSet")
    name = name_of(revision_of(obj).update)
    assert revision_of(obj, taken={name}).update is None
    counted = {**obj, "status": {"collisionCount": 1}}
    assert name_of(revision_of(counted, taken={name}).update) != name


def test_history_loses_its_oldest_but_never_what_a_pod_is_of() -> None:
    obj, known = workload("StatefulSet"), list[Object]()
    for number in range(5):
        known.append(revision_of(changed(obj, f"v{number}"), *known).update)
    newest = revision_of(changed(obj, "v4"), *known)
    pod = {"metadata": {"labels": {"controller-revision-hash": name_of(known[0])}}}
    gone = superfluous(newest, [pod], 1, {name_of(known[4])})
    assert all(isinstance(item, Delete) for item in gone)
    assert [name_of(item.obj) for item in gone if isinstance(item, Delete)] == [
        name_of(known[1]),
        name_of(known[2]),
    ]

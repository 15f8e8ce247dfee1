"""Namespaces that end."""

from netemu.controllers.actions import Delete, WriteStatus
from netemu.controllers.namespace import Observed, contents, plan
from netemu.model import resources
from netemu.model.meta import Object
from tests.support.pile import Pile
from tests.support.samples import NOW, pod

ENDING: Object = {"metadata": {"name": "default", "uid": "n1"}, "status": {"phase": "Terminating"}}


def look(namespace: Object, **contents: list[Object]) -> Observed:
    return Observed(namespace=namespace, contents=contents, now=NOW)


def test_contents_are_deleted_first() -> None:
    secret: Object = {"metadata": {"namespace": "default", "name": "s"}}
    actions = plan(look(ENDING, secrets=[secret], pods=[pod("a"), pod("b", deleting=True)]))
    assert [(a.resource, a.obj["metadata"]["name"]) for a in actions if isinstance(a, Delete)] == [
        ("secrets", "s"),
        ("pods", "a"),
    ]


def test_what_remains_is_told_once() -> None:
    held = pod("b", deleting=True)
    held["metadata"]["finalizers"] = ["example.com/hold"]
    pile = Pile()
    pile.put(resources.NAMESPACES, ENDING)
    actions = plan(look(ENDING, pods=[held]))
    assert isinstance(actions[0], WriteStatus)
    pile.apply(actions)
    after = pile.one(resources.NAMESPACES)
    said = {item["type"]: item["message"] for item in after["status"]["conditions"]}
    assert said["NamespaceContentRemaining"] == (
        "Some resources are remaining: pods. has 1 resource instances"
    )
    assert said["NamespaceFinalizersRemaining"] == (
        "Some content in the namespace has finalizers remaining: "
        "example.com/hold in 1 resource instances"
    )
    assert plan(look(after, pods=[held])) == []


def test_an_empty_namespace_needs_nothing() -> None:
    assert plan(look(ENDING)) == []


def test_owners_are_deleted_before_what_they_own() -> None:
    order = contents(resources.RESOURCES)
    assert order.index(resources.DEPLOYMENTS) < order.index(resources.PODS)
    assert resources.NODES not in order

"""Roles that are the sum of others."""

from netemu.controllers.actions import Update
from netemu.controllers.aggregation import plan, summed
from netemu.model.meta import Object
from netemu.model.resources import CLUSTER_ROLES


def rule(resource: str) -> Object:
    return {"apiGroups": [""], "resources": [resource], "verbs": ["get"]}


def role(name: str, *resources: str, **labels: str) -> Object:
    metadata = {"name": name, "labels": labels}
    return {"metadata": metadata, "rules": [rule(resource) for resource in resources]}


SUM: Object = {
    **role("view"),
    "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"to": "view"}}]},
}
EVERY = [SUM, role("b", "pods", "nodes", to="view"), role("a", "pods", to="view"), role("c", "x")]


def test_rules_come_in_the_order_of_names_each_once() -> None:
    assert summed(SUM, EVERY) == [rule("pods"), rule("nodes")]


def test_planning_on_its_own_result_gives_nothing() -> None:
    (action,) = plan(SUM, EVERY)
    assert isinstance(action, Update)
    assert action.resource == CLUSTER_ROLES
    assert plan(action.obj, EVERY) == []


def test_other_roles_are_left_alone() -> None:
    assert plan(EVERY[1], EVERY) == []
    assert plan(None, EVERY) == []

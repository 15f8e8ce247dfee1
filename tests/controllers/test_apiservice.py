"""Which APIServices there are, and what is said of each."""

from typing import Any

import pytest

from netemu.controllers.actions import Create, Delete, Update, WriteStatus
from netemu.controllers.apiservice import MANAGED, Observed, built_in, defined, plan
from netemu.model.catalog import BUILT_IN
from netemu.model.meta import Object
from netemu.model.resources import API_SERVICES

NOW = 1_700_000_000.0
APPS = built_in()["v1.apps"]
DEFINITION: Object = {
    "metadata": {"name": "things.a.io"},
    "spec": {
        "group": "a.io",
        "versions": [{"name": "v1", "served": True}, {"name": "v1alpha1", "served": False}],
    },
    "status": {"conditions": [{"type": "Established", "status": "True"}]},
}
BEHIND: Object = {
    "metadata": {"name": "v1.b.io"},
    "spec": {"group": "b.io", "version": "v1",
             "service": {"namespace": "n", "name": "s", "port": 443}},
}  # fmt: skip


def planned(obj: Object | None, wanted: Object | None, service: Object | None = None) -> list[Any]:
    return list(plan(Observed(obj=obj, wanted=wanted, service=service, now=NOW)))


def test_each_group_and_version_has_one() -> None:
    served = {(kind.group, kind.version) for kind in BUILT_IN.kinds}
    found = {(obj["spec"].get("group", ""), obj["spec"]["version"]) for obj in built_in().values()}
    assert served - found == {("apiregistration.k8s.io", "v1")}
    assert built_in()["v1."]["spec"] == {
        "groupPriorityMinimum": 18000, "version": "v1", "versionPriority": 1,
    }  # fmt: skip


def test_definitions_add_theirs_once_they_are_established() -> None:
    (obj,) = defined([DEFINITION]).values()
    assert obj["metadata"] == {"name": "v1.a.io", "labels": {MANAGED: "true"}}
    assert obj["spec"]["groupPriorityMinimum"] == 1000
    assert defined([{**DEFINITION, "status": {}}]) == {}


def test_what_is_missing_is_made_and_then_available() -> None:
    assert planned(None, APPS) == [Create(API_SERVICES, APPS)]
    (said,) = planned(APPS, APPS)
    assert isinstance(said, WriteStatus)
    (condition,) = said.status["conditions"]
    assert (condition["status"], condition["reason"]) == ("True", "Local")
    assert planned({**APPS, "status": said.status}, APPS) == []


def test_what_was_changed_is_as_it_was_again() -> None:
    changed = {**APPS, "spec": {**APPS["spec"], "versionPriority": 1}}
    assert planned(changed, APPS) == [Update(API_SERVICES, APPS)]


def test_what_no_definition_adds_any_more_goes() -> None:
    (obj,) = defined([DEFINITION]).values()
    assert planned(obj, None) == [Delete(API_SERVICES, obj)]


@pytest.mark.parametrize(
    ("service", "reason", "message"),
    [
        (None, "ServiceNotFound", 'service/s in "n" is not present'),
        ({"spec": {"ports": [{"port": 80}]}}, "ServicePortError",
         'service/s in "n" is not listening on port 443'),
        ({"spec": {"ports": [{"port": 443}]}}, "NotServed",
         "netemu passes no requests on to API servers behind Services (n/s)"),
    ],
)  # fmt: skip
def test_one_behind_a_service_is_not_available(
    service: Object | None, reason: str, message: str
) -> None:
    (said,) = planned(BEHIND, None, service)
    (condition,) = said.status["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", reason)
    assert condition["message"] == message

"""Budgets and priorities that are refused."""

from typing import Any

import pytest

from netemu.api.defaults import with_defaults
from netemu.api.validation import validate
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY, POD_DISRUPTION_BUDGETS, PRIORITY_CLASSES


def refusals(key: str, new: Object, old: Object | None = None) -> list[str]:
    causes = validate(BY_KEY[key], with_defaults(BY_KEY[key], new), old)
    return [f"{cause.field}: {cause.message}" for cause in causes]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"minAvailable": 1}, ""),
        ({"maxUnavailable": "30%"}, ""),
        (
            {"minAvailable": 1, "maxUnavailable": 1},
            "minAvailable and maxUnavailable cannot be both",
        ),
        ({"minAvailable": -1}, "must be greater than or equal to 0"),
        ({"minAvailable": "120%"}, "must not be greater than 100%"),
        ({"unhealthyPodEvictionPolicy": "No"}, 'Unsupported value: "No"'),
    ],
)
def test_budgets(spec: Any, said: str) -> None:
    metadata = {"namespace": "default", "name": "b"}
    found = refusals(POD_DISRUPTION_BUDGETS, {"metadata": metadata, "spec": spec})
    assert (said in found[0]) if said else found == []


def priority(name: str, value: int, **more: str) -> Object:
    return {"metadata": {"name": name}, "value": value, **more}


@pytest.mark.parametrize(
    ("obj", "said"),
    [
        (priority("high", 1000), ""),
        (priority("system-node-critical", 2_000_001_000), ""),
        (priority("system-mine", 5), "reserved for system use only"),
        (priority("higher", 1_000_000_001), "maximum allowed value of a user defined priority"),
        (priority("odd", 1, preemptionPolicy="Some"), 'Unsupported value: "Some"'),
    ],
)
def test_priorities(obj: Object, said: str) -> None:
    found = refusals(PRIORITY_CLASSES, obj)
    assert (said in found[0]) if said else found == []


def test_a_priority_stays() -> None:
    old = with_defaults(BY_KEY[PRIORITY_CLASSES], priority("high", 1000))
    old["metadata"]["resourceVersion"] = "1"
    new = {**old, "value": 5}
    assert refusals(PRIORITY_CLASSES, new, old) == [
        "value: Forbidden: may not be changed in an update."
    ]

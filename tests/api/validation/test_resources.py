from typing import Any, NamedTuple

import pytest

from tests.support.objects import a_container, created, in_cluster, refusals

AT = "spec.containers[0].resources"


class Case(NamedTuple):
    name: str
    resources: dict[str, Any]
    refusals: list[str]


CASES = [
    Case("usual", {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m"}}, []),
    Case("a device", {"limits": {"example.com/gpu": "1"}}, []),
    Case(
        "unknown",
        {"requests": {"colour": "1"}},
        [
            (
                f'{AT}.requests[colour]: Invalid value: "colour": must be a standard resource '
                "type or "
                "fully qualified"
            ),
            (
                f'{AT}.requests[colour]: Invalid value: "colour": must be a standard resource for '
                "containers"
            ),
        ],
    ),
    Case(
        "not for containers",
        {"requests": {"pods": "1"}},
        [f'{AT}.requests[pods]: Invalid value: "pods": must be a standard resource for containers'],
    ),
    Case(
        "negative",
        {"requests": {"cpu": "-1"}},
        [f'{AT}.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
    ),
    Case(
        "more than the limit",
        {"limits": {"cpu": "500m"}, "requests": {"cpu": "1"}},
        [f'{AT}.requests: Invalid value: "1": must be less than or equal to cpu limit of 500m'],
    ),
    Case(
        "half a device",
        {"limits": {"example.com/gpu": "1500m"}},
        [
            f'{AT}.limits[example.com/gpu]: Invalid value: "1500m": must be an integer',
            f'{AT}.requests[example.com/gpu]: Invalid value: "1500m": must be an integer',
        ],
    ),
    Case(
        "fewer devices than the limit",
        {"limits": {"example.com/gpu": "2"}, "requests": {"example.com/gpu": "1"}},
        [f'{AT}.requests: Invalid value: "1": must be equal to example.com/gpu limit of 2'],
    ),
    Case(
        "a device without limit",
        {"requests": {"example.com/gpu": "1"}},
        [f"{AT}.limits: Required value: Limit must be set for non overcommitable resources"],
    ),
    Case(
        "huge pages alone",
        {"limits": {"hugepages-2Mi": "2Mi"}},
        [f"{AT}: Forbidden: HugePages require cpu or memory"],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_requests_and_limits(case: Case) -> None:
    pod = created("pods", a_container(resources=case.resources))
    assert refusals("pods", pod) == case.refusals


def test_text_that_is_no_quantity_is_refused() -> None:
    pod = created("pods", a_container(resources={"requests": {"cpu": "much"}}))
    (refusal,) = refusals("pods", pod)
    assert refusal.startswith(f'{AT}.requests[cpu]: Invalid value: "much": quantities must match')


def test_a_node_has_no_less_than_nothing() -> None:
    node = in_cluster("n", status={"capacity": {"cpu": "-1"}, "allocatable": {"pods": "1.5"}})
    assert refusals("nodes", node) == [
        'status.capacity.cpu: Invalid value: "-1": must be greater than or equal to 0',
        'status.allocatable.pods: Invalid value: "1500m": must be an integer',
    ]

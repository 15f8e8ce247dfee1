from typing import Any, NamedTuple

import pytest

from netemu.model.names import dns_subdomain, env_name
from tests.support.objects import a_container, created, refusals

AT = "spec.containers[0].env[0]"
FROM = f"{AT}.valueFrom"
FIELDS = (
    '"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", '
    '"spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"'
)
RESOURCES = (
    '"limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", '
    '"requests.ephemeral-storage", "requests.memory"'
)


class Case(NamedTuple):
    name: str
    variable: dict[str, Any]
    refusals: list[str]


def field_ref(path: str) -> dict[str, Any]:
    return {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": path}}}


def resource_ref(resource: str, divisor: str = "") -> dict[str, Any]:
    reference = {"resource": resource, "divisor": divisor}
    return {"name": "A", "valueFrom": {"resourceFieldRef": reference}}


CASES = [
    Case("plain", {"name": "A.b-C", "value": "x"}, []),
    Case("nameless", {"value": "x"}, [f"{AT}.name: Required value"]),
    Case("ill named", {"name": "A=B"}, [f'{AT}.name: Invalid value: "A=B": {env_name("A=B")[0]}']),
    Case("the pod's address", field_ref("status.podIP"), []),
    Case("a label", field_ref("metadata.labels['app']"), []),
    Case("a limit", resource_ref("limits.memory", "1Mi"), []),
    Case("a key", {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}, []),
    Case(
        "from nowhere",
        {"name": "A", "valueFrom": {}},
        [
            (
                f'{FROM}: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, '
                "`configMapKeyRef` or `secretKeyRef`"
            )
        ],
    ),
    Case(
        "from two places",
        {
            "name": "A",
            "valueFrom": {
                "secretKeyRef": {"name": "s", "key": "k"},
                "configMapKeyRef": {"name": "c", "key": "k"},
            },
        },
        [f'{FROM}: Invalid value: "": may not have more than one field specified at a time'],
    ),
    Case(
        "said and taken from elsewhere",
        {**field_ref("status.podIP"), "value": "x"},
        [f'{FROM}: Invalid value: "": may not be specified when `value` is not empty'],
    ),
    Case(
        "a field that isn't one of a pod",
        field_ref("spec.colour"),
        [
            (
                f'{FROM}.fieldRef.fieldPath: Invalid value: "spec.colour": error converting '
                "fieldPath: "
                "field label not supported: spec.colour"
            )
        ],
    ),
    Case(
        "a field that only files show",
        field_ref("metadata.labels"),
        [
            (
                f'{FROM}.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported '
                "values: "
                f"{FIELDS}"
            )
        ],
    ),
    Case(
        "a part of what has none",
        field_ref("metadata.name['x']"),
        [f'{FROM}.fieldRef: Invalid value: "metadata.name": does not support subscript'],
    ),
    Case(
        "an unknown resource",
        resource_ref("limits.gpu"),
        [
            (
                f'{FROM}.resourceFieldRef.resource: Unsupported value: "limits.gpu": supported '
                "values: "
                f"{RESOURCES}"
            )
        ],
    ),
    Case(
        "a strange unit",
        resource_ref("limits.cpu", "1k"),
        [
            (
                f'{FROM}.resourceFieldRef.divisor: Invalid value: "limits.cpu": only '
                "divisor's values "
                "1m and 1 are supported with the cpu resource"
            )
        ],
    ),
    Case(
        "no key",
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "S"}}},
        [
            f'{FROM}.secretKeyRef.name: Invalid value: "S": {dns_subdomain("S")[0]}',
            f"{FROM}.secretKeyRef.key: Required value",
        ],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_variable(case: Case) -> None:
    assert refusals("pods", created("pods", a_container(env=[case.variable]))) == case.refusals


def test_variables_from_whole_objects() -> None:
    sources = [
        {"configMapRef": {"name": "a"}, "prefix": "P_"},
        {"secretRef": {}},
        {},
        {"configMapRef": {"name": "a"}, "secretRef": {"name": "b"}},
    ]
    at = "spec.containers[0].envFrom"
    assert refusals("pods", created("pods", a_container(envFrom=sources))) == [
        f"{at}[1].secretRef.name: Required value",
        f'{at}: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
        f'{at}: Invalid value: "": may not have more than one field specified at a time',
    ]

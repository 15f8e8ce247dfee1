from typing import Any, NamedTuple

import pytest

from netemu.model.names import label_value, qualified_name
from tests.support.objects import a_pod, created, in_cluster, refusals

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
AT = "spec.affinity"


class Case(NamedTuple):
    name: str
    spec: dict[str, Any]
    refusals: list[str]


def on_nodes(*requirements: dict[str, Any]) -> dict[str, Any]:
    terms = [{"matchExpressions": list(requirements)}]
    return {"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": terms}}}}


EXPRESSION = f"{AT}.nodeAffinity.{REQUIRED}.nodeSelectorTerms[0].matchExpressions"
NEAR = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "web"}}}
CASES = [
    Case("nodes by label", on_nodes({"key": "a", "operator": "In", "values": ["b"]}), []),
    Case("nodes by number", on_nodes({"key": "a", "operator": "Gt", "values": ["5"]}), []),
    Case(
        "requirements that can't be",
        on_nodes(
            {"key": "a", "operator": "In"},
            {"key": "a", "operator": "Exists", "values": ["b"]},
            {"key": "a", "operator": "Lt", "values": ["1", "2"]},
            {"key": "a b", "operator": "Like", "values": ["c d"]},
        ),
        [
            (
                f"{EXPRESSION}[0].values: Required value: must be specified when `operator` is "
                "'In' or "
                "'NotIn'"
            ),
            (
                f"{EXPRESSION}[1].values: Forbidden: may not be specified when `operator` is "
                "'Exists' "
                "or 'DoesNotExist'"
            ),
            (
                f"{EXPRESSION}[2].values: Required value: must be specified single value when "
                "`operator` is 'Lt' or 'Gt'"
            ),
            f'{EXPRESSION}[3].operator: Invalid value: "Like": not a valid selector operator',
            f'{EXPRESSION}[3].key: Invalid value: "a b": {qualified_name("a b")[0]}',
            f'{EXPRESSION}[3].values[0]: Invalid value: "c d": {label_value("c d")[0]}',
        ],
    ),
    Case(
        "no terms",
        {"affinity": {"nodeAffinity": {REQUIRED: {}}}},
        [
            (
                f"{AT}.nodeAffinity.{REQUIRED}.nodeSelectorTerms: Required value: must have at "
                "least "
                "one node selector term"
            )
        ],
    ),
    Case(
        "fields of nodes",
        {
            "affinity": {
                "nodeAffinity": {
                    PREFERRED: [
                        {
                            "weight": 101,
                            "preference": {
                                "matchFields": [
                                    {"key": "metadata.name", "operator": "In", "values": []},
                                    {"key": "x", "operator": "Exists"},
                                ]
                            },
                        }
                    ]
                }
            }
        },
        [
            (
                f"{AT}.nodeAffinity.{PREFERRED}[0].weight: Invalid value: 101: must be in the "
                "range "
                "1-100"
            ),
            (
                f"{AT}.nodeAffinity.{PREFERRED}[0].preference.matchFields[0].values: Required "
                "value: "
                "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
            ),
            (
                f"{AT}.nodeAffinity.{PREFERRED}[0].preference.matchFields[1].operator: Invalid "
                "value: "
                '"Exists": not a valid selector operator'
            ),
            (
                f"{AT}.nodeAffinity.{PREFERRED}[0].preference.matchFields[1].key: Invalid "
                'value: "x": '
                "not a valid field selector key"
            ),
        ],
    ),
    Case("near others", {"affinity": {"podAffinity": {REQUIRED: [NEAR]}}}, []),
    Case(
        "away from others, wherever that is",
        {
            "affinity": {
                "podAntiAffinity": {
                    REQUIRED: [{}],
                    PREFERRED: [{"weight": 0, "podAffinityTerm": NEAR}],
                }
            }
        },
        [
            f"{AT}.podAntiAffinity.{REQUIRED}[0].topologyKey: Required value: can not be empty",
            *(
                f'{AT}.podAntiAffinity.{REQUIRED}[0].topologyKey: Invalid value: "": {problem}'
                for problem in qualified_name("")
            ),
            (
                f"{AT}.podAntiAffinity.{PREFERRED}[0].weight: Invalid value: 0: must be in the "
                "range "
                "1-100"
            ),
        ],
    ),
    Case("all taints", {"tolerations": [{"operator": "Exists"}]}, []),
    Case(
        "tolerations that can't be",
        {
            "tolerations": [
                {"value": "x"},
                {"key": "a", "operator": "Exists", "value": "x"},
                {"key": "a", "operator": "Like", "effect": "Never"},
                {"key": "a", "value": "x", "effect": "NoSchedule", "tolerationSeconds": 5},
            ]
        },
        [
            (
                'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when '
                "`key` "
                'is empty, which means "match all values and all keys"'
            ),
            (
                'spec.tolerations[1].operator: Invalid value: "x": value must be empty when '
                "`operator` "
                "is 'Exists'"
            ),
            (
                'spec.tolerations[2].operator: Unsupported value: "Like": supported values: '
                '"Equal", '
                '"Exists"'
            ),
            (
                'spec.tolerations[2].effect: Unsupported value: "Never": supported values: '
                '"NoSchedule", "PreferNoSchedule", "NoExecute"'
            ),
            (
                'spec.tolerations[3].effect: Invalid value: "NoSchedule": effect must be '
                "'NoExecute' "
                "when `tolerationSeconds` is set"
            ),
        ],
    ),
    Case(
        "spread thin",
        {
            "topologySpreadConstraints": [
                {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"},
                {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"},
                {},
            ]
        },
        [
            (
                "spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate "
                "value: "
                '"{zone, DoNotSchedule}"'
            ),
            (
                "spec.topologySpreadConstraints[2].maxSkew: Invalid value: 0: must be greater than "
                "zero"
            ),
            "spec.topologySpreadConstraints[2].topologyKey: Required value: can not be empty",
            (
                'spec.topologySpreadConstraints[2].whenUnsatisfiable: Unsupported value: "": '
                "supported "
                'values: "DoNotSchedule", "ScheduleAnyway"'
            ),
        ],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_where_a_pod_may_run(case: Case) -> None:
    assert refusals("pods", created("pods", a_pod(**case.spec))) == case.refusals


def test_taints() -> None:
    taints = [
        {"key": "a", "value": "b", "effect": "NoSchedule"},
        {"key": "a", "effect": "NoExecute"},
        {"key": "a", "effect": "NoSchedule"},
        {"key": "b"},
        {"key": "b", "effect": "Never", "value": "c d"},
    ]
    assert refusals("nodes", in_cluster("n", spec={"taints": taints})) == [
        (
            'metadata.taints[2]: Duplicate value: core.Taint{Key:"a", Value:"", '
            'Effect:"NoSchedule", '
            "TimeAdded:<nil>}: taints must be unique by key and effect pair"
        ),
        "metadata.taints[3].effect: Required value",
        f'metadata.taints[4].value: Invalid value: "c d": {label_value("c d")[0]}',
        (
            'metadata.taints[4].effect: Unsupported value: "Never": supported values: '
            '"NoSchedule", '
            '"PreferNoSchedule", "NoExecute"'
        ),
    ]

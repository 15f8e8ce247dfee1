"""Rules of ResourceQuotas and LimitRanges."""

from typing import Any, NamedTuple

import pytest

from netemu.model.names import qualified_name
from tests.support.objects import created, named, refusals


class Case(NamedTuple):
    name: str
    spec: dict[str, Any]
    refusals: list[str]


def scope(name: str, operator: str, *values: str) -> dict[str, Any]:
    item = {"scopeName": name, "operator": operator, "values": list(values)}
    return {"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [item]}}


BOTH = '[]core.ResourceQuotaScope{"BestEffort", "NotBestEffort"}'
AT = "spec.scopeSelector.matchExpressions"
QUOTAS = [
    Case(
        "all there is",
        {"hard": {"pods": "1", "requests.cpu": "1", "count/jobs.batch": "2", "limits.memory": 0}},
        [],
    ),
    Case("hugepages", {"hard": {"requests.hugepages-2Mi": "1Gi"}}, []),
    Case("a class of storage", {"hard": {"a.storageclass.storage.k8s.io/requests.storage": 1}}, []),
    Case(
        "an unknown name",
        {"hard": {"tables": "1"}},
        [
            (
                'spec.hard[tables]: Invalid value: "tables": must be a standard resource type or '
                "fully qualified"
            ),
            'spec.hard[tables]: Invalid value: "tables": must be a standard resource for quota',
        ],
    ),
    Case(
        "no quantity of quotas",
        {"hard": {"storage": "1"}},
        ['spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota'],
    ),
    Case(
        "less than nothing, and half a pod",
        {"hard": {"cpu": "-1", "pods": "500m"}},
        [
            'spec.hard[cpu]: Invalid value: "-1": must be greater than or equal to 0',
            'spec.hard[pods]: Invalid value: "500m": must be an integer',
        ],
    ),
    Case(
        "scopes that exclude each other",
        {"hard": {"pods": "1"}, "scopes": ["BestEffort", "NotBestEffort"]},
        [f"spec.scopes: Invalid value: {BOTH}: conflicting scopes"],
    ),
    Case(
        "an unknown scope",
        {"hard": {}, "scopes": ["Best"]},
        ['spec.scopes: Invalid value: []core.ResourceQuotaScope{"Best"}: unsupported scope'],
    ),
    Case(
        "a scope of pods for Services",
        {"hard": {"services": "1"}, "scopes": ["Terminating"]},
        [
            (
                'spec.scopes: Invalid value: []core.ResourceQuotaScope{"Terminating"}: '
                "unsupported scope applied to resource"
            )
        ],
    ),
    Case(
        "an operator that asks for values",
        scope("PriorityClass", "In"),
        [
            (
                f"{AT}.values: Required value: must be at least one value when `operator` is 'In' "
                "or 'NotIn' for scope selector"
            )
        ],
    ),
    Case(
        "values for nothing",
        scope("PriorityClass", "Exists", "a"),
        [
            (
                f'{AT}.values: Invalid value: []string{{"a"}}: must be no value when `operator` is '
                "'Exist' or 'DoesNotExist' for scope selector"
            )
        ],
    ),
    Case(
        "an unknown operator",
        scope("PriorityClass", "Like", "a"),
        [f'{AT}.operator: Invalid value: "Like": not a valid selector operator'],
    ),
    Case(
        "a scope that has no values",
        scope("Terminating", "In", "a"),
        [
            (
                f"{AT}.operator: Invalid value: \"In\": must be 'Exist' when scope is any of "
                "ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
                "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or "
                "ResourceQuotaScopeCrossNamespacePodAffinity"
            )
        ],
    ),
]


@pytest.mark.parametrize("case", QUOTAS, ids=lambda case: case.name)
def test_quotas(case: Case) -> None:
    assert refusals("resourcequotas", created("resourcequotas", named(spec=case.spec))) == (
        case.refusals
    )


def test_a_quotas_scopes_stay() -> None:
    old = created("resourcequotas", named(spec={"hard": {"pods": "1"}}))
    new = created("resourcequotas", named(spec={"hard": {"pods": "1"}, "scopes": ["Terminating"]}))
    old["metadata"]["resourceVersion"] = new["metadata"]["resourceVersion"] = "1"
    assert refusals("resourcequotas", new, old) == [
        ('spec.scopes: Invalid value: []core.ResourceQuotaScope{"Terminating"}: field is immutable')
    ]


def quantity(value: int, scale: int, text: str, kind: str = "DecimalSI") -> str:
    return (
        f"resource.Quantity{{i:resource.int64Amount{{value:{value}, scale:{scale}}}, "
        f'd:resource.infDecAmount{{Dec:(*inf.Dec)(nil)}}, s:"{text}", Format:"{kind}"}}'
    )


def limits(kind: str, **lists: Any) -> dict[str, Any]:
    return {"limits": [{"type": kind, **lists}]}


L0 = "spec.limits[0]"
RANGES = [
    Case(
        "usual",
        limits("Container", max={"cpu": "2"}, min={"cpu": "100m"}, default={"cpu": "1"}),
        [],
    ),
    Case(
        "of no type",
        limits("Crate"),
        [(f'{L0}.type: Invalid value: "Crate": must be a standard limit type or fully qualified')],
    ),
    Case(
        "of a bad type",
        limits("a b"),
        [f'{L0}.type: Invalid value: "a b": {qualified_name("a b")[0]}'],
    ),
    Case(
        "one type twice",
        {"limits": [{"type": "Pod"}, {"type": "Pod"}]},
        ['spec.limits[1].type: Duplicate value: "Pod"'],
    ),
    Case(
        "defaults of pods",
        limits("Pod", default={"cpu": "1"}, defaultRequest={"cpu": "1"}),
        [
            f"{L0}.default: Forbidden: may not be specified when `type` is 'Pod'",
            f"{L0}.defaultRequest: Forbidden: may not be specified when `type` is 'Pod'",
        ],
    ),
    Case(
        "claims without a size",
        limits("PersistentVolumeClaim", default={"storage": "1"}),
        [
            (
                f"{L0}.limits: Required value: either minimum or maximum storage value is "
                "required, but neither was provided"
            )
        ],
    ),
    Case(
        "less than the least",
        limits("Pod", min={"memory": "1Gi"}, max={"memory": "512Mi"}),
        [
            (
                f"{L0}.min[memory]: Invalid value: "
                f"{quantity(1 << 30, 0, '1Gi', 'BinarySI')}: "
                "min value 1Gi is greater than max value 512Mi"
            )
        ],
    ),
    Case(
        "a default that is too much",
        limits("Container", max={"cpu": "500m"}, default={"cpu": "1"}, defaultRequest={"cpu": "0"}),
        [
            (
                f"{L0}.default[cpu]: Invalid value: {quantity(500, -3, '500m')}: "
                "default value 1 is greater than max value 500m"
            )
        ],
    ),
    Case(
        "a ratio below one",
        limits("Pod", maxLimitRequestRatio={"cpu": "500m"}),
        [
            (
                f"{L0}.maxLimitRequestRatio[cpu]: Invalid value: {quantity(500, -3, '500m')}: "
                "ratio 500m is less than 1"
            )
        ],
    ),
    Case(
        "a ratio that can't be reached",
        limits("Pod", min={"cpu": "1"}, max={"cpu": "2"}, maxLimitRequestRatio={"cpu": "3"}),
        [
            (
                f"{L0}.maxLimitRequestRatio[cpu]: Invalid value: {quantity(3, 0, '3')}: "
                "ratio 3 is greater than max/min = 2.000000"
            )
        ],
    ),
]


@pytest.mark.parametrize("case", RANGES, ids=lambda case: case.name)
def test_ranges(case: Case) -> None:
    assert refusals("limitranges", created("limitranges", named(spec=case.spec))) == case.refusals

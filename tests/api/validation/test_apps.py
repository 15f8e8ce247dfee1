from typing import Any, NamedTuple

import pytest

from netemu.model.names import dns_label, label_value, percent
from tests.support.objects import a_deployment, changed, created, refusals

NO_EXPRESSIONS = "MatchExpressions:[]v1.LabelSelectorRequirement(nil)"
SELECTOR = f'v1.LabelSelector{{MatchLabels:map[string]string{{"app":"other"}}, {NO_EXPRESSIONS}}}'
EMPTY = f"v1.LabelSelector{{MatchLabels:map[string]string(nil), {NO_EXPRESSIONS}}}"
MISMATCH = "`selector` does not match template `labels`"


class Case(NamedTuple):
    name: str
    spec: dict[str, Any]
    refusals: list[str]


def rolling(**fields: Any) -> dict[str, Any]:
    return {"strategy": {"type": "RollingUpdate", "rollingUpdate": fields}}


ROLLING = "spec.strategy.rollingUpdate"
CASES = [
    Case("usual", {}, []),
    Case(
        "by expression",
        {"selector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}},
        [],
    ),
    Case("all at once", {"strategy": {"type": "Recreate"}}, []),
    Case(
        "no selector",
        {"selector": None},
        [
            "spec.selector: Required value",
            (
                'spec.template.metadata.labels: Invalid value: map[string]string{"app":"web"}: '
                f"{MISMATCH}"
            ),
        ],
    ),
    Case(
        "an empty selector",
        {"selector": {}},
        [f"spec.selector: Invalid value: {EMPTY}: empty selector is invalid for deployment"],
    ),
    Case(
        "a selector for others",
        {"selector": {"matchLabels": {"app": "other"}}},
        [
            (
                'spec.template.metadata.labels: Invalid value: map[string]string{"app":"web"}: '
                f"{MISMATCH}"
            )
        ],
    ),
    Case(
        "a selector that can't be",
        {"selector": {"matchLabels": {"app": "o o"}}},
        [
            f'spec.selector.matchLabels: Invalid value: "o o": {label_value("o o")[0]}',
            (
                "spec.selector: Invalid value: "
                f"{SELECTOR.replace('other', 'o o')}: invalid label selector"
            ),
        ],
    ),
    Case(
        "fewer than none",
        {"replicas": -1, "minReadySeconds": -1, "revisionHistoryLimit": -1},
        [
            f"spec.{key}: Invalid value: -1: must be greater than or equal to 0"
            for key in ("replicas", "minReadySeconds", "revisionHistoryLimit")
        ],
    ),
    Case(
        "late before it is ready",
        {"progressDeadlineSeconds": 10, "minReadySeconds": 10},
        ["spec.progressDeadlineSeconds: Invalid value: 10: must be greater than minReadySeconds"],
    ),
    Case(
        "another strategy",
        {"strategy": {"type": "Hope"}},
        [
            (
                'spec.strategy: Unsupported value: apps.DeploymentStrategy{Type:"Hope", '
                "RollingUpdate:(*apps.RollingUpdateDeployment)(nil)}: supported values: "
                '"Recreate", "RollingUpdate"'
            )
        ],
    ),
    Case(
        "recreated bit by bit",
        {"strategy": {"type": "Recreate", "rollingUpdate": {}}},
        [
            f"{ROLLING}: Forbidden: may not be specified when strategy `type` is 'Recreate'",
        ],
    ),
    Case(
        "no way forward",
        rolling(maxSurge=0, maxUnavailable="0%"),
        [
            (
                f"{ROLLING}.maxUnavailable: Invalid value: intstr.IntOrString{{Type:1, IntVal:0, "
                'StrVal:"0%"}: may not be 0 when `maxSurge` is 0'
            )
        ],
    ),
    Case(
        "shares that can't be",
        rolling(maxSurge="ten", maxUnavailable="101%"),
        [
            (
                f"{ROLLING}.maxSurge: Invalid value: intstr.IntOrString{{Type:1, IntVal:0, "
                f'StrVal:"ten"}}: {percent("ten")[0]}'
            ),
            (
                f"{ROLLING}.maxUnavailable: Invalid value: intstr.IntOrString{{Type:1, IntVal:0, "
                'StrVal:"101%"}: must not be greater than 100%'
            ),
        ],
    ),
    Case(
        "numbers below zero",
        rolling(maxSurge=-1, maxUnavailable=1),
        [f"{ROLLING}.maxSurge: Invalid value: -1: must be greater than or equal to 0"],
    ),
    Case("twice as many", rolling(maxSurge="200%", maxUnavailable=0), []),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_deployments(case: Case) -> None:
    deployment = created("deployments.apps", a_deployment(**case.spec))
    assert refusals("deployments.apps", deployment) == case.refusals


@pytest.mark.parametrize("resource", ["deployments.apps", "replicasets.apps"])
def test_pods_of_a_workload_run_until_they_are_stopped(resource: str) -> None:
    obj = a_deployment()
    obj["spec"]["template"]["spec"].update(restartPolicy="Never", activeDeadlineSeconds=5)
    assert refusals(resource, created(resource, obj)) == [
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
        (
            "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in "
            "ReplicaSet "
            "is not Supported"
        ),
    ]


@pytest.mark.parametrize("resource", ["deployments.apps", "replicasets.apps"])
def test_a_selector_stays(resource: str) -> None:
    old = created(resource, a_deployment())
    assert refusals(resource, changed(old, "spec.replicas", 5), old) == []
    new = changed(old, "spec.selector", {"matchLabels": {"app": "other"}})
    new = changed(new, "spec.template.metadata.labels.app", "other")
    assert refusals(resource, new, old) == [
        f"spec.selector: Invalid value: {SELECTOR}: field is immutable"
    ]


def test_an_update_is_judged_like_a_new_object() -> None:
    old = created("deployments.apps", a_deployment())
    new = changed(old, "spec.template.spec.containers.0.name", "A")
    assert refusals("deployments.apps", new, old) == [
        f'spec.template.spec.containers[0].name: Invalid value: "A": {dns_label("A")[0]}'
    ]


def stateful(**spec: Any) -> list[str]:
    return refusals("statefulsets.apps", created("statefulsets.apps", a_deployment(**spec)))


def test_stateful_sets() -> None:
    assert stateful(serviceName="web") == []
    assert stateful(
        podManagementPolicy="Random",
        updateStrategy={"type": "Hope"},
        replicas=-1,
        persistentVolumeClaimRetentionPolicy={"whenScaled": "Burn"},
        selector={},
    ) == [
        "spec.podManagementPolicy: Invalid value: \"Random\": must be 'OrderedReady' or 'Parallel'",
        (
            'spec.updateStrategy: Invalid value: apps.StatefulSetUpdateStrategy{Type:"Hope", '
            "RollingUpdate:(*apps.RollingUpdateStatefulSetStrategy)(nil)}: must be "
            "'RollingUpdate' or "
            "'OnDelete'"
        ),
        (
            'spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Burn": '
            'supported values: "Retain", "Delete"'
        ),
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
        f"spec.selector: Invalid value: {EMPTY}: empty selector is invalid for statefulset",
    ]
    assert stateful(updateStrategy={"type": "OnDelete", "rollingUpdate": {"partition": 1}}) == [
        (
            "spec.updateStrategy.rollingUpdate: Invalid value: "
            "apps.RollingUpdateStatefulSetStrategy{Partition:1, "
            "MaxUnavailable:(*intstr.IntOrString)(nil)}: only allowed for updateStrategy "
            "'RollingUpdate'"
        )
    ]


def test_most_of_a_stateful_set_stays() -> None:
    old = created("statefulsets.apps", a_deployment(serviceName="web"))
    grown = changed(old, "spec.replicas", 3)
    moved = changed(old, "spec.serviceName", "other")
    assert refusals("statefulsets.apps", grown, old) == []
    assert refusals("statefulsets.apps", moved, old) == [
        (
            "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', "
            "'ordinals', 'template', 'updateStrategy', 'persistentVolumeClaimRetentionPolicy' and "
            "'minReadySeconds' are forbidden"
        )
    ]

from typing import Any

import pytest

from tests.support.objects import a_pod, changed, created, refusals

OLD = created(
    "pods",
    a_pod(
        nodeName="n",
        activeDeadlineSeconds=60,
        initContainers=[{"name": "init", "image": "a"}],
        tolerations=[{"key": "a", "operator": "Exists", "effect": "NoExecute"}],
    ),
)
GATED = created("pods", a_pod(schedulingGates=[{"name": "a"}], nodeSelector={"x": "1"}))
FREE = created("pods", a_pod())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.containers.0.image", "nginx:2"),
        ("spec.initContainers.0.image", "b"),
        ("spec.activeDeadlineSeconds", 30),
        ("spec.tolerations", [*OLD["spec"]["tolerations"], {"operator": "Exists"}]),
        ("spec.tolerations.0.tolerationSeconds", 5),
        ("metadata.labels", {"a": "b"}),
        ("status.phase", "Running"),
    ],
)
def test_these_may_change(path: str, value: Any) -> None:
    assert refusals("pods", changed(OLD, path, value), OLD) == []


def test_a_pod_may_be_bound_once() -> None:
    (refusal,) = refusals("pods", changed(FREE, "spec.nodeName", "n"), FREE)
    assert "pod updates may not change fields other than" in refusal
    (refusal,) = refusals("pods", changed(OLD, "spec.nodeName", "m"), OLD)
    assert refusal.startswith("spec: Forbidden: pod updates may not change fields other than ")


def test_the_rest_stays_and_the_difference_is_shown() -> None:
    assert refusals("pods", changed(OLD, "spec.hostname", "other"), OLD) == [
        (
            "spec: Forbidden: pod updates may not change fields other than "
            "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
            "`spec.tolerations` (only additions to existing tolerations),"
            "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously "
            "negative)\n"
            "  core.PodSpec{\n"
            "- \tHostname: nil,\n"
            '+ \tHostname: "other",\n'
            "  \t... // other fields are identical\n"
            "  }\n"
        )
    ]


def test_containers_neither_come_nor_go() -> None:
    more = [*OLD["spec"]["containers"], {**OLD["spec"]["containers"][0], "name": "b"}]
    assert refusals("pods", changed(OLD, "spec.containers", more), OLD) == [
        "spec.containers: Forbidden: pod updates may not add or remove containers"
    ]


@pytest.mark.parametrize(
    ("value", "refusal"),
    [
        (61, "Invalid value: 61: must be less than or equal to previous value"),
        (None, 'Invalid value: "null": must not update from a positive integer to nil value'),
    ],
)
def test_a_deadline_only_comes_nearer(value: int | None, refusal: str) -> None:
    told = refusals("pods", changed(OLD, "spec.activeDeadlineSeconds", value), OLD)
    assert told[0] == f"spec.activeDeadlineSeconds: {refusal}"


def test_tolerations_are_only_added() -> None:
    assert refusals("pods", changed(OLD, "spec.tolerations", []), OLD) == [
        (
            "spec.tolerations: Forbidden: existing toleration can not be modified except its "
            "tolerationSeconds"
        )
    ]


def test_gates_are_only_lifted() -> None:
    assert refusals("pods", changed(GATED, "spec.schedulingGates", []), GATED) == []
    assert refusals("pods", changed(GATED, "spec.schedulingGates", [{"name": "b"}]), GATED) == [
        (
            "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new "
            "scheduling gate 'b'"
        )
    ]


def test_a_gated_pod_may_become_choosier() -> None:
    choosier = changed(GATED, "spec.nodeSelector", {"x": "1", "y": "2"})
    assert refusals("pods", choosier, GATED) == []
    assert refusals("pods", changed(GATED, "spec.nodeSelector", {"x": "2"}), GATED) == [
        (
            'spec.nodeSelector: Invalid value: map[string]string{"x":"2"}: only additions to '
            "spec.nodeSelector are allowed (no mutations or deletions)"
        )
    ]

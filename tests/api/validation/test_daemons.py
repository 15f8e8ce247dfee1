from typing import Any

import pytest

from tests.support.objects import a_deployment, changed, created, refusals

DAEMON_SETS = "daemonsets.apps"
ROLLING = "spec.updateStrategy.rollingUpdate"


def refused(strategy: dict[str, Any]) -> list[str]:
    obj = a_deployment(updateStrategy=strategy)
    return refusals(DAEMON_SETS, created(DAEMON_SETS, obj))


@pytest.mark.parametrize(
    ("strategy", "wrong"),
    [
        ({}, []),
        ({"type": "OnDelete"}, []),
        (
            {"type": "Hope"},
            [
                (
                    'spec.updateStrategy.type: Unsupported value: "Hope": supported values: '
                    '"OnDelete", "RollingUpdate"'
                )
            ],
        ),
        (
            {"rollingUpdate": {"maxUnavailable": 0}},
            [f"{ROLLING}.maxUnavailable: Required value: cannot be 0 when maxSurge is 0"],
        ),
        ({"rollingUpdate": {"maxUnavailable": 0, "maxSurge": "50%"}}, []),
        (
            {"rollingUpdate": {"maxSurge": 1}},
            [
                (
                    f"{ROLLING}.maxSurge: Invalid value: intstr.IntOrString{{Type:0, IntVal:1, "
                    'StrVal:""}: may not be set when `maxUnavailable` is non-zero'
                )
            ],
        ),
    ],
)
def test_update_strategies(strategy: dict[str, Any], wrong: list[str]) -> None:
    assert refused(strategy) == wrong


def test_the_selector_stays() -> None:
    old = created(DAEMON_SETS, a_deployment())
    assert old["spec"]["updateStrategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0},
    }
    moved = changed(old, "spec.selector.matchLabels.app", "web2")
    moved = changed(moved, "spec.template.metadata.labels.app", "web2")
    [cause] = refusals(DAEMON_SETS, moved, old)
    assert cause.endswith("field is immutable")


def test_its_pods_never_end() -> None:
    obj = created(DAEMON_SETS, a_deployment())
    once = changed(obj, "spec.template.spec.restartPolicy", "Never")
    assert refusals(DAEMON_SETS, once) == [
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'
    ]

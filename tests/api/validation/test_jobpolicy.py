"""Policies of Jobs that are refused."""

from typing import Any

import pytest

from tests.api.validation.test_batch import job

EXITS = {"operator": "In", "values": [1, 2]}


def failure(*rules: Any, **spec: Any) -> list[str]:
    return job(podFailurePolicy={"rules": list(rules)}, **spec)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"action": "FailJob", "onExitCodes": EXITS}, ""),
        ({"action": "Odd", "onExitCodes": EXITS}, '.action: Unsupported value: "Odd"'),
        ({"action": "FailIndex", "onExitCodes": EXITS}, ".action: Invalid value"),
        ({"action": "Ignore"}, ": Invalid value: {…}: specifying one of OnExitCodes"),
        (
            {"action": "Count", "onExitCodes": {"operator": "In", "values": [2, 1]}},
            ".onExitCodes.values: Invalid value: []int32{2, 1}: must be ordered",
        ),
        (
            {"action": "Count", "onExitCodes": {"operator": "In", "values": [0]}},
            ".onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator",
        ),
        (
            {"action": "Count", "onExitCodes": {**EXITS, "containerName": "nope"}},
            '.onExitCodes.containerName: Invalid value: "nope": must be one of the container',
        ),
    ],
)
def test_rules_for_failures(rule: Any, said: str) -> None:
    found = failure(rule)
    if not said:
        assert found == []
    else:
        assert found[0].startswith(f"spec.podFailurePolicy.rules[0]{said}")


def test_they_want_pods_that_are_not_restarted() -> None:
    found = failure({"action": "FailJob", "onExitCodes": EXITS}, restart="OnFailure")
    (said,) = found
    assert said.startswith('spec.template.spec.restartPolicy: Invalid value: "OnFailure": only')


INDEXED = {"completionMode": "Indexed", "completions": 4}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"succeededIndexes": "0-2", "succeededCount": 2}, ""),
        ({}, "at least one of succeededCount or succeededIndexes must be specified"),
        ({"succeededCount": 5}, "must be less than or equal to 4"),
        ({"succeededIndexes": "x"}, "error parsing succeededIndexes"),
    ],
)
def test_rules_for_success(rule: Any, said: str) -> None:
    found = job(successPolicy={"rules": [rule]}, **INDEXED)
    assert (said in found[0]) if said else found == []


def test_success_by_rules_wants_indexes() -> None:
    (found, *_) = job(successPolicy={"rules": [{"succeededCount": 1}]})
    assert found.endswith("requires indexed completion mode")

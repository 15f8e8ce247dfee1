"""Rules of a Job's podFailurePolicy and successPolicy (pkg/apis/batch/validation)."""

from typing import Final

from netemu.api.validation import field
from netemu.api.validation.field import Causes, Path
from netemu.api.validation.goformat import Literal
from netemu.model import indexes
from netemu.model.meta import Object

MOST_RULES: Final = 20
MOST_EXIT_CODES: Final = 255
MOST_PATTERNS: Final = 20
_SHOWN: Final = Literal("{…}")
"""Go would print the whole rule."""
_ACTIONS: Final = ("Count", "FailIndex", "FailJob", "Ignore")


def failure_policy(spec: Object, path: Path) -> Causes:
    """The rules by which failed pods are judged."""
    policy = spec.get("podFailurePolicy")
    if policy is None:
        return
    rules, below = policy.get("rules") or [], path.child("podFailurePolicy", "rules")
    if len(rules) > MOST_RULES:
        yield field.too_many(below, len(rules), MOST_RULES)
    known = _containers(spec)
    for number, rule in enumerate(rules):
        yield from _failure_rule(rule, below.index(number), spec, known)


def _containers(spec: Object) -> set[str]:
    pod = (spec.get("template") or {}).get("spec") or {}
    items = [*(pod.get("containers") or ()), *(pod.get("initContainers") or ())]
    return {item.get("name", "") for item in items}


def _failure_rule(rule: Object, path: Path, spec: Object, known: set[str]) -> Causes:
    action = rule.get("action", "")
    if not action:
        yield field.required(path.child("action"), "valid values: " + ", ".join(
            f'"{item}"' for item in _ACTIONS))  # fmt: skip
    elif action not in _ACTIONS:
        yield field.not_supported(path.child("action"), action, _ACTIONS)
    elif action == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
        rule_text = "requires the backoffLimitPerIndex to be set"
        yield field.invalid(path.child("action"), action, rule_text)
    codes, patterns = rule.get("onExitCodes"), rule.get("onPodConditions") or []
    if codes is not None:
        yield from _exit_codes(codes, path.child("onExitCodes"), known)
    if len(patterns) > MOST_PATTERNS:
        yield field.too_many(path.child("onPodConditions"), len(patterns), MOST_PATTERNS)
    if codes is not None and patterns:
        said = "specifying both OnExitCodes and OnPodConditions is not supported"
        yield field.invalid(path, _SHOWN, said)
    elif codes is None and not patterns:
        said = "specifying one of OnExitCodes and OnPodConditions is required"
        yield field.invalid(path, _SHOWN, said)


def _exit_codes(codes: Object, path: Path, known: set[str]) -> Causes:
    operator, values = codes.get("operator", ""), codes.get("values") or []
    if not operator:
        yield field.required(path.child("operator"), 'valid values: "In", "NotIn"')
    elif operator not in ("In", "NotIn"):
        yield field.not_supported(path.child("operator"), operator, ("In", "NotIn"))
    name = codes.get("containerName")
    if name is not None and name not in known:
        said = "must be one of the container or initContainer names in the pod template"
        yield field.invalid(path.child("containerName"), name, said)
    below = path.child("values")
    if not values:
        yield field.invalid(below, _numbers(values), "at least one value is required")
    elif len(values) > MOST_EXIT_CODES:
        yield field.too_many(below, len(values), MOST_EXIT_CODES)
    for number, value in enumerate(values):
        if operator == "In" and value == 0:
            yield field.invalid(below.index(number), value, "must not be 0 for the In operator")
        if value in values[:number]:
            yield field.duplicate(below.index(number), value)
    if values != sorted(values):
        yield field.invalid(below, _numbers(values), "must be ordered")


def _numbers(values: list[int]) -> Literal:
    return Literal(f"[]int32{{{', '.join(map(str, values))}}}")


def success_policy(spec: Object, path: Path) -> Causes:
    """The rules by which an Indexed Job has succeeded before all its indexes have."""
    policy = spec.get("successPolicy")
    if policy is None:
        return
    rules, below = policy.get("rules") or [], path.child("successPolicy", "rules")
    if spec.get("completionMode") != "Indexed":
        yield field.invalid(path.child("successPolicy"), _SHOWN,
                            "requires indexed completion mode")  # fmt: skip
    if not rules:
        yield field.required(below, "at least one rules must be specified when the successPolicy "
                             "is specified")  # fmt: skip
    if len(rules) > MOST_RULES:
        yield field.too_many(below, len(rules), MOST_RULES)
    for number, rule in enumerate(rules):
        yield from _success_rule(rule, below.index(number), spec.get("completions") or 0)


def _success_rule(rule: Object, path: Path, completions: int) -> Causes:
    count, text = rule.get("succeededCount"), rule.get("succeededIndexes")
    if count is None and text is None:
        yield field.required(path, "at least one of succeededCount or succeededIndexes must be "
                             "specified")  # fmt: skip
    if count is not None and count < 1:
        yield field.invalid(path.child("succeededCount"), count, "must be greater than 0")
    meant = completions
    if text is not None:
        try:
            meant = len(indexes.parse(text, completions))
        except ValueError as error:
            said = f"error parsing succeededIndexes: {error}"
            yield field.invalid(path.child("succeededIndexes"), text, said)
            return
    if count is not None and count > meant:
        said = f"must be less than or equal to {meant} (the number of specified completions)"
        yield field.invalid(path.child("succeededCount"), count, said)

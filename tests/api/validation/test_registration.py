"""Rules of webhook configurations and admission policies."""

from typing import Any, NamedTuple

import pytest

from netemu.api.validation import validate
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY
from tests.support.objects import changed, created, in_cluster, told

GROUP = "admissionregistration.k8s.io"
WEBHOOKS = f"validatingwebhookconfigurations.{GROUP}"
POLICIES = f"validatingadmissionpolicies.{GROUP}"
BINDINGS = f"validatingadmissionpolicybindings.{GROUP}"
RULE: Object = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "operations": ["CREATE"],
    "resources": ["pods"],
}
HOOK: Object = {
    "name": "check.example.com",
    "admissionReviewVersions": ["v1"],
    "sideEffects": "None",
    "clientConfig": {"service": {"name": "a", "namespace": "b"}},
    "rules": [RULE],
}
URL = "; desired format: https://host[/path]"


class Case(NamedTuple):
    name: str
    changes: dict[str, Any]
    refusals: list[str]


def refusals(key: str, obj: Object) -> list[str]:
    full = {**created(key, obj), "kind": BY_KEY[key].kind}
    return told(validate(BY_KEY[key], full, None))


def altered(obj: Object, changes: dict[str, Any]) -> Object:
    for path, value in changes.items():
        obj = changed(obj, path, value)
    return obj


HOOKS = [
    Case("usual", {}, []),
    Case("no name", {"name": None}, ["name: Required value"]),
    Case(
        "a short name",
        {"name": "a.b"},
        [
            (
                'name: Invalid value: "a.b": should be a domain with at least three segments '
                "separated by dots"
            )
        ],
    ),
    Case(
        "no versions",
        {"admissionReviewVersions": []},
        ["admissionReviewVersions: Required value: must specify one of v1, v1beta1"],
    ),
    Case(
        "other versions",
        {"admissionReviewVersions": ["v2", "v2"]},
        [
            'admissionReviewVersions[1]: Invalid value: "v2": duplicate version',
            (
                'admissionReviewVersions: Invalid value: []string{"v2", "v2"}: must include at '
                "least one of v1, v1beta1"
            ),
        ],
    ),
    Case(
        "effects nobody tells",
        {"sideEffects": None},
        ["sideEffects: Required value: must specify one of None, NoneOnDryRun"],
    ),
    Case(
        "unknown words",
        {"failurePolicy": "Cry", "matchPolicy": "Fuzzy", "sideEffects": "Some"},
        [
            'failurePolicy: Unsupported value: "Cry": supported values: "Fail", "Ignore"',
            'matchPolicy: Unsupported value: "Fuzzy": supported values: "Equivalent", "Exact"',
            'sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
        ],
    ),
    Case(
        "a long wait",
        {"timeoutSeconds": 31},
        ["timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds"],
    ),
    Case(
        "nowhere to ask",
        {"clientConfig": {}},
        ["clientConfig: Required value: exactly one of url or service is required"],
    ),
    Case(
        "a plain URL",
        {"clientConfig": {"url": "http://me@host/?a#b"}},
        [
            (
                "clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL "
                f"scheme{URL}"
            ),
            ('clientConfig.url: Invalid value: "me": user information is not permitted in the URL'),
            'clientConfig.url: Invalid value: "b": fragments are not permitted in the URL',
            'clientConfig.url: Invalid value: "a": query parameters are not permitted in the URL',
        ],
    ),
    Case(
        "a Service of nothing",
        {"clientConfig": {"service": {"port": 0, "path": "x"}}},
        [
            "clientConfig.service.name: Required value: service name is required",
            "clientConfig.service.namespace: Required value: service namespace is required",
            (
                "clientConfig.service.port: Invalid value: 0: port is not valid: must be between 1 "
                "and 65535, inclusive"
            ),
            "clientConfig.service.path: Invalid value: \"x\": must start with a '/'",
        ],
    ),
    Case(
        "a rule for nothing",
        {"rules": [{}]},
        [
            f"rules[0].{key}: Required value"
            for key in ("operations", "apiGroups", "apiVersions", "resources")
        ],
    ),
    Case(
        "all and more",
        {
            "rules": [
                {
                    "operations": ["*", "CREATE"],
                    "apiGroups": ["*", ""],
                    "apiVersions": ["v1"],
                    "resources": ["*", "pods"],
                }
            ]
        },
        [
            (
                'rules[0].operations: Invalid value: []string{"*", "CREATE"}: if \'*\' is present, '
                "must not specify other operations"
            ),
            (
                'rules[0].apiGroups: Invalid value: []string{"*", ""}: if \'*\' is present, '
                "must not specify other API groups"
            ),
            (
                'rules[0].resources: Invalid value: []string{"*", "pods"}: if \'*\' is present, '
                "must not specify other resources without subresources"
            ),
        ],
    ),
    Case(
        "an unknown operation",
        {"rules.0.operations": ["READ"]},
        [
            (
                'rules[0].operations[0]: Unsupported value: "READ": supported values: "*", '
                '"CONNECT", "CREATE", "DELETE", "UPDATE"'
            )
        ],
    ),
]


@pytest.mark.parametrize("case", HOOKS, ids=lambda case: case.name)
def test_webhooks(case: Case) -> None:
    found = refusals(WEBHOOKS, in_cluster(webhooks=[altered(HOOK, case.changes)]))
    assert found == [f"webhooks[0].{said}" for said in case.refusals]


def test_no_two_webhooks_have_one_name() -> None:
    assert refusals(WEBHOOKS, in_cluster(webhooks=[HOOK, HOOK])) == [
        'webhooks[1].name: Duplicate value: "check.example.com"'
    ]


POLICY: Object = {
    "matchConstraints": {"resourceRules": [RULE]},
    "validations": [{"expression": "true"}],
}
EITHER = "validations or auditAnnotations must contain at least one item"


@pytest.mark.parametrize(
    "case",
    [
        Case("usual", {}, []),
        Case("about nothing", {"matchConstraints": None}, ["matchConstraints: Required value"]),
        Case(
            "of no rules",
            {"matchConstraints": {}},
            ["matchConstraints.resourceRules: Required value"],
        ),
        Case(
            "that says nothing",
            {"validations": None},
            [
                f"validations: Required value: {EITHER}",
                f"auditAnnotations: Required value: {EITHER}",
            ],
        ),
        Case(
            "of an empty expression",
            {"validations": [{"expression": " "}]},
            ["validations[0].expression: Required value: expression is not specified"],
        ),
        Case(
            "with parameters of no kind",
            {"paramKind": {}},
            ["paramKind.apiVersion: Required value", "paramKind.kind: Required value"],
        ),
    ],
    ids=lambda case: case.name,
)
def test_policies(case: Case) -> None:
    found = refusals(POLICIES, in_cluster(spec=altered(POLICY, case.changes)))
    assert found == [f"spec.{said}" for said in case.refusals]


@pytest.mark.parametrize(
    "case",
    [
        Case("usual", {}, []),
        Case("of nothing", {"policyName": None}, ["policyName: Required value"]),
        Case(
            "without action",
            {"validationActions": []},
            ["validationActions: Required value: at least one validation action is required"],
        ),
        Case(
            "of two minds",
            {"validationActions": ["Deny", "Warn", "Warn"]},
            [
                'validationActions[2]: Duplicate value: "Warn"',
                (
                    'validationActions: Invalid value: []string{"Deny", "Warn", "Warn"}: must not '
                    "contain both Deny and Warn (repeating the same validation failure information "
                    "in the API response and headers serves no purpose)"
                ),
            ],
        ),
    ],
    ids=lambda case: case.name,
)
def test_bindings(case: Case) -> None:
    usual = {"policyName": "p", "validationActions": ["Deny"]}
    found = refusals(BINDINGS, in_cluster(spec=altered(usual, case.changes)))
    assert found == [f"spec.{said}" for said in case.refusals]

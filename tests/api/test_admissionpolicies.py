"""Admission policies in effect: what they refuse, in which words, and what they leave alone."""

from typing import Any

import pytest

from netemu.model.meta import Object
from tests.support.api import Cluster

GROUP = "/apis/admissionregistration.k8s.io/v1"
MAPS = "/api/v1/namespaces/default/configmaps"


def policy(expression: str, **spec: Any) -> Object:
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["configmaps"],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "p.example"},
        "spec": {
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": expression}],
            **spec,
        },
    }


def binding(**spec: Any) -> Object:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "b.example"},
        "spec": {"policyName": "p.example", "validationActions": ["Deny"], **spec},
    }


def config(name: str = "c", **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


async def governed(cluster: Cluster, policy: Object, bound: Object | None = None) -> None:
    await cluster.json("POST", f"{GROUP}/validatingadmissionpolicies", policy)
    path = f"{GROUP}/validatingadmissionpolicybindings"
    await cluster.json("POST", path, bound or binding())


DENIED = "ValidatingAdmissionPolicy 'p.example' with binding 'b.example' denied request: "


async def test_what_a_policy_refuses(cluster: Cluster) -> None:
    await governed(cluster, policy("object.data.a == 'x'"))
    await cluster.json("POST", MAPS, config(a="x"))
    status = await cluster.refused("POST", MAPS, config("d", a="y"))
    message = f"{DENIED}failed expression: object.data.a == 'x'"
    assert status["message"] == f'configmaps "d" is forbidden: {message}'
    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert status["details"] == {
        "name": "d",
        "kind": "configmaps",
        "causes": [{"message": message}],
    }
    await cluster.refused("PUT", f"{MAPS}/c", config(a="y"))
    await cluster.json("DELETE", f"{MAPS}/c")


async def test_a_policy_that_nothing_binds_says_nothing(cluster: Cluster) -> None:
    await cluster.json("POST", f"{GROUP}/validatingadmissionpolicies", policy("false"))
    await cluster.json("POST", MAPS, config())


async def test_when_the_policy_goes_so_does_its_objection(cluster: Cluster) -> None:
    await governed(cluster, policy("false"))
    await cluster.refused("POST", MAPS, config())
    await cluster.json("DELETE", f"{GROUP}/validatingadmissionpolicies/p.example")
    await cluster.json("POST", MAPS, config())


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            {"validations": [{"expression": "1 > 2", "message": "no", "reason": "Forbidden"}]},
            "no",
        ),
        (
            {"validations": [{"expression": "1 > 2", "messageExpression": "'a' + request.name"}]},
            "ac",
        ),
        (
            {
                "variables": [
                    {"name": "a", "expression": "object.data.a"},
                    {"name": "b", "expression": "variables.a + '!'"},
                ],
                "validations": [{"expression": "variables.b != 'x!'", "message": "b"}],
            },
            "b",
        ),
        (
            {"validations": [{"expression": "object.data.b == 'x'"}]},
            "expression 'object.data.b == 'x'' resulted in error: no such key: b",
        ),
        (
            {"validations": [{"expression": "request.userInfo.username == 'x'", "message": "who"}]},
            "who",
        ),
        (
            {
                "validations": [
                    {
                        "expression": "namespaceObject.metadata.name != 'default'",
                        "message": "where",
                    }
                ]
            },
            "where",
        ),
        (
            {
                "validations": [
                    {
                        "expression": "!authorizer.group('').resource('pods').check('a').allowed()",
                        "message": "may",
                    }
                ]
            },
            "may",
        ),
    ],
)
async def test_what_a_policy_says(cluster: Cluster, spec: Object, words: str) -> None:
    await governed(cluster, policy("true", **spec))
    status = await cluster.refused("POST", MAPS, config(a="x"))
    assert status["details"]["causes"] == [{"message": DENIED + words}]


@pytest.mark.parametrize(
    ("spec", "bound"),
    [
        ({"matchConditions": [{"name": "a", "expression": "object.data.a == 'z'"}]}, {}),
        ({"validations": [{"expression": "object.data.b == 'x'"}], "failurePolicy": "Ignore"}, {}),
        ({}, {"matchResources": {"namespaceSelector": {"matchLabels": {"a": "b"}}}}),
        ({}, {"matchResources": {"objectSelector": {"matchLabels": {"a": "b"}}}}),
        ({}, {"validationActions": ["Audit"]}),
        ({"matchConstraints": {"resourceRules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"],
             "resources": ["configmaps"]}]}}, {}),
    ],
)  # fmt: skip
async def test_what_a_policy_is_not_about(cluster: Cluster, spec: Object, bound: Object) -> None:
    await governed(cluster, policy("false", **spec), binding(**bound))
    await cluster.json("POST", MAPS, config(a="x"))


async def test_a_warning_is_no_refusal(cluster: Cluster) -> None:
    await governed(cluster, policy("false"), binding(validationActions=["Warn"]))
    answer = await cluster.whole("POST", MAPS, config())
    assert dict(answer.headers)["Warning"] == (
        "299 - \"Validation failed for ValidatingAdmissionPolicy 'p.example' with binding "
        "'b.example': failed expression: false\""
    )


async def test_a_binding_hands_its_policy_an_object(cluster: Cluster) -> None:
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    await cluster.json("POST", MAPS, config("limits", most="y"))
    ref = {"name": "limits", "namespace": "default", "parameterNotFoundAction": "Deny"}
    await governed(
        cluster,
        policy("object.data.a < params.data.most", paramKind=kind),
        binding(paramRef=ref),
    )
    await cluster.json("POST", MAPS, config("a", a="x"))
    await cluster.refused("POST", MAPS, config("b", a="z"))
    await cluster.json("DELETE", f"{MAPS}/limits")
    status = await cluster.refused("POST", MAPS, config("c", a="x"))
    assert (
        "no params found for policy binding with `Deny` parameterNotFoundAction"
        in status["message"]
    )


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            {"validations": [{"expression": "object.a =="}]},
            '[0].expression: Invalid value: "object.a ==": compilation failed: ERROR',
        ),
        (
            {"validations": [{"expression": "1"}]},
            'spec.validations[0].expression: Invalid value: "1": must evaluate to bool',
        ),
        (
            {"validations": [{"expression": "params.a == 1"}]},
            "undeclared reference to 'params' (in container '')",
        ),
        (
            {"validations": [{"expression": "variables.a == 1"}]},
            "undefined field 'a'",
        ),
        (
            {"matchConditions": [{"name": "a", "expression": "request.nope == 1"}]},
            "undefined field 'nope'",
        ),
        ({"validations": [{"expression": " "}]}, "expression is not specified"),
    ],
)
async def test_expressions_that_cannot_be(cluster: Cluster, spec: Object, words: str) -> None:
    status = await cluster.refused(
        "POST", f"{GROUP}/validatingadmissionpolicies", policy("true", **spec)
    )
    assert words in status["message"]

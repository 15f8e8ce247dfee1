from typing import Any

import pytest

from netemu.api.validation.certificates import (
    signer_name,
    signing_request,
    signing_request_update,
    unapproved,
)
from netemu.api.validation.field import Path
from netemu.model.errors import Cause
from netemu.model.meta import Object
from tests.support.certificates import a_request, asking

GOOD = asking("c", a_request("anne"))
OLD, ALLOWED = '"kubernetes.io/legacy-unknown"', "allowed via this API version"
LEAST = "600 seconds (10 minutes)"
BOTH = "Approved and Denied conditions are mutually exclusive"
UNREADABLE = "must contain at least one CERTIFICATE PEM block"
AT = Path("spec.signerName")


def said(causes: Any) -> list[str]:
    return [f"{cause.field}: {cause.message}" for cause in causes if isinstance(cause, Cause)]


def answered(*conditions: Object, **status: Any) -> Object:
    return {**GOOD, "status": {"conditions": list(conditions), **status}}


def condition(kind: str, status: str = "True") -> Object:
    return {"type": kind, "status": status}


def test_a_request_as_it_should_be_passes() -> None:
    assert said(signing_request(GOOD)) == []


def test_all_that_is_wrong_is_told() -> None:
    spec = {
        "request": "YWI=",
        "signerName": "kubernetes.io/legacy-unknown",
        "usages": ["client auth", "flying", "client auth"],
        "expirationSeconds": 599,
    }
    found = said(signing_request({**GOOD, "spec": spec}))
    assert found[0] == (
        "spec.request: Invalid value: []byte{0x61, 0x62}: "
        "PEM block type must be CERTIFICATE REQUEST"
    )
    assert found[1].startswith('spec.usages[1]: Unsupported value: "flying": supported values: "an')
    assert found[2:] == [
        'spec.usages[2]: Duplicate value: "client auth"',
        f"spec.signerName: Invalid value: {OLD}: the legacy signerName is not {ALLOWED}",
        f"spec.expirationSeconds: Invalid value: 599: may not specify a duration less than {LEAST}",
    ]
    assert said(signing_request({**GOOD, "spec": {}}))[1:] == [
        "spec.usages: Required value: usages must be provided",
        "spec.signerName: Required value",
    ]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("example.com/a", ""),
        ("example.com/a.b-c", ""),
        ("", "Required value"),
        ("a", "must be a fully qualified domain and path of the form"),
        ("a.b/c/d", "must be a fully qualified domain and path of the form"),
        ("com/a", "should be a domain with at least two segments separated by dots"),
        ("A.com/a", 'validating label "A": a lowercase RFC 1123 label must consist of'),
        ("a.com/B", 'validating label "B": a lowercase RFC 1123 subdomain must consist of'),
        (f"{'a.' * 130}com/a", "Too long: may not be more than 253 bytes"),
    ],
)
def test_a_signer_is_named_by_domain_and_path(name: str, problem: str) -> None:
    found = said(signer_name(AT, name))
    assert [problem in each for each in found] == ([True] if problem else [])


@pytest.mark.parametrize(
    ("conditions", "problem"),
    [
        ([condition("Approved")], ""),
        ([condition("Approved", "False")],
         '[0].status: Unsupported value: "False": supported values: "True"'),
        ([condition("", "True")], "[0].type: Required value"),
        ([{"type": "Other"}], "[0].status: Required value"),
        ([condition("Approved"), condition("Denied")],
         f'[1].type: Invalid value: "Denied": {BOTH}'),
        ([condition("Other"), condition("Other")], '[1].type: Duplicate value: "Other"'),
    ],
)  # fmt: skip
def test_conditions_are_well_formed(conditions: list[Object], problem: str) -> None:
    found = said(signing_request_update(answered(*conditions), answered()))
    assert found == ([f"status.conditions{problem}"] if problem else [])


def test_an_answer_stays_and_a_certificate_too() -> None:
    old = answered(condition("Denied"), certificate="YQ==")
    assert said(signing_request_update(answered(certificate="Yg=="), old)) == [
        'status.conditions: Forbidden: updates may not remove a condition of type "Denied"',
        f'status.certificate: Invalid value: "<certificate data>": {UNREADABLE}',
        "status.certificate: Forbidden: updates may not modify existing certificate content",
    ]


def test_a_status_is_no_approval() -> None:
    assert said(unapproved(answered(condition("Approved")), answered())) == [
        'status.conditions: Forbidden: updates may not add a condition of type "Approved"'
    ]
    assert said(unapproved(answered(condition("Failed")), answered())) == []

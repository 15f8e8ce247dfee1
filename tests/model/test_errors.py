from typing import Any

import pytest

from netemu.model.errors import (
    AlreadyExists,
    ApiError,
    BadRequest,
    Cause,
    Conflict,
    Expired,
    Forbidden,
    Invalid,
    NotFound,
    Unauthorized,
    UnknownPath,
)

REQUIRED = Cause("FieldValueRequired", "Required value", "spec.selector")
BAD = Cause("FieldValueInvalid", 'Invalid value: "A": must be lower case', "metadata.name")

SAID: list[tuple[ApiError, int, str, str]] = [
    (NotFound("pods", "p"), 404, "NotFound", 'pods "p" not found'),
    (NotFound("deployments.apps", "d"), 404, "NotFound", 'deployments.apps "d" not found'),
    (UnknownPath(), 404, "NotFound", "the server could not find the requested resource"),
    (AlreadyExists("pods", "p"), 409, "AlreadyExists", 'pods "p" already exists'),
    (
        Conflict("pods", "p"),
        409,
        "Conflict",
        (
            'Operation cannot be fulfilled on pods "p": the object has been modified; please apply '
            "your changes to the latest version and try again"
        ),
    ),
    (Unauthorized(), 401, "Unauthorized", "Unauthorized"),
    (Forbidden("no"), 403, "Forbidden", "no"),
    (BadRequest("what"), 400, "BadRequest", "what"),
    (Expired("too old"), 410, "Expired", "too old"),
    (
        Invalid("", "Pod", "p", [REQUIRED]),
        422,
        "Invalid",
        'Pod "p" is invalid: spec.selector: Required value',
    ),
    (
        Invalid("apps", "Deployment", "d", [BAD, REQUIRED, BAD]),
        422,
        "Invalid",
        (
            'Deployment.apps "d" is invalid: [metadata.name: Invalid value: "A": must be lower '
            "case, spec.selector: Required value]"
        ),
    ),
]


@pytest.mark.parametrize(("error", "code", "reason", "message"), SAID, ids=[s[2] for s in SAID])
def test_a_refusal_says_what_kubernetes_says(
    error: ApiError, code: int, reason: str, message: str
) -> None:
    status = error.status()
    assert (status["code"], status["reason"], status["message"]) == (code, reason, message)
    assert str(error) == message


DETAILS: list[tuple[ApiError, dict[str, Any]]] = [
    (NotFound("pods", "p"), {"name": "p", "kind": "pods"}),
    (NotFound("deployments.apps", "d"), {"name": "d", "group": "apps", "kind": "deployments"}),
    (
        Invalid("", "Pod", "p", [REQUIRED]),
        {
            "name": "p",
            "kind": "Pod",
            "causes": [
                {
                    "reason": "FieldValueRequired",
                    "message": "Required value",
                    "field": "spec.selector",
                }
            ],
        },
    ),
]


@pytest.mark.parametrize(("error", "details"), DETAILS)
def test_details_name_the_object(error: ApiError, details: dict[str, Any]) -> None:
    assert error.status()["details"] == details


def test_the_fields_come_in_the_order_in_which_go_writes_them() -> None:
    assert list(NotFound("pods", "p").status()) == [
        "kind",
        "apiVersion",
        "metadata",
        "status",
        "message",
        "reason",
        "details",
        "code",
    ]

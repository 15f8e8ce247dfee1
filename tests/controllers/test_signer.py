"""Approved requests are signed, and none stays for ever."""

from collections.abc import Sequence
from typing import Any

import pytest

from netemu.clock import rfc3339
from netemu.controllers.actions import Action, Delete, WriteStatus
from netemu.controllers.signer import LONGEST, Observed, plan, until
from netemu.model.meta import Object
from tests.support.certificates import CLIENT, a_request, asking

NOW = 1_800_000_000.0
HOUR = 3600
GOOD = a_request("anne")


def a_wish(
    *conditions: str,
    request: bytes = GOOD,
    signer: str = CLIENT,
    age: float = 0,
    seconds: int | None = None,
) -> Object:
    obj = asking("c", request, signer, seconds=seconds)
    obj["metadata"]["creationTimestamp"] = rfc3339(NOW - age)
    said = [
        {"type": each, "status": "True", "lastUpdateTime": rfc3339(NOW - age)}
        for each in conditions
    ]
    return {**obj, "status": {"conditions": said}}


class Authority:
    def __init__(self) -> None:
        self.seconds: list[int] = []

    def __call__(self, pem: bytes, usages: Sequence[str], seconds: int, now: float) -> bytes:
        self.seconds.append(seconds)
        return b"signed"


def planned(obj: Object, sign: Any = None) -> list[Action]:
    return plan(Observed(obj=obj, now=NOW, sign=sign or Authority()))


def test_what_was_approved_is_signed_and_then_let_be() -> None:
    (action,) = planned(a_wish("Approved"))
    assert isinstance(action, WriteStatus)
    assert action.status["certificate"] == "c2lnbmVk"
    assert planned({**a_wish("Approved"), "status": action.status}) == []


@pytest.mark.parametrize(
    "obj",
    [
        a_wish(),
        a_wish("Denied"),
        a_wish("Approved", "Failed"),
        a_wish("Approved", signer="example.com/signer"),
    ],
)
def test_nothing_else_is_signed(obj: Object) -> None:
    assert planned(obj) == []


def test_why_a_signer_does_not_sign_is_a_condition() -> None:
    obj = a_wish("Approved")
    obj["spec"]["usages"] = ["server auth"]
    (action,) = planned(obj)
    assert isinstance(action, WriteStatus)
    failed = action.status["conditions"][1]
    assert (failed["type"], failed["reason"]) == ("Failed", "SignerValidationFailure")
    assert failed["message"] == "invalid usage for client certificate: server auth"
    assert planned({**obj, "status": action.status}) == []


@pytest.mark.parametrize(("asked", "given"), [(None, LONGEST), (900, 900), (10**9, LONGEST)])
def test_a_certificate_holds_no_longer_than_a_year(asked: int | None, given: int) -> None:
    authority = Authority()
    planned(a_wish("Approved", seconds=asked), authority)
    assert authority.seconds == [given]


@pytest.mark.parametrize(
    ("obj", "stays"),
    [(a_wish(), 24 * HOUR), (a_wish("Approved"), HOUR), (a_wish("Denied"), HOUR)],
)
def test_a_request_is_cleared_away(obj: Object, stays: int) -> None:
    assert until(obj) == NOW + stays
    (action,) = plan(Observed(obj=obj, now=NOW + stays, sign=Authority()))
    assert isinstance(action, Delete)

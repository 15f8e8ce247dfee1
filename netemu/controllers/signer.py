"""The certificate controllers: sign what was approved, and clear away what is done with.

Source: pkg/controller/certificates (signer and cleaner).
"""

import base64
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from netemu.clock import parse_rfc3339, rfc3339
from netemu.controllers.actions import Action, Delete, WriteStatus, execute
from netemu.controllers.runner import Context, Sign
from netemu.model.client import Change
from netemu.model.meta import Object, is_deleting, name_of
from netemu.model.resources import SIGNING_REQUESTS
from netemu.model.signingrequest import SIGNERS, Unreadable, asked, parse

LONGEST: Final = 365 * 86400
"""Seconds a certificate holds unless less is asked for (--cluster-signing-duration)."""
SHORTEST: Final = 600
_HOUR: Final = 3600.0
KEPT: Final = {"Approved": _HOUR, "Denied": _HOUR, "Failed": _HOUR, "": 24 * _HOUR}
"""Seconds a request stays after it was answered; "": after it was made, without an answer."""


class Observed(Struct, frozen=True, kw_only=True):
    """What a plan is made from."""

    obj: Object
    now: float
    sign: Sign


def plan(seen: Observed) -> list[Action]:
    """The certificate, or why there is none, or that the request has been there long enough."""
    if is_deleting(seen.obj):
        return []
    if until(seen.obj) <= seen.now:
        return [Delete(SIGNING_REQUESTS, seen.obj)]
    status, spec = seen.obj.get("status") or {}, seen.obj["spec"]
    said = {item["type"] for item in status.get("conditions") or ()}
    objects_to = SIGNERS.get(spec["signerName"])
    done = status.get("certificate") or "Failed" in said
    if objects_to is None or "Approved" not in said or done:
        return []
    pem, usages = base64.b64decode(spec["request"]), spec["usages"]
    try:
        why = objects_to(asked(parse(pem)), usages)
    except Unreadable as error:
        why = str(error)
    if why:
        return [WriteStatus(SIGNING_REQUESTS, seen.obj, _failed(status, why, seen.now))]
    wanted = spec.get("expirationSeconds", LONGEST)
    signed = seen.sign(pem, usages, max(SHORTEST, min(wanted, LONGEST)), seen.now)
    certificate = base64.b64encode(signed).decode()
    return [WriteStatus(SIGNING_REQUESTS, seen.obj, {**status, "certificate": certificate})]


def _failed(status: Object, why: str, now: float) -> Object:
    condition = {
        "type": "Failed",
        "status": "True",
        "reason": "SignerValidationFailure",
        "message": why,
        "lastUpdateTime": rfc3339(now),
        "lastTransitionTime": rfc3339(now),
    }
    return {**status, "conditions": [*(status.get("conditions") or ()), condition]}


def until(obj: Object) -> float:
    """When a request is cleared away."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    answered = [
        parse_rfc3339(item["lastUpdateTime"]) + KEPT[item["type"]]
        for item in conditions
        if item["type"] in KEPT and item.get("lastUpdateTime")
    ]
    made = parse_rfc3339(obj["metadata"]["creationTimestamp"])
    return min(answered, default=made + KEPT[""])


class SigningController:
    """Sees to one CertificateSigningRequest at a time."""

    resources = (SIGNING_REQUESTS,)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._clock = context.clock
        self._sign = context.sign

    def observe(self, change: Change) -> Iterable[str]:
        """The one that changed."""
        return (name_of(change.object),)

    async def sync(self, name: str) -> float | None:
        """Sign it, or clear it away; look again when it has been there long enough."""
        obj = self._client.get(SIGNING_REQUESTS, "", name)
        if obj is None:
            return None
        now = self._clock.now()
        seen = Observed(obj=obj, now=now, sign=self._sign)
        await execute(self._client, self._recorder, plan(seen))
        return max(until(obj) - now, 0.0)

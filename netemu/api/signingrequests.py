"""CertificateSigningRequests: who asks, and what each of their subresources may change.

Source: pkg/registry/certificates and the admission plugins CertificateApproval, CertificateSigning
and CertificateSubjectRestriction.
"""

import base64
from collections.abc import Callable, Sequence
from typing import Any, Final

from netemu.api.parts import Part
from netemu.api.rbac import MASTERS, Attributes
from netemu.api.request import User
from netemu.api.validation.certificates import of_type, unapproved
from netemu.clock import rfc3339
from netemu.model.errors import ApiError, Forbidden, Invalid
from netemu.model.meta import Object, name_of
from netemu.model.resources import BY_KEY, SIGNING_REQUESTS
from netemu.model.signingrequest import API_CLIENT, Unreadable, asked, parse

_RESOURCE: Final = BY_KEY[SIGNING_REQUESTS]
_TIMES: Final = ("lastUpdateTime", "lastTransitionTime")

Check = Callable[[User, Attributes], None]
"""Raises Forbidden unless the user may do it."""


def asked_by(obj: Object, user: User | None) -> Object:
    """A new request with who sent it, whatever it says itself (upstream's PrepareForCreate).

    Raises Forbidden for one who wants to be a master.
    """
    if user is None:
        return obj
    said: dict[str, Any] = {
        "username": user.name,
        "uid": user.uid,
        "groups": list(user.groups),
        "extra": {name: list(values) for name, values in user.extra.items()},
    }
    spec = {key: value for key, value in (obj.get("spec") or {}).items() if key not in said}
    if spec.get("signerName") == API_CLIENT and MASTERS in _groups(spec):
        raise _forbidden(obj, f"use of {API_CLIENT} signer with {MASTERS} group is not allowed")
    return {**obj, "spec": {**spec, **{key: value for key, value in said.items() if value}}}


def _groups(spec: Object) -> Sequence[str]:
    try:
        return asked(parse(base64.b64decode(spec.get("request") or ""))).organizations
    except Unreadable:
        return ()  # the rules will say so


def changed(part: Part, given: Object, old: Object, now: float) -> Object:
    """The body of a write to a part, with what it may not change as it is stored, and times for
    its conditions. Raises Invalid.
    """
    if part is Part.STATUS:
        causes = list(unapproved(given, old))
        if causes:
            raise Invalid(_RESOURCE.group, _RESOURCE.kind, name_of(old), causes)
    before = (old.get("status") or {}).get("conditions") or ()
    status = given.get("status") or {}
    conditions = [
        _stored(item, before) if part is Part.STATUS else item
        for item in status.get("conditions") or ()
    ]
    timed = [_timed(item, before, rfc3339(now)) for item in conditions]
    return {**given, "status": {**status, "conditions": timed} if timed else status}


def _stored(item: Object, before: Sequence[Object]) -> Object:
    """An approval as it is stored, whatever a status says of it."""
    if item.get("type") not in ("Approved", "Denied"):
        return item
    return next(iter(of_type(before, item["type"])), item)


def _timed(item: Object, before: Sequence[Object], now: str) -> Object:
    times = {key: item.get(key) or now for key in _TIMES}
    same = [old for old in of_type(before, item.get("type", "")) if
            old.get("status") == item.get("status") and old.get(_TIMES[1])]  # fmt: skip
    if same and not item.get(_TIMES[1]):
        times[_TIMES[1]] = same[0][_TIMES[1]]
    return {**item, **times}


def require_right(part: Part, given: Object, old: Object, user: User | None, check: Check) -> None:
    """Whoever approves or signs needs the right to do so for that signer. Raises Forbidden."""
    new, stored = given.get("status") or {}, old.get("status") or {}
    match part:
        case Part.APPROVAL:
            verb = "approve"
        case Part.STATUS if new.get("certificate") != stored.get("certificate"):
            verb = "sign"
        case _:
            return
    signer = str(old["spec"].get("signerName", ""))
    domain = signer.partition("/")[0]
    if user is None or any(_may(check, user, verb, name) for name in (signer, f"{domain}/*")):
        return
    raise _forbidden(old, f'user not permitted to {verb} requests with signerName "{signer}"')


def _may(check: Check, user: User, verb: str, name: str) -> bool:
    wanted = Attributes(verb=verb, group=_RESOURCE.group, resource="signers", name=name)
    try:
        check(user, wanted)
    except ApiError:
        return False
    return True


def _forbidden(obj: Object, why: str) -> Forbidden:
    name = obj["metadata"].get("name", "")
    return Forbidden(
        f'{_RESOURCE.key} "{name}" is forbidden: {why}',
        name=name,
        group=_RESOURCE.group,
        kind=_RESOURCE.plural,
    )

"""CertificateSigningRequests: the server itself says who asks; pure."""

from typing import Any

from netemu.api.request import User
from netemu.model.meta import Object


def asked_by(obj: Object, user: User | None) -> Object:
    """A new request with who sent it, whatever it says itself (upstream's PrepareForCreate)."""
    if user is None:
        return obj
    said: dict[str, Any] = {
        "username": user.name,
        "uid": user.uid,
        "groups": list(user.groups),
        "extra": {name: list(values) for name, values in user.extra.items()},
    }
    spec = {key: value for key, value in (obj.get("spec") or {}).items() if key not in said}
    return {**obj, "spec": {**spec, **{key: value for key, value in said.items() if value}}}

"""Refusals that somebody catches or a client sees, in Kubernetes' own words.

The HTTP edge turns an `ApiError` into a ``Status`` object; nowhere else are these mapped to the
wire.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct


class Cause(Struct, frozen=True):
    """One reason of an `Invalid`; `message` is what follows the field in the sentence."""

    reason: str
    """FieldValueRequired, FieldValueInvalid, FieldValueDuplicate, FieldValueForbidden, …"""
    message: str
    field: str


class ApiError(Exception):
    """A refusal with a Status of its own."""

    code = 500
    reason = "InternalError"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = details

    def status(self) -> dict[str, Any]:
        """The Status object a client gets; fields in the order in which Go writes them."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        }
        if self.details:
            status["details"] = self.details
        status["code"] = self.code
        return status


def _split(resource: str) -> tuple[str, str]:
    """``deployments.apps`` -> (deployments, apps)."""
    plural, _, group = resource.partition(".")
    return plural, group


def _named(resource: str, name: str) -> dict[str, Any]:
    plural, group = _split(resource)
    return {"name": name, **({"group": group} if group else {}), "kind": plural}


class BadRequest(ApiError):
    """The request itself is malformed."""

    code, reason = 400, "BadRequest"


class Unauthorized(ApiError):
    """Nobody knows who asks."""

    code, reason = 401, "Unauthorized"

    def __init__(self, message: str = "Unauthorized") -> None:
        super().__init__(message)


class Forbidden(ApiError):
    """Known, and not allowed."""

    code, reason = 403, "Forbidden"


class NotFound(ApiError):
    """No such object; `resource` is a `Resource.key`."""

    code, reason = 404, "NotFound"

    def __init__(self, resource: str, name: str) -> None:
        super().__init__(f'{resource} "{name}" not found', **_named(resource, name))


class UnknownPath(ApiError):
    """No such URL."""

    code, reason = 404, "NotFound"

    def __init__(self) -> None:
        super().__init__("the server could not find the requested resource")


class MethodNotAllowed(ApiError):
    """The URL exists, the verb doesn't."""

    code, reason = 405, "MethodNotAllowed"

    def __init__(
        self, message: str = "the server does not allow this method on the requested resource"
    ) -> None:
        super().__init__(message)


class NotAcceptable(ApiError):
    """None of the media types asked for can be given."""

    code, reason = 406, "NotAcceptable"


class AlreadyExists(ApiError):
    """The name is taken."""

    code, reason = 409, "AlreadyExists"

    def __init__(self, resource: str, name: str) -> None:
        super().__init__(f'{resource} "{name}" already exists', **_named(resource, name))


MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


class Conflict(ApiError):
    """The object changed since it was read, or a precondition failed."""

    code, reason = 409, "Conflict"

    def __init__(self, resource: str, name: str, why: str = MODIFIED, **more: Any) -> None:
        message = f'Operation cannot be fulfilled on {resource} "{name}": {why}'
        super().__init__(message, **_named(resource, name), **more)


class Expired(ApiError):
    """The version asked for is no longer in the history."""

    code, reason = 410, "Expired"


class TooLarge(ApiError):
    """The body is over the limit."""

    code, reason = 413, "RequestEntityTooLarge"


class UnsupportedMediaType(ApiError):
    """The body is of a type nobody reads here."""

    code, reason = 415, "UnsupportedMediaType"


class Invalid(ApiError):
    """The object breaks rules; every broken rule is named at once."""

    code, reason = 422, "Invalid"

    def __init__(self, group: str, kind: str, name: str, causes: Sequence[Cause]) -> None:
        lines = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
        said = lines[0] if len(lines) == 1 else "[" + ", ".join(lines) + "]"
        qualified = f"{kind}.{group}" if group else kind
        super().__init__(
            f'{qualified} "{name}" is invalid: {said}',
            name=name,
            **({"group": group} if group else {}),
            kind=kind,
            causes=[
                {"reason": cause.reason, "message": cause.message, "field": cause.field}
                for cause in causes
            ],
        )
        self.causes = tuple(causes)


class TooManyRequests(ApiError):
    """Not now; try again."""

    code, reason = 429, "TooManyRequests"


class InternalError(ApiError):
    """Our bug, said without its traceback."""

    code, reason = 500, "InternalError"

    def __init__(self, message: str) -> None:
        super().__init__(f"Internal error occurred: {message}", causes=[{"message": message}])


class ServiceUnavailable(ApiError):
    """Not ready to answer yet."""

    code, reason = 503, "ServiceUnavailable"


class CallFailed(Exception):
    """A webhook could not be called; the text says why."""

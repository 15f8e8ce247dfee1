"""The object in a request's body: read, checked against its kind, judged as strictly as asked."""

from collections.abc import Callable
from typing import Final

from netemu.api import body, strict
from netemu.api.request import Request, bad_option
from netemu.model.errors import BadRequest
from netemu.model.meta import Object
from netemu.model.resources import Resource

STRICT: Final = "strict decoding error: "


def body_of(resource: Resource, request: Request) -> tuple[Object, list[str]]:
    """The object in the body, checked, and what to warn of. Raises BadRequest and the like."""
    given, doubled = body.parse(
        request.body, request.content_type, resource.kind, resource.api_version
    )
    checked, unknown = strict.check(resource, typed(resource, given))
    kind = resource.kind
    head = f'{kind} in version "{resource.version}" cannot be handled as a {kind}: '
    return checked, judged(request, [*doubled, *unknown], lambda why: BadRequest(head + why))


def judged(request: Request, problems: list[str], refusal: Callable[[str], Exception]) -> list[str]:
    """Refuse, warn of, or pass over fields that nobody knows, as the client wishes."""
    match request.query.get("fieldValidation") or "Warn":
        case "Strict":
            if problems:
                raise refusal(STRICT + ", ".join(problems))
            return []
        case "Warn":
            return problems
        case "Ignore":
            return []
        case other:
            raise bad_option(
                "fieldValidation",
                f'Unsupported value: "{other}": supported values: "", "Ignore", "Strict", "Warn"',
                request.method,
            )


def typed(resource: Resource, obj: Object) -> Object:
    """The object with the kind of its URL. Raises BadRequest when its own differs."""
    api_version = obj.get("apiVersion") or resource.api_version
    kind = obj.get("kind") or resource.kind
    if api_version != resource.api_version:
        raise BadRequest(
            f"the API version in the data ({api_version}) does not match the expected API version "
            f"({resource.api_version})"
        )
    if kind != resource.kind:
        package = resource.group.partition(".")[0] or "core"
        raise BadRequest(
            f'{kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
            f"converting (v1.{kind}) to ({package}.{resource.kind}): unknown conversion"
        )
    return {**obj, "apiVersion": api_version, "kind": kind}

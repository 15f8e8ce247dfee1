"""The object in a request's body: read, checked against its kind, judged as strictly as asked."""

from collections.abc import Callable
from typing import Final

from netemu.api import body, strict
from netemu.api.request import Request, bad_option
from netemu.model.errors import BadRequest
from netemu.model.meta import Object
from netemu.model.resources import Resource

STRICT: Final = "strict decoding error: "
_REPEATED: Final = (
    ".metadata.ownerReferences contains duplicate entries{}; API server dedups owner references in "
    "1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate "
    "UID(s) observed: {}"
)
PATCHED: Final = " after mutating admission happens"
"""When a patch is seen to repeat owners (upstream's words)."""


def body_of(resource: Resource, request: Request) -> tuple[Object, list[str]]:
    """The object in the body, checked, and what to warn of. Raises BadRequest and the like."""
    given, doubled = body.parse(
        request.body, request.content_type, resource.kind, resource.api_version
    )
    checked, unknown = strict.check(resource, typed(resource, given))
    kind = resource.kind
    head = f'{kind} in version "{resource.version}" cannot be handled as a {kind}: '
    warnings = judged(request, [*doubled, *unknown], lambda why: BadRequest(head + why))
    return with_single_owners(checked, warnings), warnings


def with_single_owners(obj: Object, warnings: list[str], when: str = "") -> Object:
    """The object with each of its owners once; `warnings` says which came again, and `when`."""
    owners = (obj.get("metadata") or {}).get("ownerReferences") or ()
    single: list[Object] = []
    repeated = []
    for owner in owners:
        if owner in single:
            repeated.append(str(owner.get("uid", "")))
        else:
            single.append(owner)
    if not repeated:
        return obj
    warnings.append(_REPEATED.format(when, ", ".join(repeated)))
    return {**obj, "metadata": {**obj["metadata"], "ownerReferences": single}}


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

"""The request of a server-side apply: its options and its body, refused as upstream does."""

from dataclasses import dataclass
from typing import Final

from netemu.api import body, strict
from netemu.api.apply import Applier, untypable
from netemu.api.decoding import STRICT, judged
from netemu.api.request import Request
from netemu.model.errors import BadRequest, Cause, Invalid
from netemu.model.meta import Object
from netemu.model.resources import Resource

YAML: Final = "application/yaml"
_UNKNOWN: Final = 'unknown field "'


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client applies."""

    config: Object
    applier: Applier
    warnings: list[str]


def read(resource: Resource, subresource: str, request: Request) -> Wanted:
    """The request of an apply. Raises BadRequest, Invalid, Untypable."""
    manager = request.query.get("fieldManager", "")
    if not manager:
        raise _option("FieldValueRequired", "fieldManager", _REQUIRED)
    applier = Applier(manager=manager, subresource=subresource, force=request.flag("force"))
    # YAML is a superset of JSON, so one reader serves both media types (as upstream's).
    given, doubled = body.parse(request.body, YAML, resource.kind)
    version, kind = given.get("apiVersion") or "", given.get("kind") or ""
    if version != resource.api_version or kind != resource.kind:
        raise BadRequest(_mismatch(resource, version, kind))
    config, unknown = strict.check(resource, given)
    if unknown:
        field = unknown[0].removeprefix(_UNKNOWN).removesuffix('"')
        raise untypable(resource, config, f".{field}: field not declared in schema")
    return Wanted(config, applier, judged(request, doubled, _twice))


def _twice(why: str) -> BadRequest:
    return BadRequest(f"error strict decoding YAML: {why.removeprefix(STRICT)}")


def _mismatch(resource: Resource, version: str, kind: str) -> str:
    if version != resource.api_version:
        return (
            "Incorrect version specified in apply patch. Specified patch version: "
            f"{version}, expected: {resource.api_version}"
        )
    return f"apply patch is of kind {kind}, expected: {resource.kind}"


_REQUIRED: Final = "Required value: is required for apply patch"


def forced() -> Invalid:
    """The refusal of ``force`` with a patch of another kind."""
    why = "Forbidden: may not be specified for non-apply patch"
    return _option("FieldValueForbidden", "force", why)


def _option(reason: str, field: str, message: str) -> Invalid:
    return Invalid("meta.k8s.io", "PatchOptions", "", [Cause(reason, message, field)])

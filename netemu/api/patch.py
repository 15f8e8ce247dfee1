"""PATCH: the three ways to say what should change in an object.

The result may share parts with the object and the patch, which stay as they were; whoever keeps
it checks it first (`strict.check` makes a copy).
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from netemu.api import schema, strategic
from netemu.api.body import unknown_format
from netemu.api.jsonbody import Malformed, check_depth, load_json
from netemu.api.strict import json_name
from netemu.model.errors import ApiError, BadRequest, TooLarge, UnsupportedMediaType
from netemu.model.meta import Object, copied
from netemu.model.resources import Resource

JSON: Final = "application/json-patch+json"
MERGE: Final = "application/merge-patch+json"
STRATEGIC: Final = "application/strategic-merge-patch+json"
TYPES: Final = (JSON, MERGE, STRATEGIC, "application/apply-patch+yaml")
"""In the order in which upstream names them; the last is server-side apply, which is not merely a
patch (`netemu.api.apply`)."""

MAX_OPERATIONS: Final = 10_000
"""Of one JSON patch, as upstream."""
MAX_COPIED: Final = 3 * 1024 * 1024
"""Bytes that the "copy" steps of one JSON patch may add up to, as upstream."""


class Inapplicable(ApiError):
    """A well-formed patch that doesn't fit the object; upstream doesn't say how."""

    code, reason = 422, "Invalid"

    def __init__(self) -> None:
        super().__init__("the server rejected our request due to an error in our request")


def apply(resource: Resource, content_type: str, current: Object, body: bytes) -> Object:
    """`current` patched.

    Raises UnsupportedMediaType, BadRequest for a malformed patch, TooLarge for one with too many
    operations, Inapplicable for one that doesn't fit, Unmergeable for items without their key.
    """
    media = media_type(content_type)
    known = types(resource)
    if media not in _APPLY or media not in known:
        raise UnsupportedMediaType(unknown_format(known))
    try:
        patch, _ = load_json(body)
    except Malformed as malformed:
        raise _undecodable(media, malformed.reason) from None
    go_type, expected = _GO_TYPES[media]
    if not isinstance(patch, expected):
        raise _undecodable(media, f"json: cannot unmarshal {json_name(patch)} into {go_type}")
    result: Object = _APPLY[media](resource, current, patch)
    return result


def types(resource: Resource) -> tuple[str, ...]:
    """The media types of patches to a kind: custom ones have no merge keys."""
    return tuple(t for t in TYPES if t != STRATEGIC) if resource.custom else TYPES


def _undecodable(media: str, why: str) -> BadRequest:
    return BadRequest(why if media == STRATEGIC else f"error decoding patch: {why}")


def media_type(content_type: str) -> str:
    """A Content-Type without its parameters."""
    return content_type.partition(";")[0].strip()


def _json_patch(resource: Resource, current: Object, patch: Any) -> Any:
    """RFC 6902."""
    for step in patch:
        if not isinstance(step, dict):
            raise _undecodable(JSON, f"json: cannot unmarshal {json_name(step)} into {_STEP}")
    if len(patch) > MAX_OPERATIONS:
        raise TooLarge(
            f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(patch)}"
        )
    return _stepwise(copied(current), patch)


def _stepwise(result: Any, steps: list[Object]) -> Object:
    import jsonpatch  # late: 10 ms, and few clients send one

    size = 0
    try:
        for step in steps:
            if step.get("op") == "copy":  # copies of copies double with every step
                source = jsonpatch.JsonPointer(str(step.get("from", ""))).resolve(result)
                size += len(msgspec.json.encode(source))
                if size > MAX_COPIED:
                    raise Inapplicable
            result = jsonpatch.apply_patch(result, [copied(step)], in_place=True)
        check_depth(result)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, Malformed, TypeError):
        # TypeError: the library's own, for reading what "-" points to, the item after the last.
        raise Inapplicable from None
    if not isinstance(result, dict):
        raise Inapplicable
    return result


def _merge_patch(resource: Resource, current: Object, patch: Any) -> Any:
    return merged(current, patch)


def merged(current: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(current) if isinstance(current, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _strategic_merge_patch(resource: Resource, current: Object, patch: Any) -> Any:
    return strategic.merge(schema.of(resource), current, patch)


_STEP: Final = "Go value of type handlers.jsonPatchOp"
_MAP: Final = "Go value of type map[string]interface {}"
_GO_TYPES: Final[Mapping[str, tuple[str, type]]] = {
    JSON: ("Go value of type []handlers.jsonPatchOp", list),
    MERGE: (_MAP, dict),
    STRATEGIC: (_MAP, dict),
}
"""What Go reads a patch into, and what Python must have read."""
_APPLY: Final = {JSON: _json_patch, MERGE: _merge_patch, STRATEGIC: _strategic_merge_patch}

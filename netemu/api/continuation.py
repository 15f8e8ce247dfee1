"""Continue tokens: the version of a list and the key after which its next page begins; pure.

Source: apiserver's pkg/storage/continue.go, whose refusals these are.
"""

import base64
import posixpath
import re
from typing import Any, Final

import msgspec

from netemu.api.jsonbody import Malformed, load_json
from netemu.api.strict import json_name
from netemu.model.errors import BadRequest
from netemu.model.meta import Key

LATEST: Final = -1
"""The version of a token that goes on wherever the list has got to."""

_FORMAT: Final = "meta.k8s.io/v1"
_NEXT: Final = "\x00"
"""Ends a token's start: the key right after the last one given."""
_FOREIGN: Final = re.compile(rb"[^A-Za-z0-9_\-\r\n]")
_LINES: Final = re.compile(rb"[\r\n]")
_STRUCT: Final = "storage.continueToken"


class BadToken(BadRequest):
    """Nobody was given such a token."""

    def __init__(self, why: str) -> None:
        super().__init__(f"invalid continue token: continue key is not valid: {why}")


def token(revision: int, start: str) -> str:
    """What a client sends to go on at `start` (see `after`)."""
    content = msgspec.json.encode({"v": _FORMAT, "rv": revision, "start": start})
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def after(last: Key) -> str:
    """Where the page after the one that ends with `last` starts."""
    return f"{last[0]}/{last[1]}{_NEXT}"


def key_before(start: str) -> Key:
    """The key that comes last before a start."""
    namespace, _, name = start.removesuffix(_NEXT).partition("/")
    return namespace, name


def read(text: str) -> tuple[int, str]:
    """Version and start of a token. Raises BadToken."""
    try:
        content, _ = load_json(_decoded(text.encode()))
    except Malformed as malformed:
        raise BadToken(malformed.reason) from None
    fields = {} if content is None else content
    if not isinstance(fields, dict):
        raise BadToken(f"json: cannot unmarshal {_kind(fields)} into Go value of type {_STRUCT}")
    version, start = _field(fields, "v", ""), _field(fields, "start", "")
    revision = _field(fields, "rv", 0)
    if version != _FORMAT:
        raise BadToken(f"server does not recognize this encoded version {version}")
    if not revision:
        raise BadToken(f"incorrect encoded start resourceVersion (version {_FORMAT})")
    if not start:
        raise BadToken(f"encoded start key empty (version {_FORMAT})")
    rooted = start if start.startswith("/") else f"/{start}"
    if posixpath.normpath(rooted) != rooted:
        raise BadToken(start)
    return revision, start


def _decoded(text: bytes) -> bytes:
    """Base64 without padding, as Go reads it. Raises BadToken."""
    plain = _LINES.sub(b"", text)
    foreign = _FOREIGN.search(text)
    if foreign or len(plain) % 4 == 1:
        at = foreign.start() if foreign else len(text)
        raise BadToken(f"illegal base64 data at input byte {at}")
    return base64.urlsafe_b64decode(plain + b"=" * (-len(plain) % 4))


def _field(fields: dict[str, Any], name: str, default: Any) -> Any:
    value = fields.get(name)
    if value is None:
        return default
    if type(value) is not type(default):
        go_type = "int64" if name == "rv" else "string"
        raise BadToken(
            f"json: cannot unmarshal {_kind(value)} into Go struct field continueToken.{name} "
            f"of type {go_type}"
        )
    return value


def _kind(value: Any) -> str:
    name = json_name(value)
    return f"number {value}" if name == "number" else name

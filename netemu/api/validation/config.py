"""Rules of ConfigMaps and Secrets."""

import binascii
import json
from base64 import b64decode
from collections.abc import Sequence
from typing import Final

from netemu.api.validation import field
from netemu.api.validation.field import METADATA, Causes, Path, each_invalid
from netemu.api.validation.meta import object_meta, object_meta_update
from netemu.model import names
from netemu.model.meta import Object, annotations_of

LARGEST: Final = 1024 * 1024
"""Bytes of all values together."""
_SEALED: Final = "field is immutable when `immutable` is set"
_DATA = Path("data")


def config_map(obj: Object) -> Causes:
    """A new ConfigMap."""
    yield from object_meta(obj, True, names.dns_subdomain)
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    for key in sorted(data):
        yield from each_invalid(_DATA.key(key), key, names.config_key(key))
        if key in binary:
            yield field.invalid(_DATA.key(key), key, "duplicate of key present in binaryData")
    for key in sorted(binary):
        yield from each_invalid(Path("binaryData").key(key), key, names.config_key(key))
    size = sum(len(value.encode()) for value in data.values())
    if size + sum(_decoded_size(value) for value in binary.values()) > LARGEST:
        yield field.too_long(Path(), LARGEST)


def _decoded_size(text: str) -> int:
    return len(text) * 3 // 4 - text.count("=", -2)


def config_map_update(new: Object, old: Object) -> Causes:
    """An update of a ConfigMap."""
    yield from object_meta_update(new, old)
    yield from _sealed(new, old, ("data", "binaryData"))
    yield from config_map(new)


def _sealed(new: Object, old: Object, keys: Sequence[str]) -> Causes:
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        yield field.forbidden(Path("immutable"), _SEALED)
    for key in keys:
        if not field.same(new.get(key), old.get(key)):
            yield field.forbidden(Path(key), _SEALED)


def secret(obj: Object) -> Causes:
    """A new Secret."""
    yield from object_meta(obj, True, names.dns_subdomain)
    data = obj.get("data") or {}
    for key in sorted(data):
        yield from each_invalid(_DATA.key(key), key, names.config_key(key))
    if sum(_decoded_size(value) for value in data.values()) > LARGEST:
        yield field.too_long(_DATA, LARGEST)
    yield from _of_type(obj, data)


def secret_update(new: Object, old: Object) -> Causes:
    """An update of a Secret; its type stays."""
    yield from object_meta_update(new, old)
    yield from field.immutable(Path("type"), new.get("type", ""), old.get("type", ""))
    yield from _sealed(new, old, ("data",))
    yield from secret(new)


_NEEDED = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
_ACCOUNT = "kubernetes.io/service-account.name"


def _of_type(obj: Object, data: dict[str, str]) -> Causes:
    kind = obj.get("type", "")
    if kind == "kubernetes.io/service-account-token" and not annotations_of(obj).get(_ACCOUNT):
        yield field.required(METADATA.child("annotations").key(_ACCOUNT))
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & set(data):
        yield field.required(_DATA.key("username"))
        yield field.required(_DATA.key("password"))
    for key in _NEEDED.get(kind, ()):
        if key not in data or (kind == "kubernetes.io/ssh-auth" and not data[key]):
            yield field.required(_DATA.key(key))
        elif key.startswith("."):
            yield from _json(data[key], _DATA.key(key))


def _json(text: str, path: Path) -> Causes:
    try:
        fine = isinstance(json.loads(b64decode(text)), dict)
        why = "json: cannot unmarshal into Go value of type map[string]interface {}"
    except (ValueError, binascii.Error):
        fine, why = False, "invalid character looking for beginning of value"
    if not fine:
        yield field.invalid(path, "<secret contents redacted>", why)

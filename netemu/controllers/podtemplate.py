"""Pod templates: when two are the same, and the short hash that names a template's ReplicaSet.

Clients write one template in many ways (Go serialises `creationTimestamp: null` and
`resources: {}` into the patch of ``rollout undo``), so templates are compared and hashed in a
normal form: nulls, empty maps, lists and texts are dropped first.
"""

from typing import Any

import msgspec

from netemu.model.meta import Object

HASH_LABEL = "pod-template-hash"

_MAPS_OF_TEXT = frozenset({"labels", "annotations", "nodeSelector", "matchLabels"})
"""Here an empty text is a value, not the absence of one."""

# Vowels and look-alikes are left out so that no name spells a word (apimachinery's rand package).
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def normal(value: Any) -> Any:
    """The normal form of a template, or of a part of one."""
    if isinstance(value, dict):
        parts = ((key, _normal_field(key, item)) for key, item in value.items())
        return {key: item for key, item in parts if item not in (None, "", {}, [])}
    if isinstance(value, list):
        return [normal(item) for item in value]  # an empty element still is an element
    return value


def _normal_field(key: str, value: Any) -> Any:
    if key in _MAPS_OF_TEXT and isinstance(value, dict):
        return {name: item for name, item in value.items() if item is not None}
    return normal(value)


def without_hash(template: Object) -> Any:
    """The normal form, without the label that a Deployment adds."""
    result = normal(template)
    labels = (result.get("metadata") or {}).get("labels") or {}
    if HASH_LABEL in labels:
        kept = {key: item for key, item in labels.items() if key != HASH_LABEL}
        result = normal({**result, "metadata": {**result["metadata"], "labels": kept}})
    return result


def same(first: Object, second: Object) -> bool:
    """Whether two templates describe the same pods, the hash label aside."""
    return bool(without_hash(first) == without_hash(second))


def template_hash(template: Object, collisions: int | None) -> str:
    """The value of pod-template-hash: 32-bit FNV-1a, written as upstream writes it."""
    text = msgspec.json.encode(without_hash(template), order="deterministic")
    if collisions is not None:
        text += collisions.to_bytes(8, "little")
    return safe_encode(str(_fnv1a(text)))


def _fnv1a(data: bytes) -> int:
    value = 0x811C9DC5
    for byte in data:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def safe_encode(text: str) -> str:
    """Write text in letters and digits that form no words."""
    return "".join(_ALPHABET[ord(character) % len(_ALPHABET)] for character in text)

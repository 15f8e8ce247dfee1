"""The shipped schema file is what the script makes of the published definitions."""

import json
import zlib
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest

from netemu.api import schema
from scripts import build_schema


def _unpacked(data: bytes) -> list[bytes]:
    parts = []
    while data:
        unpack = zlib.decompressobj(31)
        parts.append(unpack.decompress(data))
        data = unpack.unused_data
    return parts


def _same_source() -> bool:
    source = json.loads(next(schema.members()))["source"]
    return f"kubernetes-validate {version('kubernetes-validate')}," in source


SHIPPED = build_schema.OUTPUT.read_bytes()


@pytest.mark.skipif(not _same_source(), reason="built from another release of the definitions")
def test_building_again_gives_the_same_file() -> None:
    built = build_schema.build()
    assert _unpacked(built) == _unpacked(SHIPPED)
    if "zlib-ng" not in zlib.ZLIB_RUNTIME_VERSION:  # packs the same text otherwise
        assert built == SHIPPED


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _nodes(item)


def test_what_the_publisher_changed_is_undone() -> None:
    types, _ = _unpacked(SHIPPED)
    definitions = json.loads(types)["definitions"]
    for node in _nodes(definitions):
        assert not isinstance(node.get("type"), list)
        assert not isinstance(node.get("oneOf"), list)


def test_every_reference_leads_somewhere_and_descriptions_lie_apart() -> None:
    types, texts = map(json.loads, _unpacked(SHIPPED))
    definitions = types["definitions"]
    for node in _nodes(definitions):
        reference = node.get("$ref")
        assert not isinstance(reference, str) or reference in definitions
    assert "Deployment enables declarative" in texts["io.k8s.api.apps.v1.Deployment"][""]
    assert '"description":"' not in _unpacked(SHIPPED)[0].decode()
